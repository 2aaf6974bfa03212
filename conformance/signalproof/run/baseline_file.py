"""Reads a baseline from its file, and tells mistakes in it with their line and a remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalproof.errors import InvalidTarget
from signalproof.protocol.coverage import checks_by_requirement
from signalproof.protocol.requirements import catalogue
from signalproof.run.baseline import Baseline, BaselineEntry, Baselines, ListedAs, suggestion
from signalproof.text.node_id import case_of, function_of
from signalproof.text.toml_lines import Keys, Statement, line_of, statements

__all__ = ["TABLE", "read", "read_options"]

TABLE = "known"
"""The name of the table that heads each entry."""
_FIELDS = ("requirement", "check", "outcome", "reason")


def read(path: Path, option: str = "--baseline") -> Baseline:
    """Read a file; raises `InvalidTarget`, with the line and the remedy, when it is no baseline."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidTarget(
            f"{option} {path} cannot be read: {error.strerror}; --write-baseline {path} makes one"
        ) from None
    except ValueError:
        raise InvalidTarget(f"{option} {path} is not text in UTF-8") from None
    return Baseline(path, tuple(_entries(path, text)))


def read_options(path: str | None, written: str | None) -> Baselines:
    """Read what `--baseline` and `--write-baseline` name; raises `InvalidTarget`."""
    baseline = read(Path(path)) if path else None
    if not written:
        return Baselines(baseline)
    place = Path(written)
    _require_writable(place)
    return Baselines(baseline, place, read(place, "--write-baseline") if place.exists() else baseline)


def _require_writable(path: Path) -> None:
    """Raise `InvalidTarget` when no baseline can be written to `path`, before a run and not after it."""
    problem = "is a folder" if path.is_dir() else None if path.absolute().parent.is_dir() else "is in no folder"
    if problem:
        raise InvalidTarget(f"--write-baseline {path} {problem}: name a file, such as known.toml")


def _entries(path: Path, text: str) -> Iterator[BaselineEntry]:
    seen: dict[tuple[str, str], int] = {}
    for reader in _readers(path, text):
        entry = reader.entry()
        first = seen.setdefault((entry.requirement, entry.check), entry.line)
        if first != entry.line:
            raise InvalidTarget(
                f"{path}, line {entry.line}: {entry.subject} stands there already, in line {first}: delete one of them"
            )
        yield entry


def _readers(path: Path, text: str) -> Iterator[_EntryReader]:
    try:
        content = tomllib.loads(text)
    except ValueError as error:
        raise InvalidTarget(f"{path} is not TOML: {error}") from None
    if unknown := set(content) - {TABLE}:
        raise InvalidTarget(f"{path}: {min(unknown)!r} is unknown; a baseline has entries headed [[known]], no more")
    tables = content.get(TABLE, [])
    lines = list(statements(text))
    if not isinstance(tables, list) or (tables and any(not one.table for one in lines)):
        raise InvalidTarget(f"{path}: head each entry with [[known]] on a line of its own")
    for number, table in enumerate(tables):
        yield _EntryReader(path, (TABLE, number), table, [one for one in lines if one.table[:2] == (TABLE, number)])


@dataclass(frozen=True, slots=True)
class _EntryReader:
    """Reads one entry: its table, and the lines on which that stands."""

    path: Path
    keys: Keys
    table: Mapping[str, Any]
    lines: Sequence[Statement]

    def entry(self) -> BaselineEntry:
        """Give the entry; raises `InvalidTarget`."""
        for key in self.table:
            if key not in _FIELDS:
                raise self._error(key, f"{key!r} is unknown; {suggestion(key, _FIELDS)}")
        check = case_of(self._text("check")) if "check" in self.table else ""
        functions = sorted({case_of(name) for names in checks_by_requirement().values() for name in names})
        if check and function_of(check) not in functions:
            raise self._error("check", f"there is no check {check!r}; {suggestion(check, functions)}")
        requirement = self._text("requirement")
        if requirement not in catalogue():
            problem = f"there is no requirement {requirement!r}"
            raise self._error("requirement", f"{problem}; {suggestion(requirement, list(catalogue()))}")
        return BaselineEntry(
            requirement=requirement,
            check=check,
            listed_as=self._listed_as(requirement),
            reason=self._text("reason"),
            line=self.lines[0].first_line,
            last_line=self.lines[-1].last_line,
        )

    def _listed_as(self, requirement: str) -> ListedAs:
        text = self._text("outcome")
        if text not in set(ListedAs):
            raise self._error("outcome", f"{text!r} is no outcome; {suggestion(text, list(ListedAs))}")
        level = catalogue()[requirement].level
        fitting = ListedAs.of(level)
        if text not in {fitting, ListedAs.FLAKY}:
            raise self._error("outcome", f"{requirement} is a {level}: write {fitting.value!r} or 'flaky'")
        return ListedAs(text)

    def _text(self, key: str) -> str:
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            wanted = "say why this is expected" if key == "reason" else f"give the {key}"
            raise self._error(key, f"the entry has no {key}: {wanted}, as a text")
        return value.strip()

    def _error(self, key: str, problem: str) -> InvalidTarget:
        """Make the error about one key, with the line on which it stands, or else that of the entry."""
        return InvalidTarget(f"{self.path}, line {line_of(self.lines, (*self.keys, key))}: {problem}")
