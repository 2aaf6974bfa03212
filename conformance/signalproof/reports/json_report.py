"""The run as `report.json`, from which all other reports are made; its schema is `schemas/report/Report.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from signalproof import __version__
from signalproof.config.target import Target
from signalproof.errors import TargetUnusable
from signalproof.protocol.requirements import Level, catalogue, spec_version
from signalproof.reports import baseline as baseline_report
from signalproof.reports.rows import check_row, requirement_rows
from signalproof.reports.shape import VERSION, Report
from signalproof.reports.timings import timings
from signalproof.run.baseline import Assessment
from signalproof.run.outcomes import CHECKED, CheckOutcome, RequirementOutcome, Verdict
from signalproof.run.result import Result
from signalproof.run.verdict import scope, verdict

__all__ = ["document", "dump", "unusable"]


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
    rows = [check_row(result, strict=strict) for result in results]
    rows.sort(key=lambda row: min(order[identifier] for identifier in row["requirements"]))
    count = Counter(row["outcome"] for row in rows)
    requirements = list(requirement_rows(target, results))
    musts = [row["outcome"] for row in requirements if row["level"] == Level.MUST]
    report: Report = {
        "report_version": VERSION,
        "kit": {"name": "signalproof", "version": __version__},
        "started_at": (datetime.now(UTC) - timedelta(seconds=duration)).isoformat(timespec="seconds"),
        "target": target.url,
        "spec_version": spec_version(),
        "profiles": list(target.profiles),
        "profiles_reason": target.profiles_reason,
        "not_claimed": list(target.not_claimed),
        "left_out": list(target.left_out),
        "strict": strict,
        "verdict": Verdict.INTERRUPTED if interrupted else verdict(target, results, strict=strict),
        "summary": {
            "passed": count[CheckOutcome.PASSED],
            "failed": count[CheckOutcome.FAILED],
            "warned": count[CheckOutcome.WARNED],
            "skipped": count[CheckOutcome.SKIPPED],
            "known": sum(result.only_listed for result in results),
            "errors": count[CheckOutcome.ERROR],
            "duration_s": round(duration, 3),
            "handshakes": sum(result.cast.handshakes for result in results),
            "must_kept": musts.count(RequirementOutcome.KEPT),
            "must_checked": sum(outcome in CHECKED for outcome in musts),
            "must_claimed": scope(target, results)[1],
        },
        "requirements": requirements,
        "results": rows,
        "timings": timings(results),
    }
    if baseline is not None:
        report["baseline"] = baseline_report.document(baseline)
    if stalled is not None:
        report["stalled"] = stalled
    return report


def unusable(target: Target, found: TargetUnusable) -> Report:
    """Give the report of a target that could not be judged."""
    report = document(target, [], 0.0, strict=False)
    report["verdict"] = Verdict.UNUSABLE
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
