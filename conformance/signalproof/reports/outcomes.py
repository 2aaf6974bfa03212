"""What came of each requirement in a run: one count for the terminal and for the reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from signalproof.protocol.requirements import Level, catalogue
from signalproof.run.runner import Result

__all__ = ["CHECKED", "outcomes"]

CHECKED = frozenset({"kept", "broken", "not_followed", "undecided"})
"""The outcomes of a requirement that checks were about."""
_BREACHED = {Level.MUST: "broken", Level.SHOULD: "not_followed"}


def outcomes(results: Iterable[Result]) -> Mapping[str, str]:
    """Give the outcome of each requirement that the checks were about or that was breached, by its id.

    It is undecided when one of its checks ended before its end, at the breach of another requirement.
    """
    results = list(results)
    ran = [result for result in results if result.skipped is None]
    found = {identifier: "kept" for result in ran for identifier in result.check.requirements}
    found |= {i: "undecided" for result in ran if result.error is not None for i in result.check.requirements}
    breached = {i for result in results for breach in result.findings for i in breach.requirements}
    return found | {i: _BREACHED[catalogue()[i].level] for i in breached}
