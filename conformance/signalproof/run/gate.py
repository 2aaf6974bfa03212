"""How many checks are under way at once: fewer when the target, or this machine, does not keep up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ["Gate"]


class Gate:
    """Lets so many in at once; `narrow` halves that, down to one."""

    def __init__(self, limit: int) -> None:
        self.widest = limit
        self.limit = limit
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Wait for a place, first come, first served, and keep it."""
        if self._inside < self.limit and not self._waiting:
            self._inside += 1
        else:
            await self._a_place()
        try:
            yield
        finally:
            self._leave()

    async def _a_place(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):
                    self._waiting.remove(turn)
            else:  # it was given a place at the same moment
                self._leave()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        while self._waiting and self._inside < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)

    def narrow(self) -> None:
        """Let only half as many in from now on, if as many as the limit are inside still."""
        if self._inside <= self.limit:
            self.limit = max(self.limit // 2, 1)
