"""One line of the doctor: what was looked at, what was seen, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Mark", "Observation"]


class Mark(StrEnum):
    """How a step went: `BLOCKED` keeps a run from beginning, `NOTE` does not."""

    OK = "ok"
    NOTE = "note"
    BLOCKED = "stop"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a step saw; `advice` says what to do, and is empty where there is nothing to do."""

    step: str
    mark: Mark
    seen: str
    advice: str = ""


def good(step: str, seen: str) -> Observation:
    """Give an observation that needs nothing to be done."""
    return Observation(step, Mark.OK, seen)


def note(step: str, seen: str, advice: str) -> Observation:
    """Give an observation that does not keep a run from beginning."""
    return Observation(step, Mark.NOTE, seen, advice)


def blocked(step: str, seen: str, advice: str) -> Observation:
    """Give an observation that does."""
    return Observation(step, Mark.BLOCKED, seen, advice)
