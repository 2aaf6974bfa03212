"""The rows of `report.json`: what came of each requirement, and of each check."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.transcript import CONTENT, Entry, ladder
from signalproof.protocol.requirements import Level, catalogue
from signalproof.reports.shape import BreachRow, CheckRow, Message, RequirementRow
from signalproof.run.outcomes import CheckOutcome, RequirementOutcome
from signalproof.run.result import Result
from signalproof.run.verdict import requirement_outcomes
from signalproof.text.redact import Redactor, cut
from signalproof.text.untrusted import shortened

__all__ = ["check_row", "requirement_rows"]

CONTENT_CHARACTERS = 5_000
"""How many characters of each message stand in a report."""


def requirement_rows(target: Target, results: Sequence[Result]) -> Iterator[RequirementRow]:
    """Give what came of each requirement, in the order of the specification."""
    decided = requirement_outcomes(results)
    reasons = {i: result.skipped for result in results if result.skipped for i in result.check.requirements}
    for requirement in catalogue().values():
        row: RequirementRow = {
            "id": requirement.id,
            "level": requirement.level,
            "profile": requirement.profile,
            "sentence": requirement.sentence,
            "link": requirement.link,
            "outcome": RequirementOutcome.NOT_CHECKED,
        }
        if requirement.id in decided:
            row["outcome"] = decided[requirement.id]
        elif requirement.untestable:
            row["outcome"], row["reason"] = RequirementOutcome.NOT_TESTABLE, requirement.untestable
        elif requirement.profile not in target.profiles:
            row["reason"] = f"the profile {requirement.profile} is not checked"
        elif reason := reasons.get(requirement.id):
            row["reason"] = reason
        yield row


# ── checks ─────────────────────────────────────────────────────────────────────────────────────


def check_row(result: Result, *, strict: bool) -> CheckRow:
    """Give what came of one check; with `strict`, a SHOULD that is not followed fails it."""
    redact = result.cast.redact.settled()
    breaches = result.all_breaches
    failed_by_strict = strict and result.outcome is CheckOutcome.WARNED
    message = "\n".join(map(str, breaches)) or result.skipped or (str(result.error) if result.error else "")
    row: CheckRow = {
        "check": result.check.name,
        "requirements": list(result.check.requirements),
        "level": _strongest(result.check.requirements),
        "outcome": CheckOutcome.FAILED if failed_by_strict else result.outcome,
        "duration_s": round(result.duration, 4),
        "message": redact(message),
        "violated": list(dict.fromkeys(i for breach in breaches for i in breach.requirements)),
    }
    if result.listed:
        row["known"] = result.only_listed
    if not breaches and not result.error:
        return row
    for posting in result.cast.postings:
        redact.learn(posting.text)
    if hint := next((breach.hint for breach in breaches if breach.hint), None):
        row["hint"] = redact(hint)
    if breaches:
        row["findings"] = [_breach_row(breach, redact) for breach in breaches]
    entries, earlier = result.cast.transcript.last(redact)
    row["ladder"] = ladder(entries, earlier)
    row["messages"] = [_message(entry, redact) for entry in entries]
    if earlier:
        row["earlier_messages"] = earlier
    return row


def _strongest(requirements: Sequence[str]) -> Level:
    """Give the strongest level among requirements."""
    return Level.MUST if Level.MUST in {catalogue()[i].level for i in requirements} else Level.SHOULD


def _breach_row(breach: NonConformance, redact: Redactor) -> BreachRow:
    row: BreachRow = {
        "requirements": list(breach.requirements),
        "level": _strongest(breach.requirements),
        "expected": redact(breach.expected),
        "received": redact(breach.received),
    }
    if breach.hint:
        row["hint"] = redact(breach.hint)
    return row


def _message(entry: Entry, redact: Redactor) -> Message:
    return (
        round(entry.at * 1000, 1),
        entry.source,
        entry.destination,
        entry.channel.value,
        entry.text,
        shortened(redact(_content(entry)), CONTENT_CHARACTERS),
    )


def _content(entry: Entry) -> str:
    """Give the content of a message as text; where it was cut off, without the word that was hit."""
    if isinstance(entry.content, tuple):
        text = ", ".join(json.dumps(part, ensure_ascii=False, default=repr) for part in entry.content)
        return cut(text, CONTENT)
    text = entry.content.decode("utf-8", "replace") if isinstance(entry.content, bytes) else entry.content
    return cut(f"{text}…", len(text)) if len(entry.content) == CONTENT else text
