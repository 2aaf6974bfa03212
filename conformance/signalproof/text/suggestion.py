"""What somebody may have meant who wrote an unknown word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["bare", "did_you_mean", "nearest"]


def bare(word: str) -> str:
    """Give a word without what people write in different ways: case, hyphens, underscores, blanks."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


def nearest(word: str, choice: Iterable[str], *, most: int = 1, likeness: float = 0.6) -> list[str]:
    """Give the words of a choice that may have been meant, the likeliest first; `likeness` is from 0 to 1."""
    from difflib import get_close_matches

    spelt = {bare(known): known for known in choice}
    return [spelt[found] for found in get_close_matches(bare(word), spelt, n=most, cutoff=likeness)]


def did_you_mean(word: str, choice: Sequence[str]) -> str:
    """Give the end of a sentence that names the nearest word of a choice, or all of them."""
    near = nearest(word, choice)
    return f": did you mean {near[0]!r}?" if near else f"; it can be {', '.join(choice)}"
