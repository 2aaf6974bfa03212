"""What many checks met alike: one thing that is wrong, told once, with how many checks it touched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter

from signalproof.errors import NonConformance
from signalproof.run.result import Result

__all__ = ["Cause", "by_frequency", "causes"]

MANY_CHECKS = 3
"""Checks that meet the same thing, from which on it is a cause worth a line of its own."""
_VARYING = re.compile(r"\d+(?:\.\d+)?|'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong: the requirement, an example of it with its check, and how many checks met it."""

    requirement: str
    example: NonConformance
    result: Result
    checks: int


def causes(results: Iterable[Result]) -> list[Cause]:
    """Give what at least a few checks met alike, the most frequent first; what a baseline lists is left out."""
    met: dict[tuple[str, str], list[tuple[Result, NonConformance]]] = {}
    for result in results:
        for key, breach in {_key(breach): breach for breach in reversed(result.new_breaches)}.items():
            met.setdefault(key, []).append((result, breach))
    found = [
        Cause(requirement, pairs[0][1], pairs[0][0], len(pairs))
        for (requirement, _), pairs in met.items()
        if len(pairs) >= MANY_CHECKS
    ]
    return sorted(found, key=attrgetter("checks"), reverse=True)


def _key(found: NonConformance) -> tuple[str, str]:
    """Bring together what is the same but for names and numbers."""
    what = found.step.name if found.step else _VARYING.sub("…", found.received)
    return found.requirements[0], what


def by_frequency(identifiers: Sequence[str], results: Sequence[Result]) -> list[tuple[str, int]]:
    """Order requirements by the number of checks that newly broke them, the most frequent first."""
    counted = [
        (i, sum(any(i in found.requirements for found in result.new_breaches) for result in results))
        for i in identifiers
    ]
    return sorted(counted, key=itemgetter(1), reverse=True)
