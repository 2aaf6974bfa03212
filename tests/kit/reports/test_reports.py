"""The reports that are made from `report.json`: JUnit, Markdown, badge, annotations, and the folder that holds them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from xml.etree import ElementTree as Xml

import pytest
from tests.kit.sample_reports import HOSTILE, conformant, failed, failing, invalid, partial, passed, report, unusable

from signalproof.errors import InvalidTarget
from signalproof.reports import badge, folder, github, html, json_report, junit, markdown
from signalproof.reports.digest import breached, by_profile
from signalproof.reports.shape import CheckRow, Report

if TYPE_CHECKING:
    from signalproof.run.outcomes import CheckOutcome

HOSTILE_IDS: Final = ("script", "attribute", "ends", "control", "lines")
EVERY: Final[dict[str, Callable[[], Report]]] = {
    "conformant": conformant,
    "failing": failing,
    "unusable": unusable,
    "empty": report,
}

every_report = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
hostile = pytest.mark.parametrize("text", HOSTILE, ids=HOSTILE_IDS)


# ── report.json ────────────────────────────────────────────────────────────────────────────────


@every_report
def test_what_is_dumped_is_the_report_by_its_schema(make: Callable[[], Report]) -> None:
    """With one line for each check, so that versions of it can be compared."""
    text = json_report.dump(make()).decode()
    read = json.loads(text)
    assert invalid(read) == []
    assert read == json.loads(json.dumps(make()))
    assert sum(line.startswith('    {"check"') for line in text.splitlines()) == len(make()["results"])


def test_a_lone_surrogate_can_be_dumped() -> None:
    """JSON from hostile servers may hold one; the file is UTF-8 all the same."""
    dumped = json_report.dump(failing("\ud800"))
    assert "received \ud800" in json.loads(dumped.decode("utf-8"))["results"][0]["message"]


# ── counting ───────────────────────────────────────────────────────────────────────────────────


def test_profiles_are_counted() -> None:
    """What was checked of each, and what was not claimed."""
    rows = {row.name: row for row in by_profile(failing())}
    assert (rows["core"].must_kept, rows["core"].must) == (1, 2)
    assert (rows["core"].broken, rows["core"].not_followed) == (("OFFER-1",), ("HTTP-14",))
    assert (rows["core"].checked, rows["scale"].checked) == (True, False)


def test_a_breach_is_explained_by_the_shortest_check_that_is_about_it() -> None:
    """And names the others."""
    stray = failed("test_something_else", "LOGIN-2", messages=1)
    stray["violated"].append("OFFER-1")
    stray["findings"][0]["requirements"].append("OFFER-1")
    long, brief = failed("test_long", "OFFER-1", messages=9), failed("test_brief", "OFFER-1", messages=3)
    (breach,) = [one for one in breached(report(stray, long, brief)) if one.requirement["id"] == "OFFER-1"]
    assert [row["check"].rpartition("::")[2] for row in breach.checks] == [
        "test_brief",
        "test_long",
        "test_something_else",
    ]


# ── JUnit ──────────────────────────────────────────────────────────────────────────────────────

ATTRIBUTES: Final = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
    "properties": set[str](),
    "property": {"name", "value"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set[str](),
}
"""What the schema of Jenkins' xUnit plugin (junit-10.xsd) allows, as far as it is used here."""
CHILDREN: Final = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"skipped", "error", "failure", "system-out"},
}


def parsed(made: Report) -> Xml.Element:
    """Read the JUnit report of a run, and see that it keeps to the schema."""
    root = Xml.fromstring(junit.render(made))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for suite in root:
        assert {"name", "tests", "failures", "errors"} <= set(suite.attrib)
        for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(kind, "0") == str(len(list(suite.iter(tag))))
        assert re.fullmatch(r"\d+\.\d{3}", suite.get("time", "0.000"))
    assert root.get("tests") == str(len(list(root.iter("testcase"))))
    return root


@every_report
def test_junit_keeps_to_the_schema(make: Callable[[], Report]) -> None:
    """Elements, attributes and counts."""
    parsed(make())


def test_junit_has_a_case_for_each_check() -> None:
    """A failure with its ladder, a warning as a pass with output, errors and skips as such."""
    cases = {case.get("name"): case for case in parsed(failing()).iter("testcase")}
    failure = cases["test_an_offer_arrives[json]"].find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("OFFER-1: expected sender_offer")
    assert "├─ nothing ─▶│" in (failure.text or "")
    assert "hint: A likely cause" in (failure.text or "")
    warned = cases["test_refusals_have_codes"]
    assert [child.tag for child in warned] == ["system-out"]
    assert (warned[0].text or "").startswith("warned: HTTP-14: expected")
    assert [child.tag for child in cases["test_of_the_kit"]] == ["error"]
    assert [child.tag for child in cases["test_ringing_expires"]] == ["skipped"]
    assert list(cases["test_an_answer_arrives"]) == []


def test_junit_names_the_requirements() -> None:
    """Each case its own, and each suite their outcomes as properties."""
    root = parsed(failing())
    groups = {case.get("name"): case.get("group") for case in root.iter("testcase")}
    assert groups["test_an_offer_arrives[json]"] == "OFFER-1"
    properties = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert (properties["OFFER-1"], properties["HTTP-14"], properties["ANSWER-1"]) == ("broken", "not followed", "kept")


def test_junit_of_an_unusable_target_is_an_error() -> None:
    """No CI may take an empty file for a success."""
    (error,) = parsed(unusable()).iter("error")
    assert error.get("message") == "Nothing usable answers."
    assert "Turn it on." in (error.text or "")


@hostile
def test_hostile_texts_are_text_in_junit(text: str) -> None:
    """Also characters that XML cannot hold."""
    parsed(failing(text))
    parsed(unusable(text))


# ── Markdown ───────────────────────────────────────────────────────────────────────────────────


def test_the_summary_says_what_a_reviewer_wants_to_know() -> None:
    """Verdict, profiles, what broke with expectation and receipt, what was not followed, what was not run."""
    text = markdown.render(failing()).decode()
    assert text.startswith("## Signalproof: NONCONFORMANT\n")
    assert "| core | 1 of 2 | 0 of 1 | OFFER-1 | HTTP-14 |  |" in text
    assert "- **OFFER-1** The server MUST raise `sender_offer` exactly once" in text
    assert "  - received `nothing`" in text
    assert "  - typical fix: Mend `OFFER-1`." in text
    assert "### Not followed" in text
    assert "fault of the kit: `test_of_the_kit`" in text
    assert "not run: `test_ringing_expires`" in text


def test_the_summary_of_an_unusable_target_has_the_remedy() -> None:
    """And no tables."""
    text = markdown.render(unusable()).decode()
    assert "`Nothing usable answers.`" in text
    assert "`Turn it on.`" in text
    assert "|" not in text


@hostile
def test_hostile_texts_are_text_in_markdown(text: str) -> None:
    """Nothing of theirs stands outside a code span or a fence, but escaped."""
    rendered = markdown.render(failing(text)).decode()
    rest = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", rendered)
    rest = re.sub(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", rest)
    assert not re.search(r"<(?!/?details>|/?summary>)", rest)
    assert not re.search(r"(?m)^## heading", rest)


@pytest.mark.parametrize("text", ["", "`", "a`b``c", "``", "x\ny", " | "])
def test_a_code_span_cannot_be_ended_from_within(text: str) -> None:
    """Its fence is longer than any run of marks in the text."""
    span = markdown.code(text)
    fence = re.match("`+", span)
    assert fence is not None
    inner = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inner)
    assert "\n" not in span


# ── badge ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("made", "message", "colour"),
    [
        (conformant(), "conformant", "brightgreen"),
        (partial(), "partial: 2 of 60 MUST", "lightgrey"),
        (failing(), "1 of 2 MUST", "red"),
        (unusable(), "unusable", "lightgrey"),
    ],
    ids=["conformant", "partial", "failing", "unusable"],
)
def test_the_badge_is_what_shields_reads(made: Report, message: str, colour: str) -> None:
    """Schema version 1 of its endpoint."""
    assert json.loads(badge.render(made)) == {
        "schemaVersion": 1,
        "label": "VCSP 1.0",
        "message": message,
        "color": colour,
        "isError": colour == "red",
    }


# ── GitHub Actions ─────────────────────────────────────────────────────────────────────────────

ACTIONS: Final = {"GITHUB_ACTIONS": "true"}


def test_there_are_annotations_in_actions_alone() -> None:
    """One for each requirement: errors for a MUST, warnings for a SHOULD."""
    assert list(github.annotate(failing(), {})) == []
    error, warning = sorted(github.annotate(failing(), ACTIONS))
    assert error.startswith("::error title=OFFER-1::The server MUST raise")
    assert "%0Areceived nothing%0A" in error
    assert warning.startswith("::warning title=HTTP-14::")


def test_a_strict_run_annotates_errors_only() -> None:
    """There a SHOULD fails too."""
    lines = list(github.annotate({**failing(), "strict": True}, ACTIONS))
    assert len(lines) == 2
    assert all(line.startswith("::error ") for line in lines)


def test_an_unusable_target_is_annotated() -> None:
    """With the remedy."""
    assert list(github.annotate(unusable("50% off,\r\nreally"), ACTIONS)) == [
        "::error title=The target cannot be judged::50%25 off,%0D%0Areally%0ATurn it on."
    ]


@hostile
def test_hostile_texts_begin_no_command(text: str) -> None:
    """An annotation is one line."""
    for line in github.annotate(failing(text), ACTIONS):
        assert "\n" not in line
        assert "\r" not in line
        assert line.startswith(("::error title=OFFER-1::", "::warning title=HTTP-14::"))


def test_the_summary_is_appended_to_that_of_the_step(tmp_path: Path) -> None:
    """After what stands there."""
    path = tmp_path / "summary.md"
    path.write_text("before\n", encoding="utf-8")
    assert list(github.append_summary(b"ours", {"GITHUB_STEP_SUMMARY": str(path)})) == []
    assert path.read_text(encoding="utf-8") == "before\nours\n"


def test_a_summary_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """It is no reason to fail."""
    (line,) = github.append_summary(b"ours", {"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert line.startswith("the summary of the step cannot be written: ")


# ── the folder ─────────────────────────────────────────────────────────────────────────────────


@every_report
def test_the_folder_holds_all_reports(make: Callable[[], Report], tmp_path: Path) -> None:
    """And nothing else: no half-written file stays."""
    assert folder.write(tmp_path / "out", make()) == tmp_path / "out" / "report.html"
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(folder.NAMES)


def test_a_report_that_could_not_be_made_leaves_no_file_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in the middle of writing."""
    whole = Path.write_bytes

    def torn(path: Path, content: bytes) -> int:
        whole(path, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", torn)
    (line,) = folder.publish(tmp_path, conformant())
    assert line == f"the reports could not be written into {tmp_path}: No space left on device"
    assert not {path.name for path in tmp_path.iterdir()} & set(folder.NAMES)


def test_reports_of_an_earlier_run_are_removed_and_other_files_stay(tmp_path: Path) -> None:
    """They would be taken for those of this run."""
    folder.write(tmp_path, conformant())
    (tmp_path / "mine.txt").touch()
    folder.prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """The text names the folder and both options."""
    (tmp_path / "file").touch()
    with pytest.raises(InvalidTarget, match=r"/file/below cannot be written to .*--report DIR.*--no-report"):
        folder.prepare(tmp_path / "file" / "below")


def test_a_row_of_an_unknown_outcome_is_shown(tmp_path: Path) -> None:
    """Reports of a later kit may have more of them."""
    later = cast("CheckOutcome", "flaky")
    folder.write(tmp_path, report({**passed("test_a", "OFFER-1"), "outcome": later, "message": "as expected"}))
    assert "flaky: as expected" in (tmp_path / "junit.xml").read_text(encoding="utf-8")


def test_what_the_baseline_expects_fails_no_pipeline() -> None:
    """It is skipped in JUnit, a notice on GitHub, and marked in the summary."""
    known: CheckRow = {**failed("test_an_offer_arrives[json]", "OFFER-1"), "known": True}
    made = report(known, passed("test_an_answer_arrives", "ANSWER-1"))
    assert invalid(json.loads(json_report.dump(made))) == []
    (case,) = [case for case in parsed(made).iter("testcase") if len(case)]
    assert [child.tag for child in case] == ["skipped", "system-out"]
    assert case[0].get("message", "").startswith("known, by the baseline: OFFER-1: expected")
    (line,) = github.annotate(made, ACTIONS)
    assert line.startswith("::notice title=OFFER-1::")
    assert "- **OFFER-1** (known, by the baseline) The server MUST" in markdown.render(made).decode()
    assert b"known, by the baseline" in html.render(made)
    fresh = failed("test_an_offer_arrives[form]", "OFFER-1")
    assert not breached(report(known, fresh))[0].in_baseline
