"""The run as Markdown: for the summary of a CI step, or a comment on a merge request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from signalproof.reports.digest import Breach, breaches, profile_rows, short, verdict_sentence
from signalproof.reports.shape import Report, Row

__all__ = ["code", "render"]

LADDERS = 10
"""How many ladders are shown; GitHub takes 1 MiB a step."""


def render(report: Report) -> bytes:
    """Write the summary."""
    return ("\n".join(_lines(report)) + "\n").encode("utf-8", "backslashreplace")


def _lines(report: Report) -> Iterator[str]:
    yield f"## Signalproof: {report['verdict'].upper()}"
    yield ""
    yield f"{verdict_sentence(report)} Target: {code(report['target'])}, VCSP {report['spec_version']}."
    yield ""
    if "problem" in report:
        yield code(report["problem"])
        yield ""
        yield code(report.get("remedy", ""))
        return
    yield from _numbers(report)
    found = breaches(report)
    for title, level in (("Broken", "MUST"), ("Not followed", "SHOULD")):
        of_level = [breach for breach in found if breach.requirement["level"] == level]
        if of_level:
            yield f"### {title}"
            yield ""
            for breach in of_level:
                yield from _breach(breach)
            yield ""
    yield from _ladders(found)
    yield from _rest(report)


def _numbers(report: Report) -> Iterator[str]:
    summary = report["summary"]
    yield (
        f"**{summary['must_kept']} of {summary['must_checked']}** MUST requirements kept · "
        f"{len(report['results']) - summary['skipped']} checks · {summary['handshakes']} WebRTC handshakes · "
        f"{summary['duration_s']:.1f} s"
    )
    yield ""
    yield "| profile | MUST kept | SHOULD followed | broken | not followed | undecided |"
    yield "|---|---|---|---|---|---|"
    for row in profile_rows(report):
        if not row.checked:
            yield f"| {row.name} | not checked | | | | |"
            continue
        lists = " | ".join(", ".join(ids) for ids in (row.broken, row.not_followed, row.undecided))
        yield f"| {row.name} | {row.must_kept} of {row.must} | {row.should_kept} of {row.should} | {lists} |"
    yield ""


def _breach(breach: Breach) -> Iterator[str]:
    requirement, found = breach.requirement, breach.finding
    mark = " (known, by the baseline)" if breach.known else ""
    yield f"- **{requirement['id']}**{mark} {escaped(requirement['sentence'])}"
    yield f"  - expected {code(found['expected'])}"
    yield f"  - received {code(found['received'])}"
    if "hint" in found:
        yield f"  - hint: {code(found['hint'])}"
    names = ", ".join(code(short(row)) for row in breach.rows[:3])
    more = f" and {len(breach.rows) - 3} more" if len(breach.rows) > 3 else ""
    yield f"  - found by {names}{more}"


def _ladders(found: list[Breach]) -> Iterator[str]:
    rows: dict[str, Row] = {breach.rows[0]["check"]: breach.rows[0] for breach in found}
    for row in [row for row in rows.values() if row.get("ladder")][:LADDERS]:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", row.get("ladder", ""))), default=0))
        yield f"<details><summary>{html.escape(short(row))}</summary>"
        yield ""
        yield f"{fence}text"
        yield row.get("ladder", "")
        yield fence
        yield ""
        yield "</details>"
        yield ""


def _rest(report: Report) -> Iterator[str]:
    for row in report["results"]:
        if row["outcome"] in {"skipped", "error"}:
            word = "not run" if row["outcome"] == "skipped" else "fault of the kit"
            yield f"- {word}: {code(short(row))}: {escaped(row['message'])}"


def code(text: str) -> str:
    """Write a text of unknown origin as a code span, which nothing in it can end."""
    line = " ".join(text.split()) or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def escaped(text: str) -> str:
    """Write a text so that nothing in it counts as markup, but for the code spans of the specification."""
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(part if position % 2 else _plain(part) for position, part in enumerate(parts))


def _plain(text: str) -> str:
    return re.sub(r"([\\*_\[\]#|~@])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
