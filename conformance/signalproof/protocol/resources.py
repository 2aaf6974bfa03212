"""Finds the specification and the schemas: inside an installed wheel first, then in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from signalproof.errors import KitError

__all__ = ["SUITE", "resource"]

_PACKAGE = Path(__file__).resolve().parents[1]
SUITE = _PACKAGE / "suite"
_ROOTS = (_PACKAGE / "_data", _PACKAGE.parents[1])


@cache
def resource(*parts: str) -> Path:
    """Give the path of a file or folder such as `resource("spec", "offer.md")`.

    Raises `KitError` when neither the wheel nor the checkout holds it.
    """
    for root in _ROOTS:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise KitError(f"{'/'.join(parts)} is missing from this installation of signalproof")
