"""Baselines: what is known does not fail a run, what is new does, and what is not true any more does too."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from signalproof.cast.cast import Cast
from signalproof.errors import InvalidTarget, NonConformance
from signalproof.protocol.requirements import Level, catalogue
from signalproof.reports import baseline as known
from signalproof.run.baseline import Baseline, Expected
from signalproof.run.runner import Check, Result

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served

Serve = Callable[[str], "Served"]

CARRIED = "test_the_description_is_forwarded_character_for_character"
LOGIN_AGAIN = "test_repeating_the_same_login_is_harmless"
SELECT = f"{CARRIED} or {LOGIN_AGAIN}"


def entry(requirement: str = "OFFER-4", *, outcome: str = "fail", reason: str = "It trims.", check: str = "") -> str:
    """Write one entry."""
    narrowed = f'check = "{check}"\n' if check else ""
    return f'[[known]]\nrequirement = "{requirement}"\n{narrowed}outcome = "{outcome}"\nreason = "{reason}"\n'


def load(folder: Path, *entries: str) -> Baseline:
    """Read a baseline of these entries."""
    path = folder / "known.toml"
    path.write_text("\n".join(entries), encoding="utf-8")
    return Baseline.load(path)


async def never(_: Cast) -> None:
    """Stand for the body of a check."""


def result(name: str, *cited: str, broken: tuple[str, ...] = (), ended: bool = True) -> Result:
    """Make the judged result of a check; `broken` in one finding, and the check ended by it unless `ended`."""
    check = Check(f"test_offer.py::{name}", never, cited)
    stub = SimpleNamespace(warnings=[], redact=str)
    made = Result(check, cast("Cast", stub), judged=True)
    if broken:
        must = catalogue()[broken[0]].level is Level.MUST
        found = NonConformance(*broken, expected="this", received="that\nand\x00more")
        (made.breaches if must else stub.warnings).append(found)
        made.error = None if ended else found
    return made


# ── reading ────────────────────────────────────────────────────────────────────────────────────

MISTAKES = {
    "not_toml": ("[[known", "is not TOML"),
    "empty_value": ("[[known]]\nrequirement =\n", "is not TOML"),
    "unknown_table": ("[[knwon]]\n", "'knwon' is unknown; a baseline has entries headed [[known]]"),
    "one_table": ("[known]\n", "head each entry with [[known]]"),
    "no_entries": ("known = 3\n", "head each entry with [[known]]"),
    "inline": ('known = [{requirement = "OFFER-4"}]\n', "head each entry with [[known]]"),
    "unknown_key": (f'{entry()}reasons = "x"\n', "line 5: 'reasons' is unknown; did you mean reason?"),
    "unknown_requirement": (entry("OFER-4"), "line 2: there is no requirement 'OFER-4'; did you mean OFFER-4?"),
    "case": (entry("offer-4"), "line 2: there is no requirement 'offer-4'; did you mean OFFER-4?"),
    "nonsense": (entry("???"), "line 2: there is no requirement '???'; `signalproof list` prints all"),
    "unknown_check": (entry(check="test_sids_are_fresh"), "line 3: there is no check 'test_sids_are_fresh'; did"),
    "no_requirement": ('[[known]]\noutcome = "fail"\nreason = "x"\n', "line 1: the entry has no requirement"),
    "outcome": (entry(outcome="failed"), "line 3: 'failed' is no outcome; did you mean fail?"),
    "no_outcome": ('[[known]]\nrequirement = "OFFER-4"\nreason = "x"\n', "line 1: the entry has no outcome"),
    "must_as_warning": (entry(outcome="warn"), "line 3: OFFER-4 is a MUST: write 'fail' or 'flaky'"),
    "should_as_failure": (entry("HTTP-14"), "line 3: HTTP-14 is a SHOULD: write 'warn' or 'flaky'"),
    "no_reason": ('[[known]]\nrequirement = "OFFER-4"\noutcome = "fail"\n', "the entry has no reason: say why"),
    "blank_reason": (entry(reason="  "), "line 4: the entry has no reason: say why"),
    "number": ('[[known]]\nrequirement = 4\n', "line 2: the entry has no requirement"),
    "twice": (entry() + entry(), "line 5: OFFER-4 stands there already, in line 1"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained(tmp_path: Path, text: str, message: str) -> None:
    """With the file, the line, and what may have been meant."""
    with pytest.raises(InvalidTarget) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert "known.toml" in str(caught.value)


def test_lines_are_found_past_comments_and_texts_of_several_lines(tmp_path: Path) -> None:
    """An entry ends with its last value; what looks like an entry inside a text is none."""
    reason = '"""\nIt trims.\n[[known]]\n"""'
    first = f'# head\n\n[[known]]\nrequirement = "OFFER-4"\noutcome = "flaky"\nreason = {reason}\n\n# about the next\n'
    one, other = load(tmp_path, first + entry("OFFER-3")).entries
    assert (one.line, one.last_line, other.line, other.last_line) == (3, 9, 12, 15)
    assert (one.outcome, one.reason) == (Expected.FLAKY, "It trims.\n[[known]]")


# ── holding a run against it ───────────────────────────────────────────────────────────────────


def test_an_entry_covers_its_check_alone(tmp_path: Path) -> None:
    """By function with all parameters, or by one parameter; without a check it covers all."""
    baseline = load(tmp_path, entry(check=f"{CARRIED}[json]"), entry("OFFER-3", check=CARRIED), entry("OFFER-1"))
    assert baseline.entry("OFFER-4", f"{CARRIED}[json]")
    assert not baseline.entry("OFFER-4", f"{CARRIED}[form]")
    assert baseline.entry("OFFER-3", f"{CARRIED}[form]")
    assert not baseline.entry("OFFER-3", LOGIN_AGAIN)
    assert baseline.entry("OFFER-1", LOGIN_AGAIN)


def test_each_requirement_of_a_finding_has_to_be_expected(tmp_path: Path) -> None:
    """One of two is not enough."""
    baseline = load(tmp_path, entry("OFFER-6"))
    both, one = result("a", broken=("OFFER-6", "HTTP-12")), result("b", broken=("OFFER-6",))
    for judged in (both, one):
        baseline.mark(judged)
    assert (both.known, one.known) == (False, True)
    assert [found.requirements for found in both.new_breaches] == [("OFFER-6", "HTTP-12")]
    assert one.new_breaches == []


def test_a_check_with_a_new_breach_beside_a_known_one_is_not_known(tmp_path: Path) -> None:
    """The new one comes first."""
    judged = result("a", broken=("OFFER-4",))
    judged.breaches.append(NonConformance("OFFER-2", expected="nobody", received="everybody"))
    load(tmp_path, entry()).mark(judged)
    assert not judged.known
    assert [found.requirements for found in judged.findings] == [("OFFER-2",), ("OFFER-4",)]


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


# ── writing ────────────────────────────────────────────────────────────────────────────────────


def test_a_written_baseline_keeps_what_stands_and_drops_what_is_stale(tmp_path: Path) -> None:
    """Reasons and comments stay; new entries follow, by check where the file has entries by check."""
    head = "# ours\n\n"
    mended = f"# not true any more\n{entry('OFFER-1')}\n"
    kept = f"# a comment\n{entry('OFFER-3', check=CARRIED)}"
    baseline = load(tmp_path, head + mended + kept)
    results = [
        result(f"{CARRIED}[json]", "OFFER-1", "OFFER-3", broken=("OFFER-3",)),
        result("b", broken=("OFFER-3", "HTTP-12")),
        result("c", broken=("HTTP-14",)),
    ]
    assessment = baseline.assess(results, selected=[f"{CARRIED}[json]", "b", "c"], whole=True)
    said = known.write(baseline.path, assessment, results)
    assert said.startswith("baseline: 3 new, 1 removed, written to ")
    text = baseline.path.read_text(encoding="utf-8")
    assert text.startswith(head + kept)
    assert "not true any more" not in text
    assert "received that·and·more" in text
    # `b` is no check of the suite, which a real run does not come across.
    written = Baseline.load(_renamed(baseline.path, '"b"', f'"{LOGIN_AGAIN}"')).entries
    assert [(e.requirement, e.check, e.outcome.value, e.unexplained) for e in written] == [
        ("OFFER-3", CARRIED, "fail", False),
        ("HTTP-12", "", "fail", True),
        ("HTTP-14", "", "warn", True),
        ("OFFER-3", LOGIN_AGAIN, "fail", True),
    ]


def _renamed(path: Path, old: str, new: str) -> Path:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path


# ── as users see it ────────────────────────────────────────────────────────────────────────────


def test_a_baseline_goes_round(kit: Kit, serve: Serve) -> None:
    """Write it, pass with it, mend the server, and be told which lines to delete."""
    path = kit.folder / "known.toml"
    broken = serve("TrimsTexts").url
    written = kit.check(broken, "-k", SELECT, "--write-baseline", "known.toml")
    assert written.code == 1, written.output
    assert "baseline: 1 new, 0 removed, written to known.toml; give each a reason in place of TODO" in written.output

    unexplained = kit.check(broken, "-k", SELECT, "--baseline", "known.toml")
    (found,) = Baseline.load(path).entries
    assert f"no reason yet: say in known.toml why to expect OFFER-4 (line {found.line})" in unexplained.output
    _renamed(path, "TODO: why?", "The form library trims.")

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
    assert "is CONFORMANT, and its baseline is stale" in stale.output
    assert stale.report is not None
    assert [e["line"] for e in stale.report["baseline"]["stale"]] == [found.line]

    narrow = kit.check(mended, "-k", SELECT, "--baseline", "known.toml")
    assert narrow.code == 0, narrow.output
    assert "0 seen, 0 stale, 1 not decided by this run" in narrow.output


def test_a_check_goes_past_a_known_breach(kit: Kit, serve: Serve) -> None:
    """It would end with the first text that is altered; when that is known, the other texts are examined too."""
    (kit.folder / "known.toml").write_text(entry(), encoding="utf-8")
    url, select = serve("TrimsTexts").url, ("-k", f"{CARRIED} and json")
    (blind,) = kit.check(url, *select).rows(CARRIED)
    (aware,) = kit.check(url, *select, "--baseline", "known.toml").rows(CARRIED)
    assert (blind["violated"], aware["violated"]) == (["OFFER-4"], ["OFFER-4"])
    assert blind["message"].count("(case: ") == 1
    assert aware["message"].count("(case: ") > 1


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
    broken = {entry.requirement for entry in Baseline.load(kit.folder / "known.toml").entries}
    assert {"OFFER-3", "OFFER-4", "LOGIN-4"} <= broken, written.output
    again = kit.check(url, "--baseline", "known.toml")
    assert again.code == 0, again.output
    assert again.report is not None
    assert {entry["requirement"] for entry in again.report["baseline"]["known"]} == broken
    assert (again.report["baseline"]["stale"], again.report["baseline"]["undecided"]) == ([], [])
