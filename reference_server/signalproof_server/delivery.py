"""How effects reach connections: one ordered path, in this process.

ORDER-1 asks that the events of two requests, the second sent after the reply to the first, reach a common
target in that order. So there is one queue and one worker that empties it, and the reply to a request waits
until its own effects have been handed over. Publishing does not suspend: effects queue up in the order of
their commits.

Another way of delivery (Redis, a task queue) is another `Outbox`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from signalproof_server.log import Logger, where
from signalproof_server.values import Emit

__all__ = ["Emitter", "LocalOutbox", "Outbox"]

Emitter = Callable[[Emit], Awaitable[None]]


class Outbox(Protocol):
    """An ordered way out for effects."""

    async def start(self) -> None:
        """Begin to deliver."""

    def publish(self, effects: Sequence[Emit]) -> Awaitable[None]:
        """Queue the effects without suspending; await the result to know that they have been handed over.

        Code that an emitter may call must not await it: the emitter would wait for itself.
        """

    async def close(self) -> None:
        """Deliver what is queued, then stop; harmless when repeated."""


class LocalOutbox:
    """An `Outbox` for one process."""

    def __init__(self, emit: Emitter, log: Logger) -> None:
        self._emit = emit
        self._log = log
        self._queue: asyncio.Queue[tuple[Sequence[Emit], asyncio.Future[None]] | None] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to deliver."""
        self._worker = asyncio.create_task(self._run())

    def publish(self, effects: Sequence[Emit]) -> Awaitable[None]:
        """Queue the effects without suspending; await the result to know that they have been handed over."""
        handed_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if effects and self._worker is not None:
            self._queue.put_nowait((effects, handed_over))
        else:
            handed_over.set_result(None)
        return handed_over

    async def close(self) -> None:
        """Deliver what is queued, then stop."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._queue.put_nowait(None)
            await worker

    async def _run(self) -> None:
        while (item := await self._queue.get()) is not None:
            effects, handed_over = item
            for effect in effects:
                await self._deliver(effect)
            # A request that was cancelled no longer waits.
            with suppress(asyncio.InvalidStateError):
                handed_over.set_result(None)

    async def _deliver(self, effect: Emit) -> None:
        try:
            await self._emit(effect)
        except Exception as error:  # noqa: BLE001 - one connection's trouble must not stop the others' events
            self._log.error("emit failed", name=effect.event, error=type(error).__name__, where=where(error))
