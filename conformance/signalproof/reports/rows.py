"""The rows of `report.json`: what came of each requirement, and of each check."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.ladder import ladder
from signalproof.judge.story import Story, tell
from signalproof.judge.transcript import CONTENT, Entry
from signalproof.protocol.explanation import fixes
from signalproof.protocol.requirements import Level, catalogue
from signalproof.reports.shape import BreachRow, CheckRow, Fold, Message, RequirementRow
from signalproof.run.outcomes import CheckOutcome, RequirementOutcome
from signalproof.run.result import Result
from signalproof.run.verdict import requirement_outcomes
from signalproof.text.redact import Redactor, cut
from signalproof.text.untrusted import shortened

__all__ = ["check_row", "requirement_rows"]

CONTENT_CHARACTERS = 5_000
"""How many characters of each message stand in a report."""
FOLDED_CHARACTERS = 1_000
"""How many of one that nobody needs to see to understand what was found."""
_BREACHED = {RequirementOutcome.BROKEN, RequirementOutcome.NOT_FOLLOWED}


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
        if row["outcome"] in _BREACHED and (fix := fixes().get(requirement.id)):
            row["fix"] = fix
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
    story = tell(result.cast.transcript, breaches)
    if breaches:
        row["findings"] = [
            _breach_row(breach, place, redact) for breach, place in zip(breaches, story.places, strict=True)
        ]
    row["ladder"] = ladder(story, redact)
    _add_messages(row, story, redact)
    return row


def _add_messages(row: CheckRow, story: Story, redact: Redactor) -> None:
    parts = story.parts()
    row["messages"] = [
        _message(entry, redact, FOLDED_CHARACTERS if part.words and not entry.mark else CONTENT_CHARACTERS)
        for part in parts
        for entry in part.entries
    ]
    folded: list[Fold] = [
        {"first": part.first, "messages": len(part.entries), "what": part.words} for part in parts if part.words
    ]
    if folded:
        row["folded"] = folded


def _strongest(requirements: Sequence[str]) -> Level:
    """Give the strongest level among requirements."""
    return Level.MUST if Level.MUST in {catalogue()[i].level for i in requirements} else Level.SHOULD


def _breach_row(breach: NonConformance, place: int | None, redact: Redactor) -> BreachRow:
    row: BreachRow = {
        "requirements": list(breach.requirements),
        "level": _strongest(breach.requirements),
        "expected": redact(breach.expected),
        "received": redact(breach.received),
    }
    if breach.hint:
        row["hint"] = redact(breach.hint)
    if place is not None:
        row["message"] = place
    return row


def _message(entry: Entry, redact: Redactor, limit: int) -> Message:
    return (
        round(entry.at * 1000, 1),
        entry.source,
        entry.destination,
        entry.channel.value,
        redact(entry.whole),
        shortened(redact(_content(entry, limit)), limit),
    )


def _content(entry: Entry, limit: int) -> str:
    """Give the content of a message as text; where it was cut off, without the word that was hit."""
    most = CONTENT if limit == CONTENT_CHARACTERS else limit
    if isinstance(entry.content, tuple):
        text = ", ".join(json.dumps(part, ensure_ascii=False, default=repr) for part in entry.content)
        return cut(text, most)
    text = entry.content.decode("utf-8", "replace") if isinstance(entry.content, bytes) else entry.content
    return cut(f"{text}…" if len(entry.content) == CONTENT else text, min(len(text), most))
