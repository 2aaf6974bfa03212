"""The run on a terminal: header, progress, explanations of breaches, verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column

from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.protocol.requirements import PROFILES, Level, catalogue, spec_version
from signalproof.reports import baseline as known
from signalproof.reports.outcomes import outcomes
from signalproof.run.baseline import Assessment
from signalproof.run.runner import Check, Result, Verdict
from signalproof.text.untrusted import printable

__all__ = ["Progress", "explain", "explainers", "header", "interrupted", "not_claimed", "summary", "verdict"]

SHOWN = 5
"""Ids that are worth a word on what to read next."""


def header(target: Target) -> list[str]:
    """Say what is checked against what, and why that."""
    lines = [f"VCSP {spec_version()} conformance of {target.url}"]
    if target.socket_url != target.url:
        lines.append(f"Socket.IO at {target.socket_url}")
    lines.append(f"profiles: {', '.join(target.profiles)} ({target.profiles_reason})")
    if left_out := not_claimed(target):
        lines.append(f"not claimed: {', '.join(left_out)}")
    return [printable(line) for line in (*lines, *(f"note: {note}" for note in target.notes))]


def not_claimed(target: Target) -> list[str]:
    """Give the profiles of the protocol that were not selected."""
    return [name for name in PROFILES if name not in target.profiles]


class Progress:
    """A progress bar on a terminal, with what is running now; silent elsewhere."""

    def __init__(self, total: int) -> None:
        self._bar = Bar(
            TextColumn("checking"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=Console(stderr=True),
            expand=True,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("checks", total=total, now="")
        self._running: dict[str, None] = {}

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def __call__(self, what: Check | Result) -> None:
        """Take a check that begins or a result that came in."""
        if isinstance(what, Check):
            self._running[_short(what.name)] = None
            advance = 0
        else:
            self._running.pop(_short(what.check.name), None)
            advance = 1
        now = next(iter(self._running), "waiting for late events")
        self._bar.update(self._task, advance=advance, now=now)


def explainers(results: Sequence[Result]) -> set[str]:
    """Choose for each broken requirement the check that explains it at length: of those about it, the shortest."""
    chosen: dict[str, Result] = {}
    for result in results:
        if result.new_breaches:
            principal = result.new_breaches[0].requirements[0]
            chosen[principal] = min(chosen.get(principal, result), result, key=partial(_length, principal))
    return {result.check.name for result in chosen.values()}


def _length(principal: str, result: Result) -> tuple[bool, int]:
    return principal not in result.check.requirements, len(result.cast.transcript.entries)


def explain(result: Result, *, whole: bool = True) -> str:
    """Explain what a check found: requirement, expectation, what came, hint, ladder."""
    redact = result.cast.redact.settled()
    findings = result.findings
    first = findings[0]
    if not whole:
        return redact(f"{first}\n(explained with a ladder at another check)")
    lines = _finding(first, redact)
    for other in findings[1:4]:
        lines.append(redact(f"also      {'known: ' if other in result.expected else ''}{other}"))
    if len(findings) > 4:
        lines.append(f"also      {len(findings) - 4} more findings of this kind")
    if first.hint is None and (hint := next((found.hint for found in findings if found.hint), None)):
        lines.append(f"hint      {redact(hint)}")
    return "\n".join([*lines, "", result.cast.transcript.ladder(redact)])


def _finding(found: NonConformance, redact: Callable[[str], str]) -> list[str]:
    lines = []
    for identifier in found.requirements:
        requirement = catalogue()[identifier]
        lines.append(f"{identifier}: {requirement.sentence} ({requirement.link})")
    lines += [redact(f"expected  {found.expected}"), redact(f"received  {found.received}")]
    if found.hint:
        lines.append(redact(f"hint      {found.hint}"))
    return lines


def summary(
    target: Target,
    results: Sequence[Result],
    duration: float,
    *,
    strict: bool,
    baseline: Assessment | None = None,
    stalled: str | None = None,
) -> list[str]:
    """Give the verdict and what it stands on; `stalled` says that this machine was too busy."""
    warned = _breached(results, Level.SHOULD, new=True)
    ran = [result for result in results if result.skipped is None]
    decided = outcomes(results)
    musts = {i: decided[i] for i in catalogue() if i in decided and catalogue()[i].level is Level.MUST}
    handshakes = sum(result.cast.handshakes for result in results)
    lines = []
    for result in results:
        for found in result.new_warnings[:1]:
            lines.append(result.cast.redact(f"warning: {found} [{_short(result.check.name)}]"))
            if found.hint:
                lines.append(result.cast.redact(f"         {found.hint}"))
    lines += [f"not run: {_short(r.check.name)}: {r.skipped}" for r in results if r.skipped is not None]
    lines += [f"{len(ran)} checks, {handshakes} WebRTC handshakes, {duration:.1f} s", *filter(None, [stalled])]
    kept = list(musts.values()).count("kept")
    lines.append(f"{kept} of {len(musts)} MUST requirements kept")
    if not any(connection.heard for result in ran for connection in result.cast.connections):
        lines.append("no event of any kind arrived: does the server emit, and to the connections' Socket.IO sids?")
    new = _breached(results, Level.MUST, new=True)
    for identifier in new:
        number = sum(any(identifier in found.requirements for found in r.new_breaches) for r in results)
        checks = "1 check" if number == 1 else f"{number} checks"
        lines.append(f"broken: {identifier}, in {checks}: {catalogue()[identifier].sentence}")
    if new:
        lines.append(f"reasons and typical fixes: signalproof explain {' '.join(new[:SHOWN])}")
    if undecided := [i for i, outcome in musts.items() if outcome == "undecided"]:
        lines.append(f"undecided, because their checks ended before: {', '.join(undecided)}")
    if warned:
        lines.append(f"{'broken' if strict else 'not followed'} (SHOULD): {', '.join(warned)}")
    closing = f"verdict: {target.url} is {verdict(results, strict=strict).upper()}"
    if baseline is not None:
        lines += known.lines(baseline)
        closing += known.suffix(baseline, new=any_new(results, strict=strict))
    return [*lines, closing]


def any_new(results: Sequence[Result], *, strict: bool) -> bool:
    """Whether a run fails by something that no baseline expects."""
    return any(result.new_breaches or (strict and result.new_warnings) for result in results)


def interrupted(results: Sequence[Result], total: int) -> list[str]:
    """Say how far an interrupted run came; there is no verdict."""
    ended = sum(result.complete for result in results)
    lines = [f"broken so far: {i}: {catalogue()[i].sentence}" for i in _breached(results, Level.MUST)]
    lines.append(f"interrupted: {ended} of {total} checks had ended, and late events were not waited for: no verdict")
    return lines


def verdict(results: Sequence[Result], *, strict: bool) -> str:
    """Give the verdict in the word the report uses."""
    verdicts = {result.verdict for result in results}
    if Verdict.FAILED in verdicts or (strict and any(result.cast.warnings for result in results)):
        return "nonconformant"
    return "unusable" if Verdict.ERROR in verdicts else "conformant"


def _breached(results: Sequence[Result], level: Level, *, new: bool = False) -> list[str]:
    found = {
        identifier: None
        for result in results
        for finding in result.findings
        if not (new and finding in result.expected)
        for identifier in finding.requirements
        if catalogue()[identifier].level is level
    }
    return [identifier for identifier in catalogue() if identifier in found]


def _short(name: str) -> str:
    return name.rpartition("::")[2]
