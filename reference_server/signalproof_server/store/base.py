"""What the server asks of a place that keeps its state.

An implementation promises:

- a transaction sees the state as it was after the ones before it, and none of its changes if it raises;
- two transactions that touch the same pair behave as if one came after the other (ANSWER-6);
- after `start()` there is no connection and nothing else, whatever was stored: no connection outlives its
  server.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from signalproof_server.values import Change, Facts

__all__ = ["Store", "Transaction"]


class Transaction(Protocol):
    """One transaction, good inside its `async with`; commits at the end of it, rolls back on an exception."""

    async def facts(self, *, sid: str, peer: str | None) -> Facts:
        """Load what concerns the request of this sid that names this login."""

    async def online(self) -> tuple[str, ...]:
        """Load the logins that have a connection, each once, in the order of their code points."""

    async def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes, in their order."""


class Store(Protocol):
    """The state of the server."""

    async def start(self) -> None:
        """Open it and forget what was in it."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction."""

    async def close(self) -> None:
        """Give back what `start` took; harmless when repeated."""
