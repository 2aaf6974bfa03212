"""Reports made up for tests: of a server that keeps everything, of one that breaks things, and of hostile ones."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, Final

from jsonschema import Draft202012Validator

from signalproof.protocol.requirements import PROFILES, Level, catalogue
from signalproof.protocol.resources import resource
from signalproof.reports.shape import BreachRow, CheckRow, Message, Report, RequirementRow
from signalproof.run.outcomes import CheckOutcome, RequirementOutcome, Verdict

HOSTILE: Final = (
    "</script><script>window.hostile = 1</script>",
    "\"'><img src=x onerror='window.hostile = 1'>",
    "]]> <!-- &lt; &amp; {{ 7 * 7 }} {% raw %}",
    "\x00\x08\x1b[31m \ud800 \uffff \u202e",
    "line\r\n::error::forged\n## heading\n| a | b |\n``` `` `",
)
"""Texts that must not become anything but text, in any of the formats."""


def invalid(report: object) -> list[str]:
    """Give what is wrong with a report by its schema."""
    schema = json.loads(resource("schemas", "report", "Report.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(report)]


def passed(check: str, *requirements: str) -> CheckRow:
    """Make the row of a check that passed."""
    return {
        "check": f"../kit/suite/test_{catalogue()[requirements[0]].topic}.py::{check}",
        "requirements": list(requirements),
        "level": catalogue()[requirements[0]].level,
        "outcome": CheckOutcome.PASSED,
        "duration_s": 0.0125,
        "message": "",
        "violated": [],
    }


def failed(check: str, *requirements: str, received: str = "nothing", messages: int = 4) -> CheckRow:
    """Make the row of a check that failed, or that warned where the requirements are no MUST."""
    must = any(catalogue()[i].level is Level.MUST for i in requirements)
    breach: BreachRow = {
        "requirements": list(requirements),
        "level": Level.MUST if must else Level.SHOULD,
        "expected": "sender_offer at woman within 5 s",
        "received": received,
        "hint": f"A likely cause: `x` {received}",
        "message": messages // 2,
    }
    row: CheckRow = {
        **passed(check, *requirements),
        "outcome": CheckOutcome.FAILED if must else CheckOutcome.WARNED,
        "message": f"{', '.join(requirements)}: expected sender_offer at woman within 5 s; received {received}",
        "violated": list(requirements),
        "hint": breach["hint"],
        "findings": [breach],
        "ladder": f"     ms  man   server   woman\n     12   ├─ {received} ─▶│",
        "messages": [_message(number, received) for number in range(messages)],
    }
    if messages > 20:
        row["folded"] = [
            {"first": 2, "messages": 8, "what": "2 cases passed: 8 messages"},
            {"first": messages // 2 + 1, "messages": messages - messages // 2 - 1, "what": f"later {received}"},
        ]
    return row


def _message(number: int, content: str) -> Message:
    kinds: list[Message] = [
        (0.4, "man", "server", "socket.io", "login as man", '{"login": "man"}'),
        (12.5, "man", "server", "http", f"POST /offer {content}", content),
        (380.0, "server", "woman#2", "socket.io", "sender_offer from man", content),
        (1990.1, "woman", "woman", "webrtc", "DTLS connected", ""),
    ]
    at, *rest = kinds[number % 4]
    return (at + 2000 * (number // 4), *rest)  # type: ignore[return-value]


def skipped(check: str, *requirements: str) -> CheckRow:
    """Make the row of a check that was not run."""
    return {
        **passed(check, *requirements),
        "outcome": CheckOutcome.SKIPPED,
        "message": "it waits 90 s; run it with --slow",
    }


def report(*rows: CheckRow, target: str = "http://127.0.0.1", **changes: Any) -> Report:
    """Make the report of a run with these rows."""
    broken = {i for row in rows for i in row["violated"]}
    kept = {i for row in rows if row["outcome"] is CheckOutcome.PASSED for i in row["requirements"]} - broken
    requirements = [_requirement(identifier, broken, kept) for identifier in catalogue()]
    musts = [row["outcome"] for row in requirements if row["level"] is Level.MUST]
    outcomes = [row["outcome"] for row in rows]
    made: Report = {
        "report_version": 1,
        "kit": {"name": "signalproof", "version": "0.1.0"},
        "started_at": "2026-11-22T15:20:34+00:00",
        "target": target,
        "spec_version": "1.0",
        "profiles": ["core", "ice"],
        "profiles_reason": "claimed by the discovery document",
        "not_claimed": [name for name in PROFILES if name not in {"core", "ice"}],
        "strict": False,
        "verdict": Verdict.NONCONFORMANT if CheckOutcome.FAILED in outcomes else Verdict.CONFORMANT,
        "summary": {
            "passed": outcomes.count(CheckOutcome.PASSED),
            "failed": outcomes.count(CheckOutcome.FAILED),
            "warned": outcomes.count(CheckOutcome.WARNED),
            "skipped": outcomes.count(CheckOutcome.SKIPPED),
            "errors": outcomes.count(CheckOutcome.ERROR),
            "duration_s": 3.812,
            "handshakes": 16,
            "must_kept": musts.count(RequirementOutcome.KEPT),
            "must_checked": musts.count(RequirementOutcome.KEPT) + musts.count(RequirementOutcome.BROKEN),
            "must_claimed": 60,
        },
        "requirements": requirements,
        "results": deepcopy(list(rows)),
        "timings": [
            {"kind": "reply", "what": "POST /offer", "ms": [float(number % 40 + 1) for number in range(100)]},
            {"kind": "delivery", "what": "sender_offer", "ms": [0.0, 0.4, 12.5, 1500.0]},
        ],
    }
    made.update(changes)  # type: ignore[typeddict-item]
    return made


def _requirement(identifier: str, broken: set[str], kept: set[str]) -> RequirementRow:
    requirement = catalogue()[identifier]
    outcome = RequirementOutcome.NOT_CHECKED
    if identifier in broken:
        outcome = RequirementOutcome.BROKEN if requirement.level is Level.MUST else RequirementOutcome.NOT_FOLLOWED
    elif identifier in kept:
        outcome = RequirementOutcome.KEPT
    row: RequirementRow = {
        "id": identifier,
        "level": requirement.level,
        "profile": requirement.profile,
        "sentence": requirement.sentence,
        "link": requirement.link,
        "outcome": outcome,
    }
    if identifier in broken:
        row["fix"] = f"Mend `{identifier}`."
    return row


def conformant() -> Report:
    """Make the report of a server that keeps what was checked, but for a check that was not run."""
    return report(
        passed("test_an_offer_arrives[json]", "OFFER-1", "OFFER-4"),
        passed("test_an_answer_arrives", "ANSWER-1"),
        skipped("test_ringing_expires", "CALL-6"),
    )


def partial() -> Report:
    """Make the report of a run of one check."""
    return report(passed("test_an_offer_arrives[json]", "OFFER-1", "OFFER-4"), verdict=Verdict.PARTIAL)


def failing(received: str = "nothing") -> Report:
    """Make the report of a server that breaks one MUST in two checks and does not follow a SHOULD."""
    return report(
        failed("test_an_offer_arrives[json]", "OFFER-1", received=received),
        failed("test_an_offer_arrives[form]", "OFFER-1", received=received, messages=48),
        failed("test_refusals_have_codes", "HTTP-14", received=received),
        passed("test_an_answer_arrives", "ANSWER-1"),
        {**passed("test_of_the_kit", "LOGIN-2"), "outcome": CheckOutcome.ERROR, "message": received, "messages": []},
        {**skipped("test_ringing_expires", "CALL-6"), "message": received},
    )


def unusable(text: str = "Nothing usable answers.") -> Report:
    """Make the report of a target that could not be judged."""
    return report(
        verdict=Verdict.UNUSABLE, problem=text, remedy="Turn it on.", profiles=[], profiles_reason="", timings=[]
    )
