"""What came of a run: of each requirement, and altogether."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from signalproof.protocol.requirements import Level, catalogue
from signalproof.run.outcomes import CheckOutcome, RequirementOutcome, Verdict
from signalproof.run.result import Result

__all__ = ["any_new", "breached", "explainers", "requirement_outcomes", "verdict"]


_BREACHED = {Level.MUST: RequirementOutcome.BROKEN, Level.SHOULD: RequirementOutcome.NOT_FOLLOWED}


def requirement_outcomes(results: Iterable[Result]) -> Mapping[str, RequirementOutcome]:
    """Give the outcome of each requirement that the checks were about or that was breached, by its id.

    It is undecided when one of its checks could not tell, or ended before its end, at the breach of another one.
    """
    results = list(results)
    ran = [result for result in results if result.skipped is None]
    found = {i: RequirementOutcome.KEPT for result in ran for i in result.check.requirements}
    found |= {i: RequirementOutcome.UNDECIDED for result in ran for i in result.undecided}
    return found | {i: _BREACHED[catalogue()[i].level] for result in results for i in result.violated}


def verdict(results: Sequence[Result], *, strict: bool) -> Verdict:
    """Give the verdict of a run that was not interrupted."""
    found = {result.outcome for result in results}
    if CheckOutcome.FAILED in found or (strict and any(result.cast.warnings for result in results)):
        return Verdict.NONCONFORMANT
    return Verdict.UNUSABLE if CheckOutcome.ERROR in found else Verdict.CONFORMANT


def any_new(results: Sequence[Result], *, strict: bool) -> bool:
    """Whether a run fails by something that no baseline lists."""
    return any(result.new_breaches or (strict and result.new_warnings) for result in results)


def breached(results: Sequence[Result], level: Level, *, new: bool = False) -> list[str]:
    """Give the requirements of a level that were breached; with `new`, in a way that no baseline lists."""
    found = {
        identifier
        for result in results
        for breach in result.all_breaches
        if not (new and breach in result.listed)
        for identifier in breach.requirements
    }
    return [i for i, requirement in catalogue().items() if i in found and requirement.level is level]


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
