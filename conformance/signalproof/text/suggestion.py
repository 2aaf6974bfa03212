"""What somebody may have meant who wrote an unknown word."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Give the end of a sentence that names the nearest known word, or all of them."""
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f": did you mean {near[0]!r}?" if near else f"; it can be {', '.join(known)}"
