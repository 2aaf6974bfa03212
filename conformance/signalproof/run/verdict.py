"""What came of a run: of each requirement, and altogether."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from signalproof.config.target import Target
from signalproof.protocol.coverage import suite_checks
from signalproof.protocol.requirements import Level, catalogue
from signalproof.run.outcomes import CheckOutcome, RequirementOutcome, Verdict
from signalproof.run.result import Result
from signalproof.text.node_id import function_in_module

__all__ = ["any_new", "breached", "explainers", "left_out", "requirement_outcomes", "scope", "undecided", "verdict"]


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


def left_out(target: Target, results: Iterable[Result]) -> list[str]:
    """Give the MUSTs that the target claims and of which the operator left checks out, by option or by name.

    A check that was selected and not run for another reason, such as a long wait, is not left out.
    """
    selected = {function_in_module(result.check.name) for result in results if not result.unjudged}
    missing = {
        identifier
        for check in suite_checks()
        if check.name not in selected and check.profiles <= {*target.profiles, *target.left_out}
        for identifier in check.requirements
    }
    return [i for i in _musts(target) if i in missing]


def _musts(target: Target) -> list[str]:
    """Give the MUSTs that a target claims and that can be judged from outside."""
    claimed = {*target.profiles, *target.left_out}
    return [
        i for i, r in catalogue().items() if r.level is Level.MUST and r.untestable is None and r.profile in claimed
    ]


def undecided(target: Target, results: Sequence[Result]) -> list[str]:
    """Give the MUSTs that the target claims and that the run did not decide, for whatever reason."""
    missing, found = set(left_out(target, results)), requirement_outcomes(results)
    decided = {RequirementOutcome.KEPT, RequirementOutcome.BROKEN}
    return [i for i in _musts(target) if i in missing or found.get(i) not in decided]


def scope(target: Target, results: Sequence[Result]) -> tuple[int, int]:
    """Give how many MUSTs a run judged, be it by a part of their checks, of how many that the target claims."""
    musts, found = _musts(target), requirement_outcomes(results)
    return sum(i in found for i in musts), len(musts)


def verdict(target: Target, results: Sequence[Result], *, strict: bool) -> Verdict:
    """Give the verdict of a run that was not interrupted; a part of the suite finds breaches, and no conformance."""
    found = {result.outcome for result in results}
    if CheckOutcome.FAILED in found or (strict and any(result.cast.warnings for result in results)):
        return Verdict.NONCONFORMANT
    if CheckOutcome.ERROR in found:
        return Verdict.UNUSABLE
    return Verdict.PARTIAL if left_out(target, results) else Verdict.CONFORMANT


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
