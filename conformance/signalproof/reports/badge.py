"""The verdict as a badge: what the endpoint of shields.io reads."""

from __future__ import annotations

import json

from signalproof.reports.shape import Report

__all__ = ["render"]

_COLOURS = {"conformant": "brightgreen", "nonconformant": "red"}


def render(report: Report) -> bytes:
    """Write the badge."""
    summary, verdict = report["summary"], report["verdict"]
    message = verdict
    if verdict == "nonconformant":
        message = f"{summary['must_kept']} of {summary['must_checked']} MUST"
    badge = {
        "schemaVersion": 1,
        "label": f"VCSP {report['spec_version']}",
        "message": message,
        "color": _COLOURS.get(verdict, "lightgrey"),
        "isError": verdict == "nonconformant",
    }
    return json.dumps(badge, indent=2).encode() + b"\n"
