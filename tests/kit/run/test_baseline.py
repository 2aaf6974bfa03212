"""Baselines: what is listed does not fail a run, what is new does, and what is not true any more does too."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.kit.baselines import CARRIED, LOGIN_AGAIN, entry, load, replaced, result

from signalproof.errors import InvalidTarget, NonConformance
from signalproof.run import baseline_file
from signalproof.run.result import Result

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served

Serve = Callable[[str], "Served"]

SELECT = f"{CARRIED} or {LOGIN_AGAIN}"

# ── holding a run against it ───────────────────────────────────────────────────────────────────


def test_an_entry_covers_its_check_alone(tmp_path: Path) -> None:
    """By function with all parameters, or by one parameter; without a check it covers all."""
    baseline = load(tmp_path, entry(check=f"{CARRIED}[json]"), entry("OFFER-3", check=CARRIED), entry("OFFER-1"))
    assert baseline.entry("OFFER-4", f"{CARRIED}[json]")
    assert not baseline.entry("OFFER-4", f"{CARRIED}[form]")
    assert baseline.entry("OFFER-3", f"{CARRIED}[form]")
    assert not baseline.entry("OFFER-3", LOGIN_AGAIN)
    assert baseline.entry("OFFER-1", LOGIN_AGAIN)


def test_each_requirement_of_a_breach_has_to_be_listed(tmp_path: Path) -> None:
    """One of two is not enough."""
    baseline = load(tmp_path, entry("OFFER-6"))
    both, one = result("a", broken=("OFFER-6", "HTTP-12")), result("b", broken=("OFFER-6",))
    for judged in (both, one):
        baseline.mark(judged)
    assert (both.only_listed, one.only_listed) == (False, True)
    assert [found.requirements for found in both.new_breaches] == [("OFFER-6", "HTTP-12")]
    assert one.new_breaches == []


def test_a_check_with_a_new_breach_beside_a_listed_one_is_not_excused(tmp_path: Path) -> None:
    """The new one comes first."""
    judged = result("a", broken=("OFFER-4",))
    judged.breaches.append(NonConformance("OFFER-2", expected="nobody", received="everybody"))
    load(tmp_path, entry()).mark(judged)
    assert not judged.only_listed
    assert [found.requirements for found in judged.all_breaches] == [("OFFER-2",), ("OFFER-4",)]


ALL = ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "results", "whole", "stale"),
    [
        (entry(), [result("a", "OFFER-4"), result("b"), result("c")], True, True),
        (entry(outcome="flaky"), [result("a", "OFFER-4"), result("b"), result("c")], True, False),
        (entry(), [result("a", "OFFER-4"), result("b"), result("c")], False, False),
        (entry(), [result("a", "OFFER-4"), result("b")], True, False),
        (entry(), [result("a"), result("b"), result("c")], True, False),
        (entry(), [result("a", "OFFER-4", broken=("OFFER-1",), ended=False), result("b"), result("c")], True, False),
        (entry(), [result("a", "OFFER-4", broken=("OFFER-1",)), result("b"), result("c")], True, True),
    ],
    ids=["mended", "flaky", "narrowed", "deselected", "other_profile", "ended_before", "late_breach"],
)
def test_an_entry_is_stale_only_when_the_run_shows_it(
    tmp_path: Path, text: str, results: list[Result], whole: bool, stale: bool
) -> None:
    """Everything ran, its own checks to their end, and nothing broke its requirement."""
    assessment = load(tmp_path, text).assess(results, selected=ALL, whole=whole)
    assert [bool(assessment.stale), bool(assessment.open)] == [stale, not stale]


@pytest.mark.parametrize(
    ("check", "ran", "whole", "stale"),
    [
        (CARRIED, ["json", "form"], True, True),
        (CARRIED, ["json"], True, False),
        (CARRIED, ["json"], False, False),
        (f"{CARRIED}[json]", ["json"], False, True),
        (f"{CARRIED}[json]", ["form"], True, False),
    ],
)
def test_an_entry_about_a_check_is_stale_when_that_check_ran(
    tmp_path: Path, check: str, ran: list[str], whole: bool, stale: bool
) -> None:
    """With all its parameters, unless the entry names one."""
    selected = [f"{CARRIED}[json]", f"{CARRIED}[form]"] if whole else [f"{CARRIED}[{name}]" for name in ran]
    results = [result(f"{CARRIED}[{name}]", "OFFER-4") for name in ran]
    assessment = load(tmp_path, entry(check=check)).assess(results, selected=selected, whole=whole)
    assert bool(assessment.stale) is stale


def test_a_parameter_that_a_check_does_not_have_is_an_error(tmp_path: Path) -> None:
    """It would be neither seen nor stale for ever."""
    baseline = load(tmp_path, entry(check=f"{CARRIED}[jsn]"))
    with pytest.raises(InvalidTarget, match=re.escape(f"line 1: there is no check {CARRIED}[jsn]; did you mean")):
        baseline.require_cases([f"{CARRIED}[json]", f"{CARRIED}[form]"])


# ── as users see it ────────────────────────────────────────────────────────────────────────────


def test_a_baseline_goes_round(kit: Kit, serve: Serve) -> None:
    """Write it, pass with it, mend the server, and be told which lines to delete."""
    path = kit.folder / "known.toml"
    broken = serve("TrimsTexts").url
    written = kit.check(broken, "-k", SELECT, "--write-baseline", "known.toml")
    assert written.code == 1, written.output
    assert "baseline: 1 new, 0 removed, written to known.toml; give each a reason in place of TODO" in written.output

    unexplained = kit.check(broken, "-k", SELECT, "--baseline", "known.toml")
    (found,) = baseline_file.read(path).entries
    assert f"no reason yet: say in known.toml why to expect OFFER-4 (line {found.line})" in unexplained.output
    replaced(path, "TODO: why?", "The form library trims.")

    passed = kit.check(broken, "-k", SELECT, "--baseline", "known.toml")
    for run in (unexplained, passed):
        assert run.code == 0, run.output
    assert "known: OFFER-4, in 2 checks: The form library trims." in passed.output
    assert "1 passed" in passed.output
    assert "2 known" in passed.output
    assert f"{broken} is NONCONFORMANT, in the ways that its baseline lists" in passed.output
    assert "broken:" not in passed.output
    assert "expected  " not in passed.output
    report: Any = passed.report
    assert [row.get("known") for row in passed.rows(CARRIED)] == [True, True]
    assert [row.get("known") for row in passed.rows(LOGIN_AGAIN)] == [None]
    assert report["summary"]["known"] == 2
    assert [(e["requirement"], e["checks"]) for e in report["baseline"]["known"]] == [("OFFER-4", 2)]

    mended = serve("Assembly").url
    stale = kit.check(mended, "--profiles", "core", "--baseline", "known.toml")
    assert stale.code == 1, stale.output
    assert f"stale: OFFER-4 is not broken any more: delete lines {found.line} to {found.last_line} of" in stale.output
    assert "MUST requirements judged, and kept, and its baseline is stale" in stale.output
    assert stale.report is not None
    assert [e["line"] for e in stale.report["baseline"]["stale"]] == [found.line]

    narrow = kit.check(mended, "-k", SELECT, "--baseline", "known.toml")
    assert narrow.code == 0, narrow.output
    assert "0 seen, 0 stale, 1 not decided by this run" in narrow.output


def test_a_check_goes_past_a_breach_that_changes_nothing(kit: Kit, serve: Serve) -> None:
    """A text that is altered does not keep the others from being examined, whether it is known or new."""
    (kit.folder / "known.toml").write_text(entry(), encoding="utf-8")
    url, select = serve("TrimsTexts").url, ("-k", f"{CARRIED} and json")
    (blind,) = kit.check(url, *select).rows(CARRIED)
    (aware,) = kit.check(url, *select, "--baseline", "known.toml").rows(CARRIED)
    assert (blind["violated"], aware["violated"]) == (["OFFER-4"], ["OFFER-4"])
    assert blind["message"].count("(case: ") == aware["message"].count("(case: ") > 1


@pytest.mark.parametrize("options", [(), ("--serial",), ("-x",)], ids=["concurrent", "serial", "first"])
def test_a_new_breach_fails_beside_a_known_one(kit: Kit, serve: Serve, options: tuple[str, ...]) -> None:
    """One encoding is known, the other is not; the known breach does not stop `-x`."""
    (kit.folder / "known.toml").write_text(entry(check=f"{CARRIED}[json]"), encoding="utf-8")
    run = kit.check(serve("TrimsTexts").url, "-k", CARRIED, "--baseline", "known.toml", "-vv", *options)
    assert run.code == 1, run.output
    assert re.search(r"\[json\] KNOWN", run.output)
    assert re.search(r"\[form\] FAILED", run.output)
    assert f"known: OFFER-4, in {CARRIED}[json]: It trims." in run.output
    assert "broken: OFFER-4, in 1 check:" in run.output
    assert "is NONCONFORMANT, beyond its baseline" in run.output
    assert [row.get("known") for row in run.rows(CARRIED)] == [True, None]


def test_a_known_should_does_not_fail_a_strict_run(kit: Kit, serve: Serve) -> None:
    """With an entry it passes, and no warning is printed."""
    (kit.folder / "known.toml").write_text(entry("HTTP-14", outcome="warn", reason="Old."), encoding="utf-8")
    select = ("-k", "test_refusals_carry_a_code_of_the_registry", "--baseline", "known.toml")
    url = serve("GivesNoCodes").url
    for options in ((), ("--strict",)):
        run = kit.check(url, *select, *options)
        assert run.code == 0, run.output
        assert "known: HTTP-14, in 1 check: Old." in run.output
        assert "warning:" not in run.output


def test_a_baseline_that_cannot_be_used_ends_the_run_at_once(kit: Kit, serve: Serve) -> None:
    """Exit code 4 and the reason; nothing is checked."""
    (kit.folder / "known.toml").write_text(entry("OFER-4"), encoding="utf-8")
    (kit.folder / "case.toml").write_text(entry(check=f"{CARRIED}[jsn]"), encoding="utf-8")
    url = serve("Assembly").url
    for options, message in (
        (("--baseline", "known.toml"), "known.toml, line 2: there is no requirement 'OFER-4'; did you mean OFFER-4?"),
        (("--baseline", "case.toml"), f"there is no check {CARRIED}[jsn]; did you mean {CARRIED}[json]?"),
        (("--baseline", "absent.toml"), "absent.toml cannot be read: No such file or directory; --write-baseline"),
        (("--write-baseline", "no/where.toml"), "no/where.toml is in no folder"),
        (("--write-baseline", "."), ". is a folder"),
    ):
        run = kit.check(url, *options)
        assert run.code == 4, run.output
        assert message in run.output
        assert "Traceback" not in run.output
        assert "passed" not in run.output


def test_a_baseline_of_a_whole_run_holds_in_the_next(kit: Kit, serve: Serve) -> None:
    """Also for what a check breaks beside a requirement that is known: that it breaks has to be seen again."""
    url = serve("TrimsTexts").url
    written = kit.check(url, "--write-baseline", "known.toml")
    broken = {entry.requirement for entry in baseline_file.read(kit.folder / "known.toml").entries}
    assert {"OFFER-3", "OFFER-4", "LOGIN-4"} <= broken, written.output
    again = kit.check(url, "--baseline", "known.toml")
    assert again.code == 0, again.output
    assert again.report is not None
    assert {entry["requirement"] for entry in again.report["baseline"]["known"]} == broken
    assert (again.report["baseline"]["stale"], again.report["baseline"]["undecided"]) == ([], [])
