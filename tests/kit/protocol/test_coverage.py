"""The requirements and their checks, as `signalproof list` prints them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from signalproof.cli import main
from signalproof.protocol.coverage import checks_by_requirement, listing, table
from signalproof.protocol.requirements import CHECKED_PROFILES, catalogue


def test_every_testable_requirement_of_a_checked_profile_has_a_check() -> None:
    """And nothing is cited that the specification does not have."""
    checks = checks_by_requirement()
    assert set(checks) == set(catalogue())
    for requirement in catalogue().values():
        if requirement.profile in CHECKED_PROFILES and requirement.untestable is None:
            assert checks[requirement.id], f"{requirement.id} has no check"


def test_the_table_has_a_row_for_each_requirement() -> None:
    """The command prints what the function gives, narrowed to the profiles named."""
    assert len(list(table())) == 2 + len(catalogue())
    result = CliRunner().invoke(main, ["list", "--markdown", "--profiles", "ice"])
    assert result.exit_code == 0
    rows = [line for line in result.output.splitlines() if line.startswith("| ICE-")]
    assert len(rows) == len([r for r in catalogue().values() if r.profile == "ice"])
    assert "`test_ice::" in rows[0]


def test_the_list_has_a_line_for_each_requirement() -> None:
    """One line each where no terminal is, and all words of the sentence where it is wrapped."""
    result = CliRunner().invoke(main, ["list"])
    assert result.exit_code == 0
    for requirement in catalogue().values():
        (line,) = (line for line in result.output.splitlines() if line.split()[0] == requirement.id)
        assert line.endswith(requirement.sentence)
    wrapped = list(listing(("core",), width=60))
    assert max(map(len, wrapped)) <= 60
    assert " ".join(catalogue()["OFFER-4"].sentence.split()) in " ".join(" ".join(wrapped).split())


@pytest.mark.parametrize(("name", "message"), [("nope", "core"), ("icy", "did you mean 'ice'?")])
def test_an_unknown_profile_is_refused(name: str, message: str) -> None:
    """With the one that was meant, or those that there are."""
    result = CliRunner().invoke(main, ["list", "--profiles", name])
    assert result.exit_code != 0
    assert message in result.output
