"""The run on a terminal: header, and the verdict with what it stands on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from signalproof.config.target import Target
from signalproof.protocol.explanation import fixes
from signalproof.protocol.requirements import Level, catalogue, spec_version
from signalproof.reports import baseline as baseline_report
from signalproof.run.baseline import Assessment
from signalproof.run.causes import by_frequency, causes
from signalproof.run.outcomes import RequirementOutcome, Verdict
from signalproof.run.result import Result
from signalproof.run.verdict import any_new, breached, left_out, requirement_outcomes, scope, verdict
from signalproof.text.node_id import case_of
from signalproof.text.untrusted import printable

__all__ = ["header", "interrupted", "summary"]

_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")

MOST_CAUSES = 3
"""Causes that are told in the summary; what is rarer stands among the failures."""
MOST_NAMES = 8
"""Checks that are named where they were not run for the same reason; more are counted."""
MOST_IDS = 5
"""Ids that are worth a word on what usually mends them, and on what to read next."""
FIX = 200
"""Characters of a typical fix that are told; of a longer one as many sentences as fit, and the first in any case."""


def header(target: Target) -> list[str]:
    """Say what is checked against what, and why that."""
    lines = [f"VCSP {spec_version()} conformance of {target.url}"]
    if target.socket_url != target.url:
        lines.append(f"Socket.IO at {target.socket_url}")
    lines.append(f"profiles: {', '.join(target.profiles)} ({target.profiles_reason})")
    if target.left_out:
        lines.append(f"left out: {', '.join(target.left_out)} (claimed, and not selected)")
    if target.not_claimed:
        lines.append(f"not claimed: {', '.join(target.not_claimed)}")
    return [printable(line) for line in (*lines, *(f"note: {note}" for note in target.notes))]


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
    ran = [result for result in results if result.skipped is None]
    handshakes = sum(result.cast.handshakes for result in results)
    lines = [line for result in results for line in _first_warning(result)]
    lines += _not_run(results)
    lines += [f"{len(ran)} checks, {handshakes} WebRTC handshakes, {duration:.1f} s", *filter(None, [stalled])]
    lines += [*_causes(results, len(ran)), *_requirements(results, strict=strict)]
    said = verdict(target, results, strict=strict)
    closing = f"verdict: {target.url} is {said.upper()}"
    if missing := left_out(target, results):
        judged, claimed = scope(target, results)
        part = f"{judged} of {claimed} MUST requirements judged"
        if said is Verdict.PARTIAL:
            closing += f": {part}, and kept"
        else:
            lines.append(f"{part}: checks of {_listed(missing)} were left out")
    if baseline is not None:
        lines += baseline_report.lines(baseline)
        closing += baseline_report.suffix(baseline, new=any_new(results, strict=strict))
    return [*lines, closing]


def _not_run(results: Sequence[Result]) -> Iterator[str]:
    """Say which checks were not run, and why; many of the same reason are counted."""
    by_reason: dict[str, list[Result]] = {}
    for result in results:
        if result.skipped is not None:
            by_reason.setdefault(result.skipped, []).append(result)
    for reason, several in by_reason.items():
        if len(several) > MOST_NAMES:
            yield f"not run: {len(several)} checks: {reason}"
        else:
            yield from (f"not run: {case_of(result.check.name)}: {reason}" for result in several)


def _causes(results: Sequence[Result], ran: int) -> Iterator[str]:
    """Say what many checks met alike, the most frequent first."""
    for cause in causes(results)[:MOST_CAUSES]:
        redact, found = cause.result.cast.redact, cause.example
        yield redact(f"{cause.checks} of {ran} checks met the same thing ({cause.requirement}): {found.received}")
        yield redact(f"         expected {found.expected}")
        if found.hint:
            yield redact(f"         hint: {found.hint}")


def _first_warning(result: Result) -> Iterator[str]:
    for found in result.new_warnings[:1]:
        yield result.cast.redact(f"warning: {found} [{case_of(result.check.name)}]")
        if found.hint:
            yield result.cast.redact(f"         {found.hint}")


def _requirements(results: Sequence[Result], *, strict: bool) -> Iterator[str]:
    """Say which requirements were kept, broken, undecided and not followed."""
    decided = requirement_outcomes(results)
    musts = {i: decided[i] for i in catalogue() if i in decided and catalogue()[i].level is Level.MUST}
    kept = list(musts.values()).count(RequirementOutcome.KEPT)
    yield f"{kept} of {len(musts)} MUST requirements kept"
    ran = [result for result in results if result.skipped is None]
    if not any(connection.heard for result in ran for connection in result.cast.everybody):
        yield "no event of any kind arrived: does the server emit, and to the connections' Socket.IO sids?"
    new = breached(results, Level.MUST, new=True)
    most = by_frequency(new, results)
    for place, (identifier, number) in enumerate(most):
        checks = "1 check" if number == 1 else f"{number} checks"
        yield f"broken: {identifier}, in {checks}: {catalogue()[identifier].sentence}"
        if place < MOST_IDS:
            yield from _fix(identifier)
    if new:
        ids = " ".join(identifier for identifier, _ in most[:MOST_IDS])
        yield f"reasons and typical fixes: signalproof explain {ids}"
    if undecided := [i for i, outcome in musts.items() if outcome is RequirementOutcome.UNDECIDED]:
        yield f"undecided, because their checks could not come that far: {', '.join(undecided)}"
    if warned := breached(results, Level.SHOULD, new=True):
        yield f"{'broken' if strict else 'not followed'} (SHOULD): {', '.join(warned)}"
        for identifier in warned[:MOST_IDS]:
            yield from _fix(identifier, f" of {identifier}")


def _fix(identifier: str, of: str = "") -> Iterator[str]:
    """Say in short what usually mends a server that breaks a requirement."""
    if fix := fixes().get(identifier):
        told, *more = _SENTENCE_END.split(fix)
        for sentence in more:
            if len(told) + len(sentence) >= FIX:
                break
            told += f" {sentence}"
        yield f"         typical fix{of}: {told}"


def _listed(identifiers: Sequence[str]) -> str:
    """Name a few, and count the rest."""
    more = len(identifiers) - MOST_IDS
    return ", ".join(identifiers[:MOST_IDS]) + (f" and {more} more" if more > 0 else "")


def interrupted(results: Sequence[Result], total: int) -> list[str]:
    """Say how far an interrupted run came; there is no verdict."""
    ended = sum(result.complete for result in results)
    lines = [f"broken so far: {i}: {catalogue()[i].sentence}" for i in breached(results, Level.MUST)]
    lines.append(f"interrupted: {ended} of {total} checks had ended, and late events were not waited for: no verdict")
    return lines
