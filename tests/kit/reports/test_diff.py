"""Two reports compared: what counts as worse, what is named, and what is said of files that are no reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner
from tests.kit.sample_reports import HOSTILE, conformant, failed, failing, passed, report, skipped, unusable

from signalproof.cli import main
from signalproof.errors import InvalidTarget
from signalproof.reports import diff, json_report
from signalproof.reports.diff_text import markdown, plain
from signalproof.reports.reading import load
from signalproof.reports.shape import CheckRow, Report
from signalproof.run.outcomes import CheckOutcome

CHECK: Final = ("test_an_offer_arrives[json]", "OFFER-1")
GOOD, BAD, UNRUN = passed(*CHECK), failed(*CHECK), skipped(*CHECK)
WARNED, HEEDED = failed("test_codes", "HTTP-14"), passed("test_codes", "HTTP-14")
FAULT: Final[CheckRow] = {**GOOD, "outcome": CheckOutcome.ERROR, "message": "a fault of the kit"}
BOTH: Final[CheckRow] = {**BAD, "violated": ["OFFER-1", "OFFER-2"]}

CHANGES: Final[dict[str, tuple[list[CheckRow], list[CheckRow], str | None]]] = {
    "newly_broken": ([GOOD], [BAD], "newly broken"),
    "new_and_broken": ([], [BAD], "newly broken"),
    "run_at_last_and_broken": ([UNRUN], [BAD], "newly broken"),
    "breaks_more": ([BAD], [BOTH], "breaks more than before"),
    "newly_not_followed": ([HEEDED], [WARNED], "newly not followed"),
    "a_fault": ([GOOD], [FAULT], "no verdict any more"),
    "still_broken": ([BAD], [BAD], "still broken"),
    "breaks_less": ([BOTH], [BAD], "still broken"),
    "still_warned": ([WARNED], [WARNED], "still not followed"),
    "still_a_fault": ([FAULT], [FAULT], "still without a verdict"),
    "mended": ([BAD], [GOOD], "mended"),
    "warned_instead_of_failed": ([{**WARNED, "outcome": CheckOutcome.FAILED}], [WARNED], "mended"),
    "heeded": ([WARNED], [HEEDED], "mended"),
    "new_and_good": ([], [GOOD], "newly checked"),
    "removed": ([GOOD], [], "no longer checked"),
    "skipped_now": ([GOOD], [UNRUN], "no longer checked"),
    "still_good": ([GOOD], [GOOD], None),
    "skipped_and_removed": ([UNRUN], [], None),
    "never_run": ([UNRUN], [UNRUN], None),
}


@pytest.mark.parametrize(("old", "new", "kind"), CHANGES.values(), ids=CHANGES)
def test_a_change_has_a_name_and_counts_when_it_is_for_the_worse(
    old: list[CheckRow], new: list[CheckRow], kind: str | None
) -> None:
    """In both forms the check is named under it."""
    found = diff.compare(report(*old), report(*new))
    assert list(found.checks) == ([] if kind is None else [kind])
    assert found.got_worse == (kind in diff.WORSE)
    for lines in (list(plain(found)), list(markdown(found))):
        text = "\n".join(lines).lower()
        assert (f"{kind}: 1 check" in text) == (kind is not None)
        assert ("nothing got worse" in text) != found.got_worse


def test_the_folder_of_the_kit_does_not_matter() -> None:
    """It is installed in another one elsewhere."""
    elsewhere: CheckRow = {**GOOD, "check": f"/opt/else/where/{GOOD['check'].rpartition('/')[2]}"}
    assert diff.compare(report(GOOD), report(elsewhere)).checks == {}


def test_checks_are_grouped_by_requirement_with_its_sentence() -> None:
    """As a reviewer wants to read them."""
    other = failed("test_other", "OFFER-1", received="it came 2 times")
    lines = list(plain(diff.compare(report(), report(BAD, other))))
    start = next(number for number, line in enumerate(lines) if line.startswith("  OFFER-1  The server MUST raise"))
    assert [line.strip() for line in lines[start + 1 : start + 3]] == ["test_an_offer_arrives[json]", "test_other"]
    assert "received nothing" in lines[start + 3]
    assert lines[-1] == "it got worse: 2 newly broken"
    assert lines[1].startswith("now:    nonconformant, 0 of 1 MUST kept (http://127.0.0.1, 2026-11-22 15:20 UTC)")


def test_a_profile_that_is_no_longer_checked_is_worse() -> None:
    """Whoever claims less breaks less, and must not look better for it."""
    found = diff.compare(report(GOOD), report(GOOD, profiles=["core"]))
    assert found.got_worse
    assert list(plain(found))[-1].endswith("no longer checked, because not claimed or not named: profile ice")
    assert not diff.compare(report(GOOD, profiles=["core"]), report(GOOD)).got_worse


def test_a_target_that_cannot_be_judged_any_more_is_worse() -> None:
    """With the problem; the other way round it is not."""
    found = diff.compare(conformant(), unusable("It is off."))
    assert found.got_worse
    assert "there is no verdict any more: It is off." in list(plain(found))[-1]
    assert not diff.compare(unusable(), conformant()).got_worse


def test_other_circumstances_are_noted() -> None:
    """Another target, specification or kit."""
    changed = report(target="http://other", spec_version="1.1", kit={"name": "signalproof", "version": "9"})
    assert len(diff.compare(report(), changed).notes) == 3


def times(*milliseconds: float) -> dict[str, Any]:
    """Make the times of 30 deliveries."""
    return {"timings": [{"kind": "delivery", "what": "sender_offer", "ms": list(milliseconds)}]}


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ([10.0] * 30, [40.0] * 30, "slower"),
        ([40.0] * 30, [10.0] * 30, "faster"),
        ([10.0] * 30, [14.0] * 30, None),
        ([0.2] * 30, [2.0] * 30, None),
        ([100.0] * 30, [120.0] * 30, None),
        ([10.0] * 5, [400.0] * 30, None),
    ],
)
def test_times_are_named_when_they_changed_clearly(old: list[float], new: list[float], word: str | None) -> None:
    """By half and by 5 ms, over enough of them; they never count as worse."""
    found = diff.compare(report(**times(*old)), report(**times(*new)))
    assert [line.partition(" ")[0] for line in found.times] == ([] if word is None else [word])
    assert not found.got_worse


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_in_their_line(text: str) -> None:
    """Neither a line of a terminal nor Markdown can be forged."""
    found = diff.compare(conformant(), failing(text))
    for line in plain(found):
        assert line.isprintable()
    for line in markdown(found):
        assert not line.startswith(("::", "## heading"))


# ── as a command ───────────────────────────────────────────────────────────────────────────────


def written(folder: Path, name: str, made: Report) -> str:
    """Write a report into a file and give its path."""
    path = folder / name
    path.write_bytes(json_report.dump(made))
    return str(path)


@pytest.mark.parametrize("options", [(), ("--markdown",)], ids=["plain", "markdown"])
@pytest.mark.parametrize(("old", "new", "code"), [(failing, conformant, 0), (conformant, failing, 1)])
def test_the_exit_code_says_whether_it_got_worse(
    tmp_path: Path, old: Callable[[], Report], new: Callable[[], Report], code: int, options: tuple[str, ...]
) -> None:
    """0 or 1."""
    files = written(tmp_path, "old.json", old()), written(tmp_path, "new.json", new())
    done = CliRunner().invoke(main, ["diff", *files, *options])
    assert done.exit_code == code, done.output
    assert done.output.startswith("## Signalproof: " if options else "before: ")


UNREADABLE: Final = {
    "missing": (None, "cannot be read: No such file"),
    "text": ("hello", "is not JSON"),
    "not_text": ("\ud800", "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "other_json": ("[1]", "is not the report.json of a run"),
    "other_object": ('{"results": 1}', "is a report of version 0"),
    "later": ('{"results": [], "report_version": 2}', "is a report of version 2, and this signalproof reads version 1"),
    "broken": ('{"results": [], "report_version": 1}', "is no valid report"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    """Exit code 4, the file by name, on either side."""
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
    good = written(tmp_path, "good.json", conformant())
    for files in ((str(path), good), (good, str(path))):
        done = CliRunner().invoke(main, ["diff", *files])
        assert done.exit_code == 4
        assert f"Error: {path}" in done.output
        assert message in done.output


def test_a_valid_report_is_loaded_as_it_was_written(tmp_path: Path) -> None:
    """And one with a wrong type in it is not."""
    made = failing()
    assert load(Path(written(tmp_path, "a.json", made))) == json.loads(json.dumps(made))
    made["results"][0]["duration_s"] = "long"  # type: ignore[typeddict-item]
    with pytest.raises(InvalidTarget, match=r"duration_s"):
        load(Path(written(tmp_path, "b.json", made)))
