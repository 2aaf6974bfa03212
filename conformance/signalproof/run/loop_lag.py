"""How long this machine kept the kit itself from running: what that makes late is not the target's fault."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from signalproof.pause import pause

__all__ = ["LoopLag"]

TICK_SECONDS = 0.05
"""Seconds between two looks at the clock."""
LONGEST_SECONDS = 1.0
"""Seconds at a stretch that are worth a word, being a part of the limits that checks wait for."""
TOTAL_SECONDS = 2.0
"""Seconds altogether that are worth a word, if they are this part of the run:"""
SHARE_OF_RUN = 0.25


class LoopLag:
    """Delays of the event loop: `total` and `longest` in seconds, of the `elapsed` seconds of the run."""

    def __init__(self) -> None:
        self.total = 0.0
        self.longest = 0.0
        self.elapsed = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure how late each tick is; use it inside the loop."""
        began = perf_counter()
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            self.elapsed += perf_counter() - began

    async def _tick(self) -> None:
        while True:
            due = perf_counter() + TICK_SECONDS
            await pause(TICK_SECONDS)
            self.add(perf_counter() - due)

    def add(self, late: float) -> None:
        """Count one delay, in seconds."""
        self.total += max(late, 0.0)
        self.longest = max(self.longest, late)

    def sentence(self) -> str | None:
        """Say it where it may have cost a verdict."""
        if self.longest < LONGEST_SECONDS and (self.total < TOTAL_SECONDS or self.total < SHARE_OF_RUN * self.elapsed):
            return None
        return (
            f"This machine was too busy: it kept the kit waiting for {self.total:.1f} of {self.elapsed:.1f} s, "
            f"once for {self.longest:.1f} s. What failed for being late may be its fault: run again when it is "
            "quieter, or with --concurrency 4."
        )
