"""The state in SQLite: in memory, or in a file.

Statements are synchronous calls inside async methods. Each takes microseconds, and none gives the event
loop away, so a transaction never interleaves with another one of this process; the lock keeps that true
should a caller await something else inside of one. BEGIN IMMEDIATE does the same towards other processes.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, assert_never

from signalproof_server.states import State
from signalproof_server.store import schema
from signalproof_server.store.base import Transaction
from signalproof_server.values import (
    Bind,
    Change,
    Connection,
    Facts,
    ForgetPairs,
    MarkAnswered,
    Pair,
    PutOffer,
    Unbind,
)

__all__ = ["SqliteStore"]

LOGIN_OF: Final = "SELECT login FROM signalproof_connection WHERE sid = ?"
CONNECTIONS_OF: Final = "SELECT sid, login FROM signalproof_connection WHERE login = ? ORDER BY sid"
PAIRS: Final = """
    SELECT pair.sender, pair.reciever, pair.state, connection.sid, pair.seq
    FROM signalproof_pair AS pair
    LEFT JOIN signalproof_connection AS connection ON connection.sid = pair.offered_on
"""
PAIRS_OF_ONE: Final = f"{PAIRS} WHERE pair.sender = ? OR pair.reciever = ?"
PAIRS_OF_TWO: Final = (
    f"{PAIRS} WHERE (pair.sender = ? AND pair.reciever = ?) OR (pair.sender = ? AND pair.reciever = ?)"
)
BIND: Final = "INSERT INTO signalproof_connection (sid, login) VALUES (?, ?)"
UNBIND: Final = "DELETE FROM signalproof_connection WHERE sid = ?"
PUT_OFFER: Final = """
    INSERT INTO signalproof_pair (sender, reciever, offered_on, state, seq)
    VALUES (?, ?, ?, ?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM signalproof_pair))
    ON CONFLICT (sender, reciever)
    DO UPDATE SET offered_on = excluded.offered_on, state = excluded.state, seq = excluded.seq
"""
MARK_ANSWERED: Final = "UPDATE signalproof_pair SET state = ? WHERE sender = ? AND reciever = ?"
FORGET_PAIRS: Final = "DELETE FROM signalproof_pair WHERE sender = ? OR reciever = ?"


class SqliteStore:
    """A `Store` in one SQLite database, which belongs to one server process at a time."""

    def __init__(self, database: str = ":memory:") -> None:
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Open the database and forget everything: nothing in it is about a connection that is alive now."""
        connection = sqlite3.connect(self._database, isolation_level=None)
        self._connection = connection
        try:
            connection.execute("PRAGMA busy_timeout = 2000")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in (*schema.DROP, *schema.CREATE):
                connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            await self.close()
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that ends with the `async with` block."""
        if self._connection is None:
            raise RuntimeError("the store is not open: call start() first")
        async with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteTransaction(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself; what was raised matters more than that.
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    async def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SqliteTransaction:
    """The statements of one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    async def facts(self, *, sid: str, peer: str | None) -> Facts:
        """Load what concerns the request of this sid that names this login."""
        row = self._execute(LOGIN_OF, (sid,)).fetchone()
        if row is None:
            return Facts()
        login: str = row[0]
        return Facts(
            me=Connection(sid=sid, login=login),
            mine=self._connections(login),
            peer=self._connections(peer) if peer is not None else (),
            pairs=self._pairs(login, peer),
        )

    async def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes, in their order."""
        for change in changes:
            self._apply(change)

    def _connections(self, login: str) -> tuple[Connection, ...]:
        rows = self._execute(CONNECTIONS_OF, (login,))
        return tuple(Connection(sid=sid, login=login) for sid, login in rows)

    def _pairs(self, login: str, peer: str | None) -> tuple[Pair, ...]:
        if peer is None:
            rows = self._execute(PAIRS_OF_ONE, (login, login))
        else:
            rows = self._execute(PAIRS_OF_TWO, (login, peer, peer, login))
        return tuple(
            Pair(sender=sender, reciever=reciever, state=State(state), offered_on=sid, seq=seq)
            for sender, reciever, state, sid, seq in rows
        )

    def _apply(self, change: Change) -> None:
        match change:
            case Bind(sid=sid, login=login):
                self._execute(BIND, (sid, login))
            case Unbind(sid=sid):
                self._execute(UNBIND, (sid,))
            case PutOffer(sender=sender, reciever=reciever, offered_on=sid, state=state):
                self._execute(PUT_OFFER, (sender, reciever, sid, state))
            case MarkAnswered(sender=sender, reciever=reciever, state=state):
                self._execute(MARK_ANSWERED, (state, sender, reciever))
            case ForgetPairs(login=login):
                self._execute(FORGET_PAIRS, (login, login))
            case _:
                assert_never(change)
