"""Baselines: the breaches that a target is known for, each with its reason, so that only new ones fail a run."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from signalproof.errors import InvalidTarget, NonConformance
from signalproof.protocol.coverage import checks_by_requirement
from signalproof.protocol.requirements import Level, catalogue
from signalproof.run.runner import Result

__all__ = ["Assessment", "Baseline", "Entry", "Expected", "plain_name"]

TODO = "TODO"
_HEADER = re.compile(r"\s*\[\[\s*known\s*\]\]")
_FIELDS = ("requirement", "check", "outcome", "reason")


class Expected(StrEnum):
    """What an entry expects of its requirement: a MUST is broken, a SHOULD is not followed, or now and then either."""

    FAIL = "fail"
    WARN = "warn"
    FLAKY = "flaky"


@dataclass(frozen=True, slots=True)
class Entry:
    """One expected breach.

    `check` is the name of a check, with or without its parameter, or empty for all checks; `line` and `last_line`
    are where the entry stands, counted from 1.
    """

    requirement: str
    check: str
    outcome: Expected
    reason: str
    line: int
    last_line: int

    @property
    def unexplained(self) -> bool:
        """Whether nobody has given the reason yet."""
        return self.reason.startswith(TODO)

    @property
    def subject(self) -> str:
        """What the entry is about, for people."""
        return f"{self.requirement} in {self.check}" if self.check else self.requirement

    def names(self, check: str) -> bool:
        """Whether the entry is about this check among others, given by its plain name."""
        return self.check in {"", check, check.partition("[")[0]}

    def covers(self, requirement: str, check: str) -> bool:
        """Whether a breach of `requirement` in this check is expected."""
        return requirement == self.requirement and self.names(check)


def plain_name(node_id: str) -> str:
    """Give the name of a check as baselines write it: `test_x` or `test_x[parameter]`."""
    return node_id.rpartition("::")[2]


@dataclass(frozen=True, slots=True)
class Assessment:
    """A run held against a baseline.

    `seen` counts for each entry the checks that broke its requirement; `stale` entries are not true any more;
    `open` ones were not decided by this run.
    """

    baseline: Baseline
    seen: Mapping[Entry, int]
    stale: Sequence[Entry]
    open: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of one file, in its order."""

    path: Path
    entries: tuple[Entry, ...] = ()

    @classmethod
    def load(cls, path: Path, option: str = "--baseline") -> Baseline:
        """Read a file; raises `InvalidTarget`, with the line and the remedy, when it is no baseline."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidTarget(
                f"{option} {path} cannot be read: {error.strerror}; --write-baseline {path} makes one"
            ) from None
        except ValueError:
            raise InvalidTarget(f"{option} {path} is not text in UTF-8") from None
        return cls(path, tuple(_entries(path, text)))

    def entry(self, requirement: str, check: str) -> Entry | None:
        """Give the entry that expects a breach, the most precise of several."""
        found = [entry for entry in self.entries if entry.covers(requirement, check)]
        return max(found, key=lambda entry: len(entry.check), default=None)

    def expects(self, found: NonConformance, check: str) -> bool:
        """Whether a finding is expected: each of the requirements it names has to be."""
        return all(self.entry(requirement, check) for requirement in found.requirements)

    def mark(self, result: Result) -> None:
        """Note in a judged result which of its findings are expected."""
        name = plain_name(result.check.name)
        result.expected = [found for found in result.findings if self.expects(found, name)]

    def assess(self, results: Iterable[Result], *, selected: Collection[str], whole: bool) -> Assessment:
        """Hold the results of a run against the entries.

        `selected` are the plain names of the checks that the profiles ask for; `whole` says that none of the suite
        was out of reach. An entry is stale only when all checks that could have shown its breach ran to their end.
        """
        ran = {plain_name(result.check.name): result for result in results}
        seen: dict[Entry, int] = {}
        stale, undecided = [], []
        for entry in self.entries:
            broken = sum(entry.names(name) and entry.requirement in result.violated for name, result in ran.items())
            if broken:
                seen[entry] = broken
            elif entry.outcome is not Expected.FLAKY and _decided(entry, ran, selected, whole=whole):
                stale.append(entry)
            else:
                undecided.append(entry)
        return Assessment(self, seen, stale, undecided)

    def require_cases(self, names: Collection[str]) -> None:
        """Raise `InvalidTarget` for an entry whose check has no such parameter; `names` are those collected."""
        for entry in self.entries:
            function = entry.check.partition("[")[0]
            cases = [name for name in names if name.partition("[")[0] == function]
            if entry.check != function and cases and entry.check not in cases:
                raise InvalidTarget(
                    f"{self.path}, line {entry.line}: there is no check {entry.check}; "
                    f"{_suggestion(entry.check, cases)}"
                )


def _decided(entry: Entry, ran: Mapping[str, Result], selected: Collection[str], *, whole: bool) -> bool:
    """Whether a run without the breach shows that the entry is not true any more."""
    if entry.check:
        concerned = [name for name in selected if entry.names(name)]
        complete = whole or "[" in entry.check or "[" not in "".join(concerned)
    else:
        # A breach shows in any check, not only in those that are about its requirement.
        complete = whole and all(name in ran for name in selected)
        concerned = [name for name in selected if name in ran and entry.requirement in ran[name].check.requirements]
    return complete and bool(concerned) and all(name in ran and ran[name].ended for name in concerned)


# ── reading ────────────────────────────────────────────────────────────────────────────────────


def _entries(path: Path, text: str) -> Iterator[Entry]:
    try:
        content = tomllib.loads(text)
    except ValueError as error:
        raise InvalidTarget(f"{path} is not TOML: {error}") from None
    if unknown := set(content) - {"known"}:
        raise InvalidTarget(f"{path}: {min(unknown)!r} is unknown; a baseline has entries headed [[known]], no more")
    tables = content.get("known", [])
    headers = _headers(text, len(tables)) if isinstance(tables, list) else []
    if not isinstance(tables, list) or len(headers) != len(tables):
        raise InvalidTarget(f"{path}: head each entry with [[known]] on a line of its own")
    lines = text.split("\n")
    seen: dict[tuple[str, str], int] = {}
    for number, table in enumerate(tables):
        end = headers[number + 1] if number + 1 < len(headers) else len(lines)
        block = lines[headers[number] : end]
        while not block[-1].strip() or block[-1].lstrip().startswith("#"):
            block.pop()
        entry = _Reader(path, headers[number] + 1, block, table).entry()
        first = seen.setdefault((entry.requirement, entry.check), entry.line)
        if first != entry.line:
            raise InvalidTarget(
                f"{path}, line {entry.line}: {entry.subject} stands there already, in line {first}: delete one of them"
            )
        yield entry


def _headers(text: str, expected: int) -> list[int]:
    """Find the lines, counted from 0, that head an entry, and not those inside a text of several lines."""
    lines = text.split("\n")
    found = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if len(found) == expected:
        return found

    def outside_of_texts(number: int) -> bool:
        try:
            tomllib.loads("\n".join(lines[:number]))
        except ValueError:
            return False
        return True

    return [number for number in found if outside_of_texts(number)]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one entry: its table, and the lines from which that came, for messages."""

    path: Path
    line: int
    block: Sequence[str]
    table: Mapping[str, Any]

    def entry(self) -> Entry:
        """Give the entry; raises `InvalidTarget`."""
        for key in self.table:
            if key not in _FIELDS:
                raise self._error(key, f"{key!r} is unknown; {_suggestion(key, _FIELDS)}")
        check = plain_name(self._text("check")) if "check" in self.table else ""
        functions = sorted({plain_name(name) for names in checks_by_requirement().values() for name in names})
        if check and check.partition("[")[0] not in functions:
            raise self._error("check", f"there is no check {check!r}; {_suggestion(check, functions)}")
        requirement = self._text("requirement")
        if requirement not in catalogue():
            problem = f"there is no requirement {requirement!r}"
            raise self._error("requirement", f"{problem}; {_suggestion(requirement, list(catalogue()))}")
        return Entry(
            requirement, check, self._outcome(requirement), self._text("reason"),
            self.line, self.line + len(self.block) - 1,
        )  # fmt: skip

    def _outcome(self, requirement: str) -> Expected:
        text = self._text("outcome")
        if text not in set(Expected):
            raise self._error("outcome", f"{text!r} is no outcome; {_suggestion(text, list(Expected))}")
        level = catalogue()[requirement].level
        fitting = Expected.FAIL if level is Level.MUST else Expected.WARN
        if text not in {fitting, Expected.FLAKY}:
            raise self._error("outcome", f"{requirement} is a {level}: write {fitting.value!r} or 'flaky'")
        return Expected(text)

    def _text(self, key: str) -> str:
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            wanted = "say why this is expected" if key == "reason" else f"give the {key}"
            raise self._error(key, f"the entry has no {key}: {wanted}, as a text")
        return value.strip()

    def _error(self, key: str, problem: str) -> InvalidTarget:
        """Make the error about one key, with the line on which it stands, or else that of the entry."""
        starts = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        offset = next((number for number, line in enumerate(self.block) if starts.match(line)), 0)
        return InvalidTarget(f"{self.path}, line {self.line + offset}: {problem}")


def _suggestion(word: str, known: Sequence[str]) -> str:
    """Say what may have been meant."""
    near = get_close_matches(word, known, n=1, cutoff=0.5) or get_close_matches(word.upper(), known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    if len(known) <= 8:
        return f"choose from {', '.join(known)}"
    return "`signalproof list` prints all of them"
