"""What a baseline adds to a run: lines of the summary, a part of the report, and the file written anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from signalproof.errors import NonConformance
from signalproof.protocol.requirements import catalogue
from signalproof.run.baseline import REASON_MISSING, Assessment, Baseline, BaselineEntry, ListedAs
from signalproof.run.baseline_file import TABLE
from signalproof.run.result import Result
from signalproof.text.node_id import case_of
from signalproof.text.untrusted import one_line

__all__ = ["document", "lines", "suffix", "write"]

_HEADER = """\
# Requirements of VCSP that this server is known to break, each with the reason.
# `signalproof check URL --baseline {name}` fails for any other breach, and for an entry that is not true any more.
# outcome: "fail" (a MUST), "warn" (a SHOULD) or "flaky" (now and then); check = "test_…" narrows an entry to one check.
"""


def lines(assessment: Assessment) -> Iterator[str]:
    """Give the lines of the summary about a baseline: what is known, and what is not true any more."""
    path = assessment.baseline.path
    for entry, count in assessment.seen.items():
        checks = f"{count} checks" if count > 1 else "1 check"
        flaky = " (flaky)" if entry.listed_as is ListedAs.FLAKY else ""
        yield f"known: {entry.requirement}{flaky}, in {entry.check or checks}: {' '.join(entry.reason.split())}"
    if unexplained := [entry for entry in assessment.baseline.entries if entry.unexplained]:
        places = ", ".join(f"{entry.subject} (line {entry.line})" for entry in unexplained)
        yield f"no reason yet: say in {path} why to expect {places}"
    for entry in assessment.stale:
        where = f"line {entry.line}" if entry.line == entry.last_line else f"lines {entry.line} to {entry.last_line}"
        yield f"stale: {entry.subject} is not broken any more: delete {where} of {path}"
    number = len(assessment.baseline.entries)
    yield (
        f"baseline: {path}, {number} {'entry' if number == 1 else 'entries'}: {len(assessment.seen)} seen, "
        f"{len(assessment.stale)} stale, {len(assessment.open)} not decided by this run"
    )


def suffix(assessment: Assessment, *, new: bool) -> str:
    """Say how the verdict compares with the baseline, to go on after it."""
    if new:
        return ", beyond its baseline"
    if assessment.stale:
        return ", and its baseline is stale"
    return ", in the ways that its baseline lists" if assessment.seen else ""


def document(assessment: Assessment) -> dict[str, Any]:
    """Give the part of the report about a baseline."""
    return {
        "file": str(assessment.baseline.path),
        "known": [{**_entry(entry), "checks": count} for entry, count in assessment.seen.items()],
        "stale": [_entry(entry) for entry in assessment.stale],
        "undecided": [_entry(entry) for entry in assessment.open],
    }


def _entry(entry: BaselineEntry) -> dict[str, Any]:
    return {
        "requirement": entry.requirement,
        **({"check": entry.check} if entry.check else {}),
        "outcome": entry.listed_as.value,
        "reason": entry.reason,
        "line": entry.line,
    }


# ── writing ────────────────────────────────────────────────────────────────────────────────────


def write(path: Path, previous: Assessment | None, results: Sequence[Result]) -> str:
    """Write the baseline that fits a run and say what was done.

    What stands in the previous one stays as it is, comments and reasons too; stale entries go, new ones are added.
    """
    text, stale = _HEADER.format(name=path.name), previous.stale if previous else ()
    if previous is not None:
        text = _without(previous.baseline.path.read_text(encoding="utf-8"), stale)
    new = _new(results, previous.baseline if previous else None)
    for (requirement, check), (result, found) in new.items():
        text += f"\n{_block(requirement, check, result, found)}"
    path.write_bytes(text.encode("utf-8", "backslashreplace"))
    what = f"{len(new)} new, {len(stale)} removed"
    advice = (
        f"; give each a reason in place of {REASON_MISSING}, and check again, for known breaches hide others no more"
    )
    return f"baseline: {what}, written to {path}" + (advice if new else "")


def _new(
    results: Sequence[Result], previous: Baseline | None
) -> Mapping[tuple[str, str], tuple[Result, NonConformance]]:
    """Find what has no entry: by requirement, or by check too where the baseline has that."""
    by_check = {entry.requirement for entry in previous.entries if entry.check} if previous else set()
    found: dict[tuple[str, str], tuple[Result, NonConformance]] = {}
    for result in results:
        name = case_of(result.check.name)
        for breach in result.all_breaches:
            for requirement in breach.requirements:
                if previous is None or previous.entry(requirement, name) is None:
                    key = (requirement, name if requirement in by_check else "")
                    found.setdefault(key, (result, breach))
    order = list(catalogue())
    return {key: found[key] for key in sorted(found, key=lambda key: (order.index(key[0]), key[1]))}


def _block(requirement: str, check: str, result: Result, breach: NonConformance) -> str:
    """Write an entry, below the sentence that is broken and what was seen."""
    from tomlkit import aot, comment, document, dumps, item

    seen = result.cast.redact(f"{case_of(result.check.name)}: expected {breach.expected}; received {breach.received}")
    listed_as = ListedAs.of(catalogue()[requirement].level)
    fields = {"requirement": requirement, "check": check, "outcome": listed_as, "reason": f"{REASON_MISSING}: why?"}
    entries = aot()
    entries.append(item({name: str(text) for name, text in fields.items() if text}))
    block = document()
    block.add(comment(catalogue()[requirement].sentence))
    block.add(comment(one_line(seen)))
    block.add(TABLE, entries)
    entries[0].trivia.indent = ""  # right below the comments
    return dumps(block)


def _without(text: str, entries: Sequence[BaselineEntry]) -> str:
    """Take entries out of a baseline's text, with the comments right above them."""
    lines = text.split("\n")
    gone: set[int] = set()
    for entry in entries:
        first = entry.line - 1
        while first > 0 and lines[first - 1].lstrip().startswith("#"):
            first -= 1
        gone.update(range(first, entry.last_line))
        if entry.last_line < len(lines) and not lines[entry.last_line].strip():
            gone.add(entry.last_line)
    return "\n".join(line for number, line in enumerate(lines) if number not in gone).rstrip("\n") + "\n"
