"""The state in SQLite: in memory, or in a file.

Statements are synchronous calls inside async methods. Each takes microseconds, and none gives the event
loop away, so a transaction never interleaves with another one of this process; the lock keeps that true
should a caller await something else inside of one. Other processes are kept out for as long as the server
lives: none can wipe its state, or hold it up by a lock of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import assert_never

from signalproof_server.states import RingState, State
from signalproof_server.store import schema
from signalproof_server.store.base import Transaction
from signalproof_server.values import (
    Bind,
    Change,
    Connection,
    Facts,
    ForgetCalls,
    ForgetHeld,
    ForgetPairs,
    Held,
    Hold,
    MarkAnswered,
    Pair,
    PutCall,
    PutOffer,
    PutStatus,
    ReleaseHeld,
    Ring,
    Unbind,
)

__all__ = ["SqliteStore"]

CONNECTION = "SELECT sid, login, posted FROM signalproof_connection"
CONNECTION_OF_SID = f"{CONNECTION} WHERE sid = ?"
CONNECTIONS_OF = f"{CONNECTION} WHERE login = ? ORDER BY sid"
CONNECTIONS_OFFERED_TO = """
    SELECT sid, login, posted FROM signalproof_connection
    WHERE login IN (SELECT reciever FROM signalproof_pair WHERE sender = ?) ORDER BY sid
"""
ONLINE = "SELECT DISTINCT login FROM signalproof_connection"
BIND = "INSERT INTO signalproof_connection (sid, login) VALUES (?, ?)"
UNBIND = "DELETE FROM signalproof_connection WHERE sid = ?"

PAIRS = """
    SELECT pair.sender, pair.reciever, pair.state, offering.sid, pair.seq, pair.offer_id, pair.superseded_id,
        answering.sid, pair.answered_seq
    FROM signalproof_pair AS pair
    LEFT JOIN signalproof_connection AS offering ON offering.sid = pair.offered_on
    LEFT JOIN signalproof_connection AS answering ON answering.sid = pair.answered_on
"""
PAIRS_OF_ONE = f"{PAIRS} WHERE pair.sender = ? OR pair.reciever = ?"
PAIRS_OF_TWO = f"{PAIRS} WHERE (pair.sender = ? AND pair.reciever = ?) OR (pair.sender = ? AND pair.reciever = ?)"
NEXT_PLACE = """
    SELECT COALESCE(MAX(place), 0) + 1 FROM (
        SELECT MAX(seq) AS place FROM signalproof_pair
        UNION ALL SELECT MAX(answered_seq) FROM signalproof_pair
    ) AS places
"""
PUT_OFFER = """
    INSERT INTO signalproof_pair (sender, reciever, offered_on, offer_id, state, seq)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (sender, reciever)
    DO UPDATE SET offered_on = excluded.offered_on, state = excluded.state, seq = excluded.seq,
        superseded_id = signalproof_pair.offer_id, offer_id = excluded.offer_id,
        answered_on = NULL, answered_seq = NULL
"""
MARK_ANSWERED = """
    UPDATE signalproof_pair SET answered_on = ?, state = ?, answered_seq = ? WHERE sender = ? AND reciever = ?
"""
POSTED = "UPDATE signalproof_connection SET posted = ? WHERE sid = ?"
FORGET_PAIRS = "DELETE FROM signalproof_pair WHERE sender = ? OR reciever = ?"

HELD = "SELECT ice, peer, until FROM signalproof_candidate WHERE sid = ? ORDER BY place"
HOLD = """
    INSERT INTO signalproof_candidate (place, sid, peer, awaited, ice, until)
    VALUES ((SELECT COALESCE(MAX(place), 0) + 1 FROM signalproof_candidate), ?, ?, ?, ?, ?)
"""
FORGET_EXPIRED = "DELETE FROM signalproof_candidate WHERE until <= ?"
FORGET_HELD_OF = "DELETE FROM signalproof_candidate WHERE sid = ?"
RELEASE_HELD = f"{FORGET_HELD_OF} AND (peer IS NULL OR peer = ?)"
FORGET_AWAITING = "DELETE FROM signalproof_candidate WHERE awaited = ?"
FORGET_AWAITING_OF = """
    DELETE FROM signalproof_candidate
    WHERE awaited = ? AND sid IN (SELECT sid FROM signalproof_connection WHERE login = ?)
"""

RINGS = """
    SELECT caller, callee, state, expires FROM signalproof_call
    WHERE (caller = ? AND callee = ?) OR (caller = ? AND callee = ?)
"""
PUT_CALL = """
    INSERT INTO signalproof_call (caller, callee, state, expires) VALUES (?, ?, ?, ?)
    ON CONFLICT (caller, callee) DO UPDATE SET state = excluded.state, expires = excluded.expires
"""
FORGET_CALL = "DELETE FROM signalproof_call WHERE caller = ? AND callee = ?"
FORGET_CALLS = "DELETE FROM signalproof_call WHERE caller = ? OR callee = ?"
IS_BUSY = "SELECT 1 FROM signalproof_busy WHERE login = ?"
PUT_BUSY = "INSERT INTO signalproof_busy (login) VALUES (?) ON CONFLICT (login) DO NOTHING"
FORGET_BUSY = "DELETE FROM signalproof_busy WHERE login = ?"


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
            connection.execute("PRAGMA busy_timeout = 2000")  # an older server may be about to end
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
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
        me = next(iter(self._connections(CONNECTION_OF_SID, sid)), None)
        if me is None:
            return Facts()
        facts = Facts(
            me=me,
            mine=self._connections(CONNECTIONS_OF, me.login),
            held=tuple(Held(ice=ice, peer=to, until=until) for ice, to, until in self._execute(HELD, (sid,))),
        )
        if peer is None:
            return replace(
                facts,
                peer=self._connections(CONNECTIONS_OFFERED_TO, me.login),
                pairs=self._pairs(PAIRS_OF_ONE, me.login, me.login),
            )
        both_ways = (me.login, peer, peer, me.login)
        return replace(
            facts,
            peer=self._connections(CONNECTIONS_OF, peer),
            pairs=self._pairs(PAIRS_OF_TWO, *both_ways),
            rings=tuple(
                Ring(caller=caller, callee=callee, state=RingState(state), expires=expires)
                for caller, callee, state, expires in self._execute(RINGS, both_ways)
            ),
            peer_busy=self._execute(IS_BUSY, (peer,)).fetchone() is not None,
        )

    async def online(self) -> tuple[str, ...]:
        """Load the logins that have a connection, each once, in the order of their code points."""
        return tuple(sorted(login for (login,) in self._execute(ONLINE)))

    async def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes, in their order."""
        for change in changes:
            self._apply(change)

    def _connections(self, query: str, value: str) -> tuple[Connection, ...]:
        rows = self._execute(query, (value,))
        return tuple(Connection(sid=sid, login=login, posted=posted) for sid, login, posted in rows)

    def _pairs(self, query: str, *logins: str) -> tuple[Pair, ...]:
        return tuple(
            Pair(
                sender=sender,
                reciever=reciever,
                state=State(state),
                offered_on=offered_on,
                seq=seq,
                offer_id=offer_id,
                superseded_id=superseded_id,
                answered_on=answered_on,
                answered_seq=answered_seq,
            )
            for (
                sender,
                reciever,
                state,
                offered_on,
                seq,
                offer_id,
                superseded_id,
                answered_on,
                answered_seq,
            ) in self._execute(query, logins)
        )

    def _apply(self, change: Change) -> None:
        match change:
            case Bind(sid=sid, login=login):
                self._execute(BIND, (sid, login))
            case Unbind(sid=sid):
                self._execute(FORGET_HELD_OF, (sid,))
                self._execute(UNBIND, (sid,))
            case PutOffer(sender=sender, reciever=reciever, offered_on=sid, offer_id=offer_id, state=state):
                place = self._next_place(sid)
                self._execute(PUT_OFFER, (sender, reciever, sid, offer_id, state, place))
            case MarkAnswered(sender=sender, reciever=reciever, answered_on=sid, state=state):
                place = self._next_place(sid)
                self._execute(MARK_ANSWERED, (sid, state, place, sender, reciever))
            case ForgetPairs(login=login):
                self._execute(FORGET_PAIRS, (login, login))
            case Hold() | ReleaseHeld() | ForgetHeld():
                self._apply_to_candidates(change)
            case PutCall() | ForgetCalls() | PutStatus():
                self._apply_to_calls(change)
            case _:
                assert_never(change)

    def _apply_to_candidates(self, change: Hold | ReleaseHeld | ForgetHeld) -> None:
        match change:
            case Hold(sid=sid, peer=peer, awaited=awaited, ice=ice, now=now, until=until):
                self._execute(FORGET_EXPIRED, (now,))
                self._execute(HOLD, (sid, peer, awaited, ice, until))
            case ReleaseHeld(sid=sid, peer=peer):
                self._execute(RELEASE_HELD, (sid, peer))
            case ForgetHeld(awaited=awaited, login=None):
                self._execute(FORGET_AWAITING, (awaited,))
            case ForgetHeld(awaited=awaited, login=login):
                self._execute(FORGET_AWAITING_OF, (awaited, login))

    def _apply_to_calls(self, change: PutCall | ForgetCalls | PutStatus) -> None:
        match change:
            case PutCall(caller=caller, callee=callee, state=RingState.IDLE):
                self._execute(FORGET_CALL, (caller, callee))
            case PutCall(caller=caller, callee=callee, state=state, expires=expires):
                self._execute(PUT_CALL, (caller, callee, state, expires))
            case ForgetCalls(login=login):
                self._execute(FORGET_CALLS, (login, login))
            case PutStatus(login=login, busy=busy):
                self._execute(PUT_BUSY if busy else FORGET_BUSY, (login,))

    def _next_place(self, sid: str) -> int:
        """Take the next place in the order of all descriptions for one that this connection posts."""
        place: int = self._execute(NEXT_PLACE).fetchone()[0]
        self._execute(POSTED, (place, sid))
        return place
