"""The verdict as a badge: what the endpoint of shields.io reads."""

from __future__ import annotations

import json

from signalproof.reports.shape import Report
from signalproof.run.outcomes import Verdict

__all__ = ["render"]

_COLOURS = {Verdict.CONFORMANT: "brightgreen", Verdict.NONCONFORMANT: "red"}


def render(report: Report) -> bytes:
    """Write the badge."""
    summary, verdict = report["summary"], report["verdict"]
    message: str = verdict
    if verdict == Verdict.PARTIAL:
        message = f"partial: {summary['must_kept']} of {summary['must_claimed']} MUST"
    if verdict == Verdict.NONCONFORMANT:
        message = f"{summary['must_kept']} of {summary['must_checked']} MUST"
    badge = {
        "schemaVersion": 1,
        "label": f"VCSP {report['spec_version']}",
        "message": message,
        "color": _COLOURS.get(verdict, "lightgrey"),
        "isError": verdict == Verdict.NONCONFORMANT,
    }
    return json.dumps(badge, indent=2).encode() + b"\n"
