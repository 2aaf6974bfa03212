"""Baselines: the breaches that a target is known for, each with its reason, so that only new ones fail a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from signalproof.errors import InvalidTarget, NonConformance
from signalproof.protocol.coverage import checks_by_requirement
from signalproof.protocol.requirements import Level
from signalproof.run.result import Result
from signalproof.text.node_id import case_of, function_in_module, function_of
from signalproof.text.suggestion import nearest

__all__ = ["REASON_MISSING", "Assessment", "Baseline", "BaselineEntry", "Baselines", "ListedAs", "suggestion"]

REASON_MISSING = "TODO"
"""How a reason begins that nobody has given yet."""


class ListedAs(StrEnum):
    """As what an entry lists its requirement: a MUST is broken, a SHOULD is not followed, or now and then either."""

    FAIL = "fail"
    WARN = "warn"
    FLAKY = "flaky"

    @classmethod
    def of(cls, level: Level) -> Self:
        """Give what an entry for a requirement of this level says, unless it is flaky."""
        return cls.FAIL if level is Level.MUST else cls.WARN


@dataclass(frozen=True, slots=True)
class BaselineEntry:
    """One breach that is listed.

    `check` is the name of a check, with or without its parameter, or empty for all checks; `line` and `last_line`
    are where the entry stands, counted from 1.
    """

    requirement: str
    check: str
    listed_as: ListedAs
    reason: str
    line: int
    last_line: int

    @property
    def unexplained(self) -> bool:
        """Whether nobody has given the reason yet."""
        return self.reason.startswith(REASON_MISSING)

    @property
    def subject(self) -> str:
        """What the entry is about, for people."""
        return f"{self.requirement} in {self.check}" if self.check else self.requirement

    def names(self, check: str) -> bool:
        """Whether the entry is about this check among others, given with its parameter."""
        return self.check in {"", check, function_of(check)}

    def covers(self, requirement: str, check: str) -> bool:
        """Whether it lists a breach of `requirement` in this check."""
        return requirement == self.requirement and self.names(check)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A run held against a baseline.

    `seen` counts for each entry the checks that broke its requirement; `stale` entries are not true any more;
    `open` ones were not decided by this run.
    """

    baseline: Baseline
    seen: Mapping[BaselineEntry, int]
    stale: Sequence[BaselineEntry]
    open: Sequence[BaselineEntry]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of one file, in its order."""

    path: Path
    entries: tuple[BaselineEntry, ...] = ()

    def entry(self, requirement: str, check: str) -> BaselineEntry | None:
        """Give the entry that lists a breach, the most precise of several."""
        found = [entry for entry in self.entries if entry.covers(requirement, check)]
        return max(found, key=lambda entry: len(entry.check), default=None)

    def lists(self, found: NonConformance, check: str) -> bool:
        """Whether a breach in a check, given by its node id, is listed: each requirement that it names has to be."""
        return all(self.entry(requirement, case_of(check)) for requirement in found.requirements)

    def mark(self, result: Result) -> None:
        """Note in a judged result which of its breaches are listed."""
        result.listed = [found for found in result.all_breaches if self.lists(found, result.check.name)]

    def reason(self, result: Result) -> str:
        """Say why the breaches in a check are listed."""
        name = case_of(result.check.name)
        entries = [self.entry(identifier, name) for identifier in sorted(result.violated)]
        return "; ".join(dict.fromkeys(f"{entry.requirement}: {entry.reason}" for entry in entries if entry))

    def assess(self, results: Iterable[Result], *, selected: Collection[str], whole: bool) -> Assessment:
        """Hold the results of a run against the entries.

        `selected` are the checks that the profiles ask for, with their parameters; `whole` says that none of the
        suite was out of reach. An entry is stale only when all checks that could have shown its breach ran to
        their end.
        """
        ran = {case_of(result.check.name): result for result in results}
        seen: dict[BaselineEntry, int] = {}
        stale, undecided = [], []
        for entry in self.entries:
            broken = sum(entry.names(name) and entry.requirement in result.violated for name, result in ran.items())
            if broken:
                seen[entry] = broken
            elif entry.listed_as is not ListedAs.FLAKY and _decided(entry, ran, selected, whole=whole):
                stale.append(entry)
            else:
                undecided.append(entry)
        return Assessment(self, seen, stale, undecided)

    def require_cases(self, names: Collection[str]) -> None:
        """Raise `InvalidTarget` for an entry whose check has no such parameter; `names` are those collected."""
        for entry in self.entries:
            function = function_of(entry.check)
            cases = [name for name in names if function_of(name) == function]
            if entry.check != function and cases and entry.check not in cases:
                raise InvalidTarget(
                    f"{self.path}, line {entry.line}: there is no check {entry.check}; {suggestion(entry.check, cases)}"
                )


def _decided(entry: BaselineEntry, ran: Mapping[str, Result], selected: Collection[str], *, whole: bool) -> bool:
    """Whether a run without the breach shows that the entry is not true any more."""
    if entry.check:
        concerned = [name for name in selected if entry.names(name)]
        complete = whole or "[" in entry.check or "[" not in "".join(concerned)
    else:
        # A breach shows in any check, not only in those that are about its requirement.
        complete = whole and all(name in ran for name in selected)
        concerned = [name for name in selected if name in ran and entry.requirement in ran[name].check.requirements]
    return complete and bool(concerned) and all(name in ran and ran[name].ended for name in concerned)


@dataclass(slots=True)
class Baselines:
    """The baselines of one session: what `--baseline` and `--write-baseline` ask for; without them it does nothing.

    The verdict is held against `baseline`; `written` is the file to write, `previous` what it builds upon.
    """

    baseline: Baseline | None = None
    written: Path | None = None
    previous: Baseline | None = None
    _selected: frozenset[str] = field(default_factory=frozenset)
    _whole: bool = False

    def collected(self, checks: Collection[str], selected: Collection[str]) -> None:
        """Take the node ids of all checks that were found, and of those that the profiles ask for.

        Raises `InvalidTarget` for an entry about a check with a parameter that it does not have.
        """
        if self.baseline is None and self.previous is None:
            return
        suite = {name for names in checks_by_requirement().values() for name in names}
        self._whole = suite <= set(map(function_in_module, checks))
        self._selected = frozenset(map(case_of, selected))
        for baseline in (self.baseline, self.previous):
            if baseline is not None and self._whole:
                baseline.require_cases([case_of(node_id) for node_id in checks])

    def lists(self, found: NonConformance, check: str) -> bool:
        """Whether the baseline lists a breach in a check, given by its node id."""
        return self.baseline is not None and self.baseline.lists(found, check)

    def mark(self, results: Iterable[Result]) -> None:
        """Note in judged results which breaches are listed."""
        if self.baseline is not None:
            for result in results:
                self.baseline.mark(result)

    def reason(self, result: Result) -> str:
        """Say why the breaches in a check are listed."""
        return self.baseline.reason(result) if self.baseline is not None else ""

    def assess(self, results: Sequence[Result]) -> Assessment | None:
        """Hold a run against the baseline."""
        return self._assess(self.baseline, results)

    def assess_previous(self, results: Sequence[Result]) -> Assessment | None:
        """Hold a run against what the written baseline builds upon."""
        return self._assess(self.previous, results)

    def _assess(self, baseline: Baseline | None, results: Sequence[Result]) -> Assessment | None:
        return baseline.assess(results, selected=self._selected, whole=self._whole) if baseline else None


def suggestion(word: str, choice: Sequence[str]) -> str:
    """Say what may have been meant by a word of a baseline; they are short, so that half of one has to do."""
    if near := nearest(word, choice, likeness=0.5):
        return f"did you mean {near[0]}?"
    if len(choice) <= 8:
        return f"choose from {', '.join(choice)}"
    return "`signalproof list` prints all of them"
