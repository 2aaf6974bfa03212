"""What GitHub Actions is told: annotations on the run, and the summary of the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from signalproof.protocol.requirements import Level
from signalproof.reports.digest import breached
from signalproof.reports.shape import Report
from signalproof.text.node_id import case_of

__all__ = ["annotate", "append_summary"]


def annotate(report: Report, environment: Mapping[str, str]) -> Iterator[str]:
    """Give a line for each requirement that was broken or not followed; none outside GitHub Actions.

    What the baseline lists is a notice.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    if "problem" in report:
        yield _command("error", "The target cannot be judged", f"{report['problem']}\n{report.get('remedy', '')}")
    for found in breached(report):
        kind = "error" if found.requirement["level"] == Level.MUST or report["strict"] else "warning"
        kind = "notice" if found.in_baseline else kind
        breach = found.breach
        lines = [
            found.requirement["sentence"],
            f"expected {breach['expected']}",
            f"received {breach['received']}",
            *([f"hint: {breach['hint']}"] if "hint" in breach else []),
            f"found by {', '.join(case_of(row['check']) for row in found.checks[:3])}",
        ]
        yield _command(kind, found.requirement["id"], "\n".join(lines))


def _command(kind: str, title: str, message: str) -> str:
    """Write a workflow command, whose text could otherwise begin another one."""
    return f"::{kind} title={_escaped(title, also=':,')}::{_escaped(message)}"


def _escaped(text: str, *, also: str = "") -> str:
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def append_summary(text: bytes, environment: Mapping[str, str]) -> Iterator[str]:
    """Append the summary to that of the step; give what went wrong, if anything did."""
    try:
        with Path(environment["GITHUB_STEP_SUMMARY"]).open("ab") as file:
            file.write(text + b"\n")
    except OSError as error:
        yield f"the summary of the step cannot be written: {error.strerror}"
