"""Keeps Hypothesis from drawing constants of the modules that happen to be loaded.

So a seed plays the same scenes wherever the kit is installed, and no source has to be read for them. There is no
public way; where the private one is gone, scenes are played all the same, and `without_local_constants` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import hypothesis

__all__ = ["without_local_constants"]


@contextmanager
def without_local_constants() -> Iterator[str | None]:
    """Leave them out while the block runs; give a note where this Hypothesis does not let itself be told."""
    try:
        from hypothesis.internal.conjecture import providers
        from hypothesis.internal.constants_ast import Constants

        before, none = providers._get_local_constants, Constants()
    except (ImportError, AttributeError, TypeError) as error:
        yield f"Hypothesis {hypothesis.__version__} may play other scenes for this seed elsewhere: {error}"
        return
    providers._get_local_constants = lambda *_, **__: none
    try:
        yield None
    finally:
        providers._get_local_constants = before
