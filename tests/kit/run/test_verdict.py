"""What came of a requirement: kept, broken, not followed or undecided, the same wherever it is said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from signalproof.cast.cast import Cast
from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.expectations import Foundation
from signalproof.judge.transcript import Transcript
from signalproof.reports import json_report, terminal
from signalproof.run.result import Check, Result
from signalproof.run.verdict import requirement_outcomes
from signalproof.text.redact import Redactor

TARGET = Target("http://127.0.0.1:1", "http://127.0.0.1:1", ("core",), "")


async def never(_: Cast) -> None:
    """Stand for the body of a check, which is not called here."""
    raise AssertionError


def result(
    name: str, *cited: str, late: str = "", ended_by: str = "", warned: str = "", skipped: str = "", unsettled: str = ""
) -> Result:
    """Make a judged result: a breach found after the check, one that ended it, a SHOULD not followed, or not run."""
    stub = SimpleNamespace(
        warnings=[NonConformance(warned, expected="a", received="b")] * bool(warned),
        redact=Redactor(),
        postings=[],
        everybody=[],
        handshakes=0,
        transcript=Transcript(),
        foundation=Foundation(unsettled={unsettled} - {""}),
    )
    made = Result(Check(f"test_offer.py::{name}", never, cited), cast("Cast", stub), judged=True)
    made.skipped = skipped or None
    for identifier in filter(None, (late, ended_by)):
        made.breaches.append(NonConformance(identifier, expected="a", received="b"))
    made.error = made.breaches[-1] if ended_by else None
    return made


RESULTS = [
    result("late", "OFFER-1", "OFFER-2", late="OFFER-2"),
    result("ended", "OFFER-3", "OFFER-4", ended_by="OFFER-4"),
    result("elsewhere", "OFFER-5", "HTTP-14", late="SEC-1", warned="HTTP-14"),
    result("skipped", "OFFER-6", skipped="it waits"),
    result("unclear", "OFFER-7", "OFFER-8", unsettled="OFFER-8"),
]
EXPECTED = {
    "OFFER-1": "kept",
    "OFFER-2": "broken",
    "OFFER-3": "undecided",
    "OFFER-4": "broken",
    "OFFER-5": "kept",
    "OFFER-7": "kept",
    "OFFER-8": "undecided",
    "HTTP-14": "not_followed",
    "SEC-1": "broken",
}


def test_each_requirement_has_the_outcome_that_its_checks_found() -> None:
    """A breach found once the check has ended leaves its other requirements decided."""
    assert requirement_outcomes(RESULTS) == EXPECTED


def test_terminal_and_report_count_the_same() -> None:
    """Kept, checked, and what is undecided."""
    report = json_report.document(TARGET, RESULTS, 1.0, strict=False)
    rows = {row["id"]: row for row in report["requirements"]}
    assert {name: row["outcome"] for name, row in rows.items() if row["outcome"] in set(EXPECTED.values())} == EXPECTED
    assert (rows["OFFER-6"]["outcome"], rows["OFFER-6"].get("reason")) == ("not_checked", "it waits")
    assert (report["summary"]["must_kept"], report["summary"]["must_checked"]) == (3, 8)
    lines = terminal.summary(TARGET, RESULTS, 1.0, strict=False)
    assert "3 of 8 MUST requirements kept" in lines
    assert "undecided, because their checks could not come that far: OFFER-3, OFFER-8" in lines
