"""Where the values of a TOML text stand, which readers of TOML do not say: for messages about one of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Keys", "Statement", "line_of", "statements"]

Keys = tuple[str | int, ...]
"""The way to a value: names of keys, and places in lists."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, or a line that sets values, with its lines counted from 1.

    `table` is the table that it heads or stands in, `values` what it sets there: nothing for a header.
    """

    table: Keys
    values: Mapping[str, Any]
    first_line: int
    last_line: int

    def is_about(self, keys: Keys) -> bool:
        """Whether it sets the value, or begins a table in it."""
        if self.table[: len(keys)] == keys:
            return True
        inner: Any = self.values
        for key in keys[len(self.table) :]:
            try:
                inner = inner[key]
            except (KeyError, IndexError, TypeError):
                return False
        return keys[: len(self.table)] == self.table


def statements(text: str) -> Iterator[Statement]:
    """Give the statements of a valid TOML text in their order.

    Each is valid TOML by itself, and no beginning of it is that ends with one of its lines.
    """
    table: Keys = ()
    lengths: dict[Keys, int] = {}
    gathered: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        gathered.append(line)
        try:
            values = tomllib.loads("\n".join([*gathered, ""]))
        except tomllib.TOMLDecodeError:
            continue
        first = number - len(gathered) + 1
        if gathered[0].lstrip().startswith("["):
            table = _headed(values, lengths)
            yield Statement(table, {}, first, number)
        elif values:
            yield Statement(table, values, first, number)
        gathered.clear()


def _headed(values: Mapping[str, Any], lengths: dict[Keys, int]) -> Keys:
    """Give the table that a header begins; `lengths` counts the tables of each list so far."""
    keys: Keys = ()
    inner: Any = values
    while inner:
        ((name, inner),) = inner.items()
        keys = (*keys, name)
        if isinstance(inner, list):
            lengths[keys] = lengths.get(keys, 0) + 1
            inner = None
        if keys in lengths:
            keys = (*keys, lengths[keys] - 1)
    return keys


def line_of(found: Sequence[Statement], keys: Keys) -> int:
    """Give the line on which a value begins, or what should hold it where there is none; 1 for the whole text."""
    while keys:
        for statement in found:
            if statement.is_about(keys):
                return statement.first_line
        keys = keys[:-1]
    return 1
