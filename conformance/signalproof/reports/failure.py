"""A check that found something, explained in place of a traceback."""

from __future__ import annotations

from collections.abc import Callable

from signalproof.errors import NonConformance
from signalproof.judge.ladder import ladder
from signalproof.judge.story import tell
from signalproof.protocol.requirements import catalogue
from signalproof.run.result import Result

__all__ = ["explain"]

MOST_BREACHES = 4
"""How many breaches of one check are told."""


def explain(result: Result, *, whole: bool = True) -> str:
    """Explain what a check found: requirement, expectation, what came and hint; with `whole`, the ladder too."""
    redact = result.cast.redact.settled()
    breaches = result.all_breaches
    first = breaches[0]
    if not whole:
        return redact(f"{first}\n(explained with a ladder at another check)")
    lines = _explained(first, redact)
    for other in breaches[1:MOST_BREACHES]:
        lines.append(redact(f"also      {'known: ' if other in result.listed else ''}{other}"))
    if len(breaches) > MOST_BREACHES:
        lines.append(f"also      {len(breaches) - MOST_BREACHES} more findings of this kind")
    if first.hint is None and (hint := next((breach.hint for breach in breaches if breach.hint), None)):
        lines.append(f"hint      {redact(hint)}")
    return "\n".join([*lines, "", ladder(tell(result.cast.transcript, breaches), redact)])


def _explained(breach: NonConformance, redact: Callable[[str], str]) -> list[str]:
    lines = []
    for identifier in breach.requirements:
        requirement = catalogue()[identifier]
        lines.append(f"{identifier}: {requirement.sentence} ({requirement.link})")
    lines += [redact(f"expected  {breach.expected}"), redact(f"received  {breach.received}")]
    if breach.hint:
        lines.append(redact(f"hint      {breach.hint}"))
    return lines
