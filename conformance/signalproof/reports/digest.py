"""What readers of a report ask first, counted from its rows: profile by profile, and what is broken."""

from __future__ import annotations

from dataclasses import dataclass

from signalproof.protocol.requirements import Level
from signalproof.reports.shape import BreachRow, CheckRow, Report, RequirementRow
from signalproof.run.outcomes import CHECKED, RequirementOutcome, Verdict

__all__ = ["OUTCOMES", "BreachedRequirement", "ProfileCount", "breached", "by_profile", "verdict_sentence"]

OUTCOMES = {outcome: outcome.value.replace("_", " ") for outcome in RequirementOutcome}
"""The outcomes of a requirement, in words."""
_VERDICTS = {
    Verdict.CONFORMANT: "The server keeps every MUST that was checked.",
    Verdict.PARTIAL: "The server keeps every MUST that was checked, but only a part of what it claims was.",
    Verdict.NONCONFORMANT: "The server breaks at least one requirement.",
    Verdict.UNUSABLE: "No verdict was possible.",
    Verdict.INTERRUPTED: "The run was interrupted: there is no verdict.",
}


@dataclass(frozen=True, slots=True)
class ProfileCount:
    """One profile of the protocol: whether it was checked, and how its requirements fared."""

    name: str
    checked: bool
    must_kept: int
    must: int
    should_kept: int
    should: int
    broken: tuple[str, ...]
    not_followed: tuple[str, ...]
    undecided: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BreachedRequirement:
    """One requirement that was broken or not followed, and the checks that found it, the one that explains it first."""

    requirement: RequirementRow
    checks: tuple[CheckRow, ...]
    breach: BreachRow

    @property
    def in_baseline(self) -> bool:
        """Whether the baseline lists it wherever it was found."""
        return all(check.get("known", False) for check in self.checks)


def verdict_sentence(report: Report) -> str:
    """Say what the verdict means, and what may have spoilt it."""
    return " ".join(filter(None, (_VERDICTS.get(report["verdict"], ""), report.get("stalled"))))


def by_profile(report: Report) -> list[ProfileCount]:
    """Count the requirements of each profile."""
    names = dict.fromkeys([*report["profiles"], *report.get("left_out", ()), *report["not_claimed"]])
    return [_profile(report, name) for name in names]


def _profile(report: Report, name: str) -> ProfileCount:
    rows = [row for row in report["requirements"] if row["profile"] == name]
    decided = [row for row in rows if row["outcome"] in CHECKED]
    musts = [row["outcome"] for row in decided if row["level"] == Level.MUST]
    shoulds = [row["outcome"] for row in decided if row["level"] == Level.SHOULD]

    def named(outcome: RequirementOutcome) -> tuple[str, ...]:
        return tuple(row["id"] for row in rows if row["outcome"] == outcome)

    return ProfileCount(
        name=name,
        checked=name in report["profiles"],
        must_kept=musts.count(RequirementOutcome.KEPT),
        must=len(musts),
        should_kept=shoulds.count(RequirementOutcome.KEPT),
        should=len(shoulds),
        broken=named(RequirementOutcome.BROKEN),
        not_followed=named(RequirementOutcome.NOT_FOLLOWED),
        undecided=named(RequirementOutcome.UNDECIDED),
    )


def breached(report: Report) -> list[BreachedRequirement]:
    """Give what was broken or not followed: a MUST first, then what most checks met, then as the specification is.

    The check that explains a requirement is one that is about it, and of those the one with the fewest messages.
    """
    found = []
    for requirement in report["requirements"]:
        identifier = requirement["id"]
        checks = [row for row in report["results"] if identifier in row["violated"]]
        checks.sort(key=lambda row: (identifier not in row["requirements"], len(row.get("messages", ()))))
        breaches = [one for row in checks for one in row.get("findings", ()) if identifier in one["requirements"]]
        if breaches:
            found.append(BreachedRequirement(requirement, tuple(checks), breaches[0]))
    return sorted(found, key=lambda one: (one.requirement["level"] != Level.MUST, -len(one.checks)))
