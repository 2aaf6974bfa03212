"""The table requirement → checks, as `signalproof list` prints it."""

from __future__ import annotations

from click.testing import CliRunner

from signalproof.cli import main
from signalproof.coverage import checks_by_requirement, table
from signalproof.options import CHECKED_PROFILES
from signalproof.requirements import catalogue


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
    result = CliRunner().invoke(main, ["list", "--profiles", "ice"])
    assert result.exit_code == 0
    rows = [line for line in result.output.splitlines() if line.startswith("| ICE-")]
    assert len(rows) == len([r for r in catalogue().values() if r.profile == "ice"])
    assert "`test_ice::" in rows[0]


def test_an_unknown_profile_is_refused() -> None:
    """With those that there are."""
    result = CliRunner().invoke(main, ["list", "--profiles", "nope"])
    assert result.exit_code != 0
    assert "core" in result.output
