"""Markers: what the kit writes into its own texts, so that it knows them again wherever they come out."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["find_marker", "is_marker", "make_marker"]

_MARKER = re.compile(r"sp-[0-9a-z]{4}-\d{5,}")


def make_marker(run: str, number: int) -> str:
    """Make the marker of a number in a run, which is named by four small letters or digits."""
    return f"sp-{run}-{number:05d}"


def is_marker(text: str) -> bool:
    """Whether a text is a marker and no more."""
    return _MARKER.fullmatch(text) is not None


def find_marker(value: object) -> str | None:
    """Find the first marker anywhere in a received value, whatever its shape."""
    if isinstance(value, str):
        found = _MARKER.search(value)
        return found[0] if found else None
    if isinstance(value, Mapping):
        return next((m for m in map(find_marker, value.values()) if m), None)
    if isinstance(value, list | tuple):
        return next((m for m in map(find_marker, value) if m), None)
    return None
