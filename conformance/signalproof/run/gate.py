"""How many checks are under way at once: fewer when the target, or this machine, does not keep up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Gate"]


class Gate:
    """Lets so many in at once; `narrow` halves that, down to one."""

    def __init__(self, limit: int) -> None:
        self.widest = limit
        self.limit = limit
        self._inside = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._inside < self.limit)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def narrow(self) -> None:
        """Let only half as many in from now on, if as many as the limit are inside still."""
        if self._inside <= self.limit:
            self.limit = max(self.limit // 2, 1)
