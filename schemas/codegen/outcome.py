"""How far a recipe came, and what stops it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Broken", "Missing", "Outcome", "Proof"]


class Proof(StrEnum):
    """What is proven of generated code, in the words of the README, which explains them."""

    CALLS = "makes a call"
    ASKS = "asks a server"
    SURVIVES = "examples survive"
    COMPILES = "compiles"
    GENERATED = "generated, not compiled"


class Missing(Exception):
    """A program that a proof needs, and that is not on this machine."""


class Broken(Exception):
    """A recipe or a proof failed; the text says how."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipe."""

    recipe: str
    generators: str
    result: str
    """What was proven, in the README's words, or why it was not."""
    compilers: str = ""
    failed: bool = False
    short: bool = False
    """Whether less was proven than the README says, since this machine lacks something."""
    details: str = ""
    seconds: float = 0
