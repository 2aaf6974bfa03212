"""Two reports compared, in words: for a terminal, and as somebody who reviews a change wants to read it."""

from __future__ import annotations

from collections.abc import Iterator

from signalproof.reports.diff import WORSE, Change, Changes
from signalproof.reports.markdown import code, escaped
from signalproof.reports.shape import CheckRow, Report
from signalproof.text.node_id import case_of
from signalproof.text.untrusted import one_line, shortened

__all__ = ["markdown", "plain"]

MESSAGE_CHARACTERS = 300
"""How much of a message is shown."""


def _grouped(rows: list[CheckRow]) -> dict[str, list[CheckRow]]:
    """Group checks by the requirement they are about: the first that was broken, else the first they decide."""
    groups: dict[str, list[CheckRow]] = {}
    for row in rows:
        groups.setdefault((row["violated"] or row["requirements"])[0], []).append(row)
    return groups


def _head(report: Report) -> str:
    summary = report["summary"]
    when = report["started_at"][:16].replace("T", " ")
    kept = f"{summary['must_kept']} of {summary['must_checked']} MUST kept"
    return f"{report['verdict']}, {kept} ({report['target']}, {when} UTC)"


def _closing(found: Changes) -> str:
    if not found.got_worse:
        return "nothing got worse"
    numbers = [f"{len(found.checks[change])} {change}" for change in WORSE if found.checks.get(change)]
    return f"it got worse: {'; '.join([*found.worse, *numbers])}"


def plain(found: Changes) -> Iterator[str]:
    """Give the comparison as lines for a terminal."""
    for line in _plain(found):
        yield one_line(line)


def _plain(found: Changes) -> Iterator[str]:
    sentences = {row["id"]: row["sentence"] for row in found.new["requirements"]}
    yield f"before: {_head(found.old)}"
    yield f"now:    {_head(found.new)}"
    for change in Change:
        rows = found.checks.get(change, [])
        if not rows:
            continue
        yield ""
        yield f"{change}: {len(rows)} {_checks(rows)}"
        for identifier, group in _grouped(rows).items():
            yield f"  {identifier}  {sentences.get(identifier, '')}".rstrip()
            for row in group:
                yield f"      {case_of(row['check'])}"
            if change in WORSE and (text := _first_line(group[0])):
                yield f"      {text}"
    for title, lines in (("notes", found.notes), ("times (they do not count)", found.times)):
        if lines:
            yield ""
            yield f"{title}:"
            yield from (f"  {line}" for line in lines)
    yield ""
    yield _closing(found)


def markdown(found: Changes) -> Iterator[str]:
    """Give the comparison as Markdown, for a comment on a merge request."""
    sentences = {row["id"]: row["sentence"] for row in found.new["requirements"]}
    yield f"## Signalproof: {escaped(_closing(found))}"
    yield ""
    yield "| | verdict | MUST kept | target |"
    yield "|---|---|---|---|"
    for name, report in (("before", found.old), ("now", found.new)):
        summary = report["summary"]
        kept = f"{summary['must_kept']} of {summary['must_checked']}"
        yield f"| {name} | {report['verdict']} | {kept} | {code(report['target'])} |"
    yield ""
    for change in Change:
        rows = found.checks.get(change, [])
        if not rows:
            continue
        folded = change not in WORSE
        title = f"{change.capitalize()}: {len(rows)} {_checks(rows)}"
        yield from (f"<details><summary>{title}</summary>", "") if folded else (f"### {title}", "")
        for identifier, group in _grouped(rows).items():
            yield f"- **{identifier}** {escaped(sentences.get(identifier, ''))}"
            yield from (f"  - {code(case_of(row['check']))}" for row in group)
            if not folded and (text := _first_line(group[0])):
                yield f"  - {code(text)}"
        yield ""
        if folded:
            yield from ("</details>", "")
    for line in [*found.notes, *found.times]:
        yield f"- {escaped(line)}"


def _checks(rows: list[CheckRow]) -> str:
    return "check" if len(rows) == 1 else "checks"


def _first_line(row: CheckRow) -> str:
    return shortened(row["message"].partition("\n")[0], MESSAGE_CHARACTERS)
