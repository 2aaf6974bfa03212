"""The rows of a report: every message is there, and it is said which of them matter."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from tests.kit.sample_reports import invalid, report

from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.expectations import Foundation
from signalproof.judge.transcript import SERVER, Channel, Transcript
from signalproof.reports import json_report
from signalproof.reports.rows import CONTENT_CHARACTERS, FOLDED_CHARACTERS, check_row, requirement_rows
from signalproof.run.result import Check, Result
from signalproof.text.redact import Redactor

if TYPE_CHECKING:
    from signalproof.cast.cast import Cast

MESSAGES, GUILTY = 200, 150


async def never(_: Cast) -> None:
    """Stand for the body of a check, which is not called here."""
    raise AssertionError


def result() -> Result:
    """Make one with a breach in the midst of many large messages, and one that is about none."""
    transcript = Transcript(began=0.0)
    for number in range(MESSAGES):
        body = b"word " * 2_000
        transcript.add(
            "man", SERVER, f"POST {number}", at=float(number), channel=Channel.HTTP, content=body, detail="x"
        )
    stub = SimpleNamespace(
        warnings=[], redact=Redactor(), postings=[], foundation=Foundation(), transcript=transcript, connections=[]
    )
    made = Result(Check("test_offer.py::test_an_offer", never, ("OFFER-1",)), cast("Cast", stub), judged=True)
    made.breaches = [
        NonConformance("OFFER-1", expected="a", received="b", at=float(GUILTY)),
        NonConformance("OFFER-2", expected="a", received="b"),
    ]
    return made


def test_all_messages_are_in_the_report() -> None:
    """What is folded is no less there."""
    row = check_row(result(), strict=False)
    assert [message[4] for message in row["messages"]] == [f"POST {number} · x" for number in range(MESSAGES)]
    assert "earlier_messages" not in row
    assert invalid(json.loads(json_report.dump(report(row)))) == []


def test_a_finding_says_which_message_it_is_about() -> None:
    """Unless it is about none."""
    first, second = check_row(result(), strict=False)["findings"]
    assert first["message"] == GUILTY
    assert "message" not in second


def test_what_is_folded_is_said_with_its_place() -> None:
    """As the ladder has it, which has a line for each fold."""
    row = check_row(result(), strict=False)
    assert row["folded"] == [
        {"first": 0, "messages": 121, "what": "121 earlier messages"},
        {"first": 151, "messages": 49, "what": "49 later messages"},
    ]
    assert all(f"… {fold['what']}" in row["ladder"] for fold in row["folded"])
    assert row["ladder"].count("\n") < 40


def test_less_is_kept_of_the_content_of_what_is_folded() -> None:
    """So that a report of many failures stays small."""
    lengths = [len(message[5]) for message in check_row(result(), strict=False)["messages"]]
    assert max(lengths[:121]) <= FOLDED_CHARACTERS < min(lengths[121:151])
    assert max(lengths) <= CONTENT_CHARACTERS


def test_what_is_broken_comes_with_its_usual_fix() -> None:
    """And nothing else does."""
    target = Target("http://127.0.0.1:1", "http://127.0.0.1:1", ("core",), "")
    rows = {row["id"]: row for row in requirement_rows(target, [result()])}
    assert rows["OFFER-1"]["fix"].startswith("Look up all connections of the login")
    assert [identifier for identifier, row in rows.items() if "fix" in row] == ["OFFER-1", "OFFER-2"]
