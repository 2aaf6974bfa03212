"""The run as Markdown: for the summary of a CI step, or a comment on a merge request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from signalproof.protocol.requirements import Level
from signalproof.reports.digest import BreachedRequirement, breached, by_profile, verdict_sentence
from signalproof.reports.shape import CheckRow, Report
from signalproof.run.outcomes import CheckOutcome
from signalproof.text.node_id import case_of

__all__ = ["code", "escaped", "render"]

MOST_LADDERS = 10
"""GitHub takes 1 MiB a step."""
MOST_CHECKS = 3
"""How many of the checks that found a breach are named."""

_NO_VERDICT = {CheckOutcome.SKIPPED: "not run", CheckOutcome.ERROR: "fault of the kit"}


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
    found = breached(report)
    for title, level in (("Broken", Level.MUST), ("Not followed", Level.SHOULD)):
        of_level = [one for one in found if one.requirement["level"] == level]
        if of_level:
            yield f"### {title}"
            yield ""
            for one in of_level:
                yield from _breached(one)
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
    for row in by_profile(report):
        if not row.checked:
            yield f"| {row.name} | not checked | | | | |"
            continue
        lists = " | ".join(", ".join(ids) for ids in (row.broken, row.not_followed, row.undecided))
        yield f"| {row.name} | {row.must_kept} of {row.must} | {row.should_kept} of {row.should} | {lists} |"
    yield ""


def _breached(found: BreachedRequirement) -> Iterator[str]:
    requirement, breach = found.requirement, found.breach
    mark = " (known, by the baseline)" if found.in_baseline else ""
    yield f"- **{requirement['id']}**{mark} {escaped(requirement['sentence'])}"
    yield f"  - expected {code(breach['expected'])}"
    yield f"  - received {code(breach['received'])}"
    if "hint" in breach:
        yield f"  - hint: {code(breach['hint'])}"
    if "fix" in requirement:
        yield f"  - typical fix: {escaped(requirement['fix'])}"
    names = ", ".join(code(case_of(row["check"])) for row in found.checks[:MOST_CHECKS])
    more = f" and {len(found.checks) - MOST_CHECKS} more" if len(found.checks) > MOST_CHECKS else ""
    yield f"  - found by {names}{more}"


def _ladders(found: list[BreachedRequirement]) -> Iterator[str]:
    rows: dict[str, CheckRow] = {one.checks[0]["check"]: one.checks[0] for one in found}
    for row in [row for row in rows.values() if row.get("ladder")][:MOST_LADDERS]:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", row.get("ladder", ""))), default=0))
        yield f"<details><summary>{html.escape(case_of(row['check']))}</summary>"
        yield ""
        yield f"{fence}text"
        yield row.get("ladder", "")
        yield fence
        yield ""
        yield "</details>"
        yield ""


def _rest(report: Report) -> Iterator[str]:
    for row in report["results"]:
        if word := _NO_VERDICT.get(row["outcome"]):
            yield f"- {word}: {code(case_of(row['check']))}: {escaped(row['message'])}"


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
