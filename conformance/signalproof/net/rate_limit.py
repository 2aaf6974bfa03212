"""Politeness: at most so many requests and connects per second, whoever makes them."""

from __future__ import annotations

from time import perf_counter

from signalproof.pause import pause

__all__ = ["Pace"]


class Pace:
    """Gives turns `1 / rate` seconds apart, first come, first served; without a rate every turn comes at once."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        if not self._gap:
            return
        now = perf_counter()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await pause(at - now)
