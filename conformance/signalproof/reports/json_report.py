"""The run as `report.json`; its schema is `schemas/report/Report.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signalproof.baseline import Assessment
from signalproof.errors import TargetUnusable
from signalproof.reports import known
from signalproof.reports.terminal import not_claimed, verdict
from signalproof.requirements import Level, catalogue, spec_version
from signalproof.runner import Result, Verdict
from signalproof.target import Target

__all__ = ["discard", "document", "write", "write_unusable"]

NAME = "report.json"


def document(
    target: Target, results: Sequence[Result], duration: float, *, strict: bool, baseline: Assessment | None = None
) -> dict[str, Any]:
    """Give the report of a run; `duration` in seconds."""
    rows = [_row(result, strict=strict) for result in results]
    count = Counter(row["outcome"] for row in rows)
    return {
        "target": target.url,
        "spec_version": spec_version(),
        "profiles": list(target.profiles),
        "not_claimed": not_claimed(target),
        "verdict": verdict(results, strict=strict),
        "summary": {
            "passed": count["passed"],
            "failed": count["failed"],
            "warned": count["warned"],
            "skipped": count["skipped"],
            "known": sum(result.known for result in results),
            "errors": count["error"],
            "duration_s": round(duration, 3),
            "handshakes": sum(result.cast.handshakes for result in results),
        },
        **({"baseline": known.document(baseline)} if baseline else {}),
        "results": rows,
    }


def _row(result: Result, *, strict: bool) -> dict[str, Any]:
    findings = result.findings
    levels = {catalogue()[identifier].level for identifier in result.check.requirements}
    failed_by_strict = strict and result.verdict is Verdict.WARNED
    hint = next((found.hint for found in findings if found.hint), None)
    message = "\n".join(map(str, findings)) or result.skipped or (str(result.error) if result.error else "")
    return {
        "check": result.check.name,
        "requirements": list(result.check.requirements),
        "level": (Level.MUST if Level.MUST in levels else Level.SHOULD).value,
        "outcome": "failed" if failed_by_strict else result.verdict.value,
        "duration_s": round(result.duration, 4),
        "message": result.cast.redact(message),
        **({"known": result.known} if result.expected else {}),
        "violated": list(dict.fromkeys(i for found in findings for i in found.requirements)),
        **({"hint": hint} if hint else {}),
        **({"ladder": result.cast.transcript.ladder()} if findings or result.error else {}),
    }


def write(
    folder: Path,
    target: Target,
    results: Sequence[Result],
    duration: float,
    *,
    strict: bool,
    baseline: Assessment | None = None,
    interrupted: bool = False,
) -> Path:
    """Write `report.json` into `folder` and give its path; of an interrupted run there is no verdict in it."""
    report = document(target, results, duration, strict=strict, baseline=baseline)
    return _write(folder, report | {"verdict": "interrupted"} if interrupted else report)


def write_unusable(folder: Path, target: Target, unusable: TargetUnusable) -> Path:
    """Write the report of a target that could not be judged."""
    report = document(target, [], 0.0, strict=False)
    return _write(folder, report | {"verdict": "unusable", "problem": unusable.problem, "remedy": unusable.remedy})


def discard(folder: Path) -> None:
    """Remove the report of an earlier run, which would be taken for that of this one."""
    (folder / NAME).unlink(missing_ok=True)


def _write(folder: Path, report: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    path.write_bytes(text.encode("utf-8", "backslashreplace"))
    return path
