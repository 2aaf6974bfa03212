"""Two reports compared, as somebody who reviews a change wants to read it: what broke, what was mended, what stayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from signalproof.errors import InvalidTarget
from signalproof.reports.digest import short
from signalproof.reports.markdown import code, escaped
from signalproof.reports.plot import Distribution, distributions
from signalproof.reports.shape import VERSION, Report, Row
from signalproof.text.untrusted import one_line, read_json

__all__ = ["Comparison", "compare", "load", "markdown", "plain"]

WORSE = ("newly broken", "breaks more than before", "newly not followed", "no verdict any more")
_ORDER = (
    *WORSE,
    "still broken",
    "still without a verdict",
    "still not followed",
    "mended",
    "newly checked",
    "no longer checked",
)
_RANKS = {"passed": 0, "warned": 1, "failed": 2, "error": 3}
_STILL = {"failed": "still broken", "error": "still without a verdict", "warned": "still not followed"}
_NOW = {
    "passed": "newly checked",
    "failed": "newly broken",
    "error": "no verdict any more",
    "warned": "newly not followed",
}
_ENOUGH = 20
"""Times are compared where there are at least so many on both sides."""
_CLEARLY = 1.5
_NOTICEABLE = 5.0
"""Milliseconds by which a median has to change, beside the factor, to be worth a word."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from the old report to the new one.

    `checks` are the new rows (the old ones of those that are gone) by what became of them; `worse` and `notes`
    are about the run as a whole; `times` says which became slower or faster.
    """

    old: Report
    new: Report
    checks: dict[str, list[Row]] = field(default_factory=dict)
    worse: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)

    @property
    def got_worse(self) -> bool:
        """Whether anything got worse; times do not count, for they change from run to run."""
        return bool(self.worse) or any(self.checks.get(kind) for kind in WORSE)


def load(path: Path) -> Report:
    """Read a report; raises `InvalidTarget` where the file holds none that this version understands."""
    from jsonschema import Draft202012Validator

    from signalproof.protocol.resources import resource

    try:
        value = read_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidTarget(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidTarget(f"{path} is not JSON: name the report.json of a run") from None
    if not isinstance(value, dict) or "results" not in value:
        raise InvalidTarget(f"{path} is not the report.json of a run")
    if value.get("report_version") != VERSION:
        raise InvalidTarget(
            f"{path} is a report of version {value.get('report_version', 0)}, and this signalproof reads "
            f"version {VERSION}: run the check again with this one"
        )
    schema = json.loads(resource("schemas", "report", "Report.json").read_text(encoding="utf-8"))
    problem = next(Draft202012Validator(schema).iter_errors(value), None)
    if problem is not None:
        raise InvalidTarget(f"{path} is no valid report: {problem.json_path}: {problem.message[:200]}")
    return cast("Report", value)


# ── comparing ──────────────────────────────────────────────────────────────────────────────────


def compare(old: Report, new: Report) -> Comparison:
    """Compare two reports, check by check."""
    found = Comparison(old, new)
    before, after = _rows(old), _rows(new)
    for name, row in after.items():
        if kind := _change(before.get(name), row):
            found.checks.setdefault(kind, []).append(row)
    for name, row in before.items():
        if name not in after and row["outcome"] != "skipped":
            found.checks.setdefault("no longer checked", []).append(row)
    found.worse.extend(_worse_as_a_whole(old, new))
    found.notes.extend(_notes(old, new))
    found.times.extend(_times(old, new))
    return found


def _rows(report: Report) -> Mapping[str, Row]:
    """Give the rows by name; the folder in front depends on where the kit is installed."""
    return {row["check"].rpartition("/")[2]: row for row in report["results"]}


def _change(old: Row | None, new: Row) -> str | None:
    """Say what became of a check, or None where there is nothing to say."""
    before, after = old["outcome"] if old else "skipped", new["outcome"]
    if before == after:
        if old and after == "failed" and not set(new["violated"]) <= set(old["violated"]):
            return "breaks more than before"
        return _STILL.get(after)
    if after == "skipped":
        return "no longer checked"
    if before != "skipped" and _RANKS.get(after, 2) < _RANKS.get(before, 2):
        return "mended"
    return _NOW.get(after)


def _worse_as_a_whole(old: Report, new: Report) -> Iterator[str]:
    judged = {"conformant", "nonconformant"}
    if old["verdict"] in judged and new["verdict"] not in judged:
        yield f"there is no verdict any more: {new.get('problem', new['verdict'])}"
    elif gone := [name for name in old["profiles"] if name not in new["profiles"]]:
        yield f"no longer checked, because not claimed or not named: profile {', '.join(gone)}"


def _notes(old: Report, new: Report) -> Iterator[str]:
    if added := [name for name in new["profiles"] if name not in old["profiles"]]:
        yield f"newly checked: profile {', '.join(added)}"
    for key, name in (("target", "target"), ("spec_version", "specification")):
        if old[key] != new[key]:  # type: ignore[literal-required]
            yield f"another {name}: {old[key]} before, {new[key]} now"  # type: ignore[literal-required]
    if old["kit"] != new["kit"]:
        yield f"another kit: {old['kit']['version']} before, {new['kit']['version']} now"


def _times(old: Report, new: Report) -> Iterator[str]:
    for kind, noun in (("reply", "HTTP reply"), ("delivery", "delivery")):
        before = {one.what: one for one in distributions(old["timings"], kind)}
        for now in distributions(new["timings"], kind):
            then = before.get(now.what)
            if then is not None and (word := _slower(then, now)):
                yield (
                    f"{word} {noun} of {now.what}: median {then.median:.1f} → {now.median:.1f} ms, "
                    f"95th percentile {then.p95:.1f} → {now.p95:.1f} ms"
                )


def _slower(then: Distribution, now: Distribution) -> str | None:
    if min(len(then.values), len(now.values)) < _ENOUGH or abs(now.median - then.median) < _NOTICEABLE:
        return None
    if now.median > then.median * _CLEARLY:
        return "slower"
    return "faster" if now.median * _CLEARLY < then.median else None


# ── in words ───────────────────────────────────────────────────────────────────────────────────


def _grouped(rows: list[Row]) -> dict[str, list[Row]]:
    """Group checks by the requirement they are about: the first that was broken, else the first they decide."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["violated"] or row["requirements"])[0], []).append(row)
    return groups


def _head(report: Report) -> str:
    summary = report["summary"]
    when = report["started_at"][:16].replace("T", " ")
    kept = f"{summary['must_kept']} of {summary['must_checked']} MUST kept"
    return f"{report['verdict']}, {kept} ({report['target']}, {when} UTC)"


def _closing(found: Comparison) -> str:
    if not found.got_worse:
        return "nothing got worse"
    numbers = [f"{len(found.checks[kind])} {kind}" for kind in WORSE if found.checks.get(kind)]
    return f"it got worse: {'; '.join([*found.worse, *numbers])}"


def plain(found: Comparison) -> Iterator[str]:
    """Give the comparison as lines for a terminal."""
    for line in _plain(found):
        yield one_line(line)


def _plain(found: Comparison) -> Iterator[str]:
    sentences = {row["id"]: row["sentence"] for row in found.new["requirements"]}
    yield f"before: {_head(found.old)}"
    yield f"now:    {_head(found.new)}"
    for kind in _ORDER:
        rows = found.checks.get(kind, [])
        if not rows:
            continue
        yield ""
        yield f"{kind}: {len(rows)} {_checks(rows)}"
        for identifier, group in _grouped(rows).items():
            yield f"  {identifier}  {sentences.get(identifier, '')}".rstrip()
            for row in group:
                yield f"      {short(row)}"
            if kind in WORSE and (text := _first_line(group[0])):
                yield f"      {text}"
    for title, lines in (("notes", found.notes), ("times (they do not count)", found.times)):
        if lines:
            yield ""
            yield f"{title}:"
            yield from (f"  {line}" for line in lines)
    yield ""
    yield _closing(found)


def markdown(found: Comparison) -> Iterator[str]:
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
    for kind in _ORDER:
        rows = found.checks.get(kind, [])
        if not rows:
            continue
        folded = kind not in WORSE
        title = f"{kind[0].upper()}{kind[1:]}: {len(rows)} {_checks(rows)}"
        yield from (f"<details><summary>{title}</summary>", "") if folded else (f"### {title}", "")
        for identifier, group in _grouped(rows).items():
            yield f"- **{identifier}** {escaped(sentences.get(identifier, ''))}"
            yield from (f"  - {code(short(row))}" for row in group)
            if not folded and (text := _first_line(group[0])):
                yield f"  - {code(text)}"
        yield ""
        if folded:
            yield from ("</details>", "")
    for line in [*found.notes, *found.times]:
        yield f"- {escaped(line)}"


def _checks(rows: list[Row]) -> str:
    return "check" if len(rows) == 1 else "checks"


def _first_line(row: Row) -> str:
    line = row["message"].partition("\n")[0]
    return line if len(line) <= 300 else f"{line[:299]}…"
