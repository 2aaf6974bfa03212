"""Text of unknown origin: read without a surprise, and shown without harm."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["MOST_LEVELS", "TooDeep", "one_line", "printable", "read_json", "shortened"]

MOST_LEVELS = 100
"""Levels of nesting that are read; far more break functions that go down into a value."""


class TooDeep(ValueError):
    """A JSON text nests deeper than is read."""

    def __init__(self) -> None:
        super().__init__(f"nested deeper than {MOST_LEVELS} levels")


def read_json(text: str) -> Any:  # noqa: ANN401 - a JSON value
    """Read a JSON text; raises `ValueError` for anything else, `TooDeep` for what nests deeper than `MOST_LEVELS`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise TooDeep from None
    if text.count("[") + text.count("{") > MOST_LEVELS and _depth(value) > MOST_LEVELS:
        raise TooDeep
    return value


def _depth(value: object) -> int:
    """Count the levels of arrays and objects, level by level."""
    depth, level = 0, [value]
    while level := [part for one in level if isinstance(one, dict | list) for part in _parts(one)]:
        depth += 1
    return depth


def _parts(value: dict[str, object] | list[object]) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else value


def printable(text: str) -> str:
    """Put a dot in place of what a terminal may take for a command or for nothing at all; line ends stay."""
    return "".join(character if character.isprintable() or character == "\n" else "·" for character in text)


def one_line(text: str) -> str:
    """Do the same with line ends."""
    return printable(text).replace("\n", "·")


def shortened(text: str, limit: int) -> str:
    """Give at most so many characters of a text in which nothing is secret any more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
