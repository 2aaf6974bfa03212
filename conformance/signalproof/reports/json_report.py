"""The run as `report.json`, from which all other reports are made; its schema is `schemas/report/Report.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from signalproof import __version__
from signalproof.config.target import Target
from signalproof.errors import NonConformance, TargetUnusable
from signalproof.judge.transcript import CONTENT, Entry, ladder
from signalproof.protocol.requirements import Level, catalogue, spec_version
from signalproof.reports import baseline as known
from signalproof.reports.outcomes import CHECKED, outcomes
from signalproof.reports.shape import VERSION, Finding, Message, Report, RequirementRow, Row, Timing
from signalproof.reports.terminal import not_claimed, verdict
from signalproof.run.baseline import Assessment
from signalproof.run.runner import Result, Verdict
from signalproof.text.redact import Redactor, cut

__all__ = ["document", "dump", "unusable"]

SHOWN = 5_000
"""How many characters of each message stand in a report."""


def document(
    target: Target,
    results: Sequence[Result],
    duration: float,
    *,
    strict: bool,
    baseline: Assessment | None = None,
    interrupted: bool = False,
    stalled: str | None = None,
) -> Report:
    """Give the report of a run that ends now; `duration` in seconds. An interrupted run has no verdict.

    `stalled` says that this machine was too busy.
    """
    order = {identifier: position for position, identifier in enumerate(catalogue())}
    rows = [_row(result, strict=strict) for result in results]
    rows.sort(key=lambda row: min(order[identifier] for identifier in row["requirements"]))
    count = Counter(row["outcome"] for row in rows)
    requirements = list(_requirements(target, results))
    musts = [row["outcome"] for row in requirements if row["level"] == Level.MUST]
    report: Report = {
        "report_version": VERSION,
        "kit": {"name": "signalproof", "version": __version__},
        "started_at": (datetime.now(UTC) - timedelta(seconds=duration)).isoformat(timespec="seconds"),
        "target": target.url,
        "spec_version": spec_version(),
        "profiles": list(target.profiles),
        "profiles_reason": target.profiles_reason,
        "not_claimed": not_claimed(target),
        "strict": strict,
        "verdict": "interrupted" if interrupted else verdict(results, strict=strict),
        "summary": {
            "passed": count["passed"],
            "failed": count["failed"],
            "warned": count["warned"],
            "skipped": count["skipped"],
            "known": sum(result.known for result in results),
            "errors": count["error"],
            "duration_s": round(duration, 3),
            "handshakes": sum(result.cast.handshakes for result in results),
            "must_kept": musts.count("kept"),
            "must_checked": sum(outcome in CHECKED for outcome in musts),
        },
        "requirements": requirements,
        "results": rows,
        "timings": _timings(results),
    }
    if baseline is not None:
        report["baseline"] = known.document(baseline)
    if stalled is not None:
        report["stalled"] = stalled
    return report


def unusable(target: Target, found: TargetUnusable) -> Report:
    """Give the report of a target that could not be judged."""
    report = document(target, [], 0.0, strict=False)
    report["verdict"] = "unusable"
    # Addresses stay here: they are those of the operator's own network, and the remedy may be about them.
    report["problem"], report["remedy"] = found.problem, found.remedy
    return report


def dump(report: Report) -> bytes:
    """Write a report as JSON, with a line for each requirement and each check."""
    lines = []
    for key, value in report.items():
        rows = value if isinstance(value, list) and value and isinstance(value[0], dict) else None
        if rows is None:
            lines.append(f"  {_json(key)}: {_json(value)}")
        else:
            lines.append(f"  {_json(key)}: [\n" + ",\n".join(f"    {_json(row)}" for row in rows) + "\n  ]")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8", "backslashreplace")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# ── requirements ───────────────────────────────────────────────────────────────────────────────


def _requirements(target: Target, results: Sequence[Result]) -> Iterator[RequirementRow]:
    """Give what came of each requirement, in the order of the specification."""
    decided = outcomes(results)
    reasons = {i: result.skipped for result in results if result.skipped for i in result.check.requirements}
    for requirement in catalogue().values():
        row: RequirementRow = {
            "id": requirement.id,
            "level": requirement.level.value,
            "profile": requirement.profile,
            "sentence": requirement.sentence,
            "link": requirement.link,
            "outcome": "not_checked",
        }
        if requirement.id in decided:
            row["outcome"] = decided[requirement.id]
        elif requirement.untestable:
            row["outcome"], row["reason"] = "not_testable", requirement.untestable
        elif requirement.profile not in target.profiles:
            row["reason"] = f"the profile {requirement.profile} is not checked"
        elif reason := reasons.get(requirement.id):
            row["reason"] = reason
        yield row


# ── checks ─────────────────────────────────────────────────────────────────────────────────────


def _row(result: Result, *, strict: bool) -> Row:
    redact = result.cast.redact.settled()
    findings = result.findings
    levels = {catalogue()[identifier].level for identifier in result.check.requirements}
    failed_by_strict = strict and result.verdict is Verdict.WARNED
    message = "\n".join(map(str, findings)) or result.skipped or (str(result.error) if result.error else "")
    row: Row = {
        "check": result.check.name,
        "requirements": list(result.check.requirements),
        "level": (Level.MUST if Level.MUST in levels else Level.SHOULD).value,
        "outcome": "failed" if failed_by_strict else result.verdict.value,
        "duration_s": round(result.duration, 4),
        "message": redact(message),
        "violated": list(dict.fromkeys(i for found in findings for i in found.requirements)),
    }
    if result.expected:
        row["known"] = result.known
    if not findings and not result.error:
        return row
    for posting in result.cast.postings:
        redact.learn(posting.text)
    if hint := next((found.hint for found in findings if found.hint), None):
        row["hint"] = redact(hint)
    if findings:
        row["findings"] = [_finding(found, redact) for found in findings]
    entries, earlier = result.cast.transcript.last(redact)
    row["ladder"] = ladder(entries, earlier)
    row["messages"] = [_message(entry, redact) for entry in entries]
    if earlier:
        row["earlier_messages"] = earlier
    return row


def _finding(found: NonConformance, redact: Redactor) -> Finding:
    must = any(catalogue()[i].level is Level.MUST for i in found.requirements)
    finding: Finding = {
        "requirements": list(found.requirements),
        "level": (Level.MUST if must else Level.SHOULD).value,
        "expected": redact(found.expected),
        "received": redact(found.received),
    }
    if found.hint:
        finding["hint"] = redact(found.hint)
    return finding


def _message(entry: Entry, redact: Redactor) -> Message:
    return (
        round(entry.at * 1000, 1),
        entry.source,
        entry.destination,
        entry.channel.value,
        entry.text,
        _shortened(redact(_content(entry))),
    )


def _content(entry: Entry) -> str:
    """Give the content of a message as text; where it was cut off, without the word that was hit."""
    if isinstance(entry.content, tuple):
        text = ", ".join(json.dumps(part, ensure_ascii=False, default=repr) for part in entry.content)
        return cut(text, CONTENT)
    text = entry.content.decode("utf-8", "replace") if isinstance(entry.content, bytes) else entry.content
    return cut(f"{text}…", len(text)) if len(entry.content) == CONTENT else text


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


# ── times ──────────────────────────────────────────────────────────────────────────────────────


def _timings(results: Sequence[Result]) -> list[Timing]:
    """Give how long each reply and each accepted delivery took, from when its request was sent."""
    times: dict[tuple[str, str], list[float]] = {}
    for result in results:
        for posting in result.cast.postings:
            if posting.reply is None or not posting.reply.status:
                continue
            times.setdefault(("reply", f"POST {posting.kind.path}"), []).append(posting.replied_at - posting.sent_at)
            if posting.accepted:
                key = ("delivery", posting.kind.event)
                for received in posting.heard:
                    times.setdefault(key, []).append(max(received.at - posting.sent_at, 0.0))
    return [
        {"kind": kind, "what": what, "ms": sorted(round(seconds * 1000, 1) for seconds in values)}
        for (kind, what), values in sorted(times.items())
    ]
