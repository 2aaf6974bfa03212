"""What readers of a report ask first, counted from its rows: profile by profile, and what is broken."""

from __future__ import annotations

from dataclasses import dataclass

from signalproof.reports.outcomes import CHECKED
from signalproof.reports.shape import Finding, Report, RequirementRow, Row

__all__ = ["OUTCOMES", "Breach", "ProfileRow", "breaches", "profile_rows", "short", "verdict_sentence"]

OUTCOMES = {
    "kept": "kept",
    "broken": "broken",
    "not_followed": "not followed",
    "undecided": "undecided",
    "not_checked": "not checked",
    "not_testable": "not testable",
}
"""The outcomes of a requirement, in words."""
_VERDICTS = {
    "conformant": "The server keeps every MUST that was checked.",
    "nonconformant": "The server breaks at least one requirement.",
    "unusable": "No verdict was possible.",
    "interrupted": "The run was interrupted: there is no verdict.",
}


@dataclass(frozen=True, slots=True)
class ProfileRow:
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
class Breach:
    """One requirement that was broken or not followed, and the checks that found it, the one that explains it first."""

    requirement: RequirementRow
    rows: tuple[Row, ...]
    finding: Finding

    @property
    def known(self) -> bool:
        """Whether the baseline expects it wherever it was found."""
        return all(row.get("known", False) for row in self.rows)


def verdict_sentence(report: Report) -> str:
    """Say what the verdict means, and what may have spoilt it."""
    return " ".join(filter(None, (_VERDICTS.get(report["verdict"], ""), report.get("stalled"))))


def short(row: Row) -> str:
    """Give the name of a check without its module."""
    return row["check"].rpartition("::")[2]


def profile_rows(report: Report) -> list[ProfileRow]:
    """Count the requirements of each profile."""
    names = dict.fromkeys([*report["profiles"], *report["not_claimed"]])
    return [_profile(report, name) for name in names]


def _profile(report: Report, name: str) -> ProfileRow:
    rows = [row for row in report["requirements"] if row["profile"] == name]
    decided = [row for row in rows if row["outcome"] in CHECKED]
    musts = [row["outcome"] for row in decided if row["level"] == "MUST"]
    shoulds = [row["outcome"] for row in decided if row["level"] == "SHOULD"]

    def named(outcome: str) -> tuple[str, ...]:
        return tuple(row["id"] for row in rows if row["outcome"] == outcome)

    return ProfileRow(
        name=name,
        checked=name in report["profiles"],
        must_kept=musts.count("kept"),
        must=len(musts),
        should_kept=shoulds.count("kept"),
        should=len(shoulds),
        broken=named("broken"),
        not_followed=named("not_followed"),
        undecided=named("undecided"),
    )


def breaches(report: Report) -> list[Breach]:
    """Give what was broken or not followed, in the order of the specification.

    The check that explains a requirement is one that is about it, and of those the one with the fewest messages.
    """
    found = []
    for requirement in report["requirements"]:
        identifier = requirement["id"]
        rows = [row for row in report["results"] if identifier in row["violated"]]
        rows.sort(key=lambda row: (identifier not in row["requirements"], len(row.get("messages", ()))))
        findings = [one for row in rows for one in row.get("findings", ()) if identifier in one["requirements"]]
        if findings:
            found.append(Breach(requirement, tuple(rows), findings[0]))
    return found
