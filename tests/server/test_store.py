"""What every store promises, tried with SQLite in memory and in a file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from signalproof_server.states import RingState, State
from signalproof_server.store import SqliteStore, Store
from signalproof_server.values import (
    Bind,
    Change,
    Connection,
    Facts,
    ForgetCalls,
    ForgetHeld,
    ForgetPairs,
    Hold,
    MarkAnswered,
    PutCall,
    PutOffer,
    PutStatus,
    ReleaseHeld,
    Unbind,
)

OFFERED = State.OFFERED
STABLE = State.STABLE


@pytest.fixture(params=["memory", "file"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both kinds of database."""
    return ":memory:" if request.param == "memory" else str(tmp_path / "state.sqlite3")


def run(database: str, story: Callable[[Store], Awaitable[None]]) -> None:
    """Run a story with an open store."""

    async def told() -> None:
        store = SqliteStore(database)
        await store.start()
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(told())


async def apply(store: Store, *changes: Change) -> None:
    """Make changes in a transaction of their own."""
    async with store.transaction() as transaction:
        await transaction.apply(changes)


async def facts(store: Store, sid: str, peer: str | None = None) -> Facts:
    """Load facts in a transaction of their own."""
    async with store.transaction() as transaction:
        return await transaction.facts(sid=sid, peer=peer)


def put(sender: str, reciever: str, sid: str) -> PutOffer:
    """Write an offer in one line."""
    return PutOffer(sender=sender, reciever=reciever, offered_on=sid, offer_id="id", state=OFFERED)


BINDINGS = (
    Bind(sid="a1", login="alice"),
    Bind(sid="a2", login="alice"),
    Bind(sid="b1", login="bob"),
    Bind(sid="c1", login="carol"),
)


def test_facts_are_about_one_request(database: str) -> None:
    """The named login narrows the facts."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, put("alice", "bob", "a1"), put("carol", "alice", "c1"))
        known = await facts(store, "a2", "bob")
        assert known.me == Connection(sid="a2", login="alice")
        assert {connection.sid for connection in known.mine} == {"a1", "a2"}
        assert [connection.sid for connection in known.peer] == ["b1"]
        assert [(pair.sender, pair.reciever) for pair in known.pairs] == [("alice", "bob")]
        everything = await facts(store, "a1")
        assert [connection.login for connection in everything.peer] == ["bob"]
        assert {pair.sender for pair in everything.pairs} == {"alice", "carol"}

    run(database, story)


@pytest.mark.parametrize("sid", ["", "x", "A1", "a1 ", "a1\0", "\U0001f600"])
def test_an_unknown_sid_has_no_facts(database: str, sid: str) -> None:
    """OFFER-5."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS)
        assert await facts(store, sid, "bob") == Facts()

    run(database, story)


@pytest.mark.parametrize("login", ["Bob", "bob ", "BOB", "b\u00f6b", "bo\u0308b", "bob\0", "%", ""])
def test_logins_compare_by_code_points(database: str, login: str) -> None:
    """LOGIN-4."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, Bind(sid="x1", login="b\u00f6b\u0308"))
        assert (await facts(store, "a1", login)).peer == ()

    run(database, story)


def test_offers_are_ordered_and_a_re_offer_is_the_latest(database: str) -> None:
    """ANSWER-8, OFFER-9, OFFER-10."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, put("alice", "bob", "a1"))
        await apply(store, put("carol", "bob", "c1"))
        before = {pair.sender: pair for pair in (await facts(store, "b1")).pairs}
        assert before["carol"].seq > before["alice"].seq
        await apply(store, put("alice", "bob", "a2"))
        after = {pair.sender: pair for pair in (await facts(store, "b1")).pairs}
        assert after["alice"].seq > after["carol"].seq
        assert after["alice"].offered_on == "a2"
        assert after["carol"] == before["carol"]

    run(database, story)


def test_an_answer_marks_one_direction_only(database: str) -> None:
    """ANSWER-11."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, put("alice", "bob", "a1"), put("bob", "alice", "b1"))
        await apply(store, MarkAnswered(sender="alice", reciever="bob", answered_on="b1", state=STABLE))
        states = {pair.sender: pair.state for pair in (await facts(store, "a1", "bob")).pairs}
        assert states == {"alice": STABLE, "bob": OFFERED}

    run(database, story)


def test_an_offer_outlives_its_connection_without_a_target(database: str) -> None:
    """ANSWER-1."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, put("alice", "bob", "a1"), Unbind(sid="a1"))
        known = await facts(store, "b1", "alice")
        assert [connection.sid for connection in known.peer] == ["a2"]
        assert [pair.offered_on for pair in known.pairs] == [None]

    run(database, story)


def test_pairs_are_forgotten_in_both_roles_and_nobody_elses(database: str) -> None:
    """ANSWER-10."""

    async def story(store: Store) -> None:
        offers = (put("alice", "bob", "a1"), put("bob", "alice", "b1"), put("carol", "bob", "c1"))
        await apply(store, *BINDINGS, *offers)
        await apply(store, ForgetPairs(login="alice"))
        assert [pair.sender for pair in (await facts(store, "b1")).pairs] == ["carol"]

    run(database, story)


def test_the_last_description_of_a_connection_and_its_answer_are_remembered(database: str) -> None:
    """ICE-3, ICE-7: a re-offer takes the answer back; one who has left is not named."""

    async def story(store: Store) -> None:
        mark = MarkAnswered(sender="alice", reciever="bob", answered_on="b1", state=STABLE)
        await apply(store, *BINDINGS, put("alice", "bob", "a1"), mark, put("carol", "bob", "c1"))
        known = await facts(store, "b1", "alice")
        (pair,) = known.pairs
        assert known.me is not None
        assert (pair.seq, pair.answered_on, pair.answered_seq, known.me.posted) == (1, "b1", 2, 2)
        assert [connection.posted for connection in known.peer] == [1, None]
        await apply(store, Unbind(sid="b1"))
        assert [pair.answered_on for pair in (await facts(store, "a1", "bob")).pairs] == [None]
        await apply(store, put("alice", "bob", "a2"))
        (pair,) = (await facts(store, "a1", "bob")).pairs
        assert (pair.seq, pair.answered_on, pair.answered_seq) == (4, None, None)

    run(database, story)


def test_the_name_of_the_offer_before_is_remembered(database: str) -> None:
    """CORR-2."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS)
        names = []
        for name in ("x", "y", "z"):
            await apply(store, replace(put("alice", "bob", "a1"), offer_id=name))
            names += [(pair.offer_id, pair.superseded_id) for pair in (await facts(store, "b1")).pairs]
        assert names == [("x", None), ("y", "x"), ("z", "y")]

    run(database, story)


def hold(sid: str, ice: str, *, peer: str | None = None, awaited: str | None = None, now: float = 0) -> Hold:
    """Hold a candidate for a second."""
    return Hold(sid=sid, ice=ice, peer=peer, awaited=awaited, now=now, until=now + 1)


async def waiting(store: Store, sid: str) -> list[str]:
    """The candidates that wait for a connection's description."""
    return [one.ice for one in (await facts(store, sid)).held]


def test_candidates_wait_in_order_until_their_description(database: str) -> None:
    """ICE-4, ICE-5."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, *(hold("a1", str(number)) for number in range(12)))
        await apply(store, hold("a1", "bob's", peer="bob"), hold("a1", "carol's", peer="carol"), hold("a2", "x"))
        assert await waiting(store, "a1") == [*map(str, range(12)), "bob's", "carol's"]
        await apply(store, ReleaseHeld(sid="a1", peer="bob"))
        assert await waiting(store, "a1") == ["carol's"]
        assert await waiting(store, "a2") == ["x"]
        await apply(store, hold("a2", "y", now=1))
        assert await waiting(store, "a1") == []
        assert await waiting(store, "a2") == ["y"]

    run(database, story)


def test_candidates_are_given_up_with_what_they_wait_for(database: str) -> None:
    """ICE-7, ICE-8: with the offer that they would have answered, or with their own connection."""

    async def story(store: Store) -> None:
        held = [hold(sid, awaited, awaited=awaited) for sid in ("b1", "c1") for awaited in ("alice", "dave")]
        await apply(store, *BINDINGS, *held, hold("a1", "own"))
        await apply(store, ForgetHeld(awaited="alice", login="bob"))
        assert await waiting(store, "b1") == ["dave"]
        assert await waiting(store, "c1") == ["alice", "dave"]
        await apply(store, ForgetHeld(awaited="dave", login=None), Unbind(sid="a1"), Bind(sid="a1", login="alice"))
        assert await waiting(store, "b1") == await waiting(store, "a1") == []
        assert await waiting(store, "c1") == ["alice"]

    run(database, story)


def test_calls_are_kept_for_each_caller_and_callee(database: str) -> None:
    """CALL-7, CALL-9."""

    def call(caller: str, callee: str, state: RingState, expires: float = 5.5) -> PutCall:
        return PutCall(caller=caller, callee=callee, state=state, expires=expires)

    async def story(store: Store) -> None:
        crossed = (call("alice", "bob", RingState.RINGING), call("bob", "alice", RingState.RINGING))
        await apply(store, *BINDINGS, *crossed, call("carol", "bob", RingState.RINGING))
        await apply(store, call("alice", "bob", RingState.ACCEPTED, 0.0))
        rings = {ring.caller: (ring.state, ring.expires) for ring in (await facts(store, "a1", "bob")).rings}
        assert rings == {"alice": (RingState.ACCEPTED, 0.0), "bob": (RingState.RINGING, 5.5)}
        await apply(store, call("bob", "alice", RingState.IDLE))
        assert [ring.caller for ring in (await facts(store, "b1", "alice")).rings] == ["alice"]
        await apply(store, ForgetCalls(login="alice"))
        assert (await facts(store, "a1", "bob")).rings == ()
        assert [ring.caller for ring in (await facts(store, "b1", "carol")).rings] == ["carol"]

    run(database, story)


def test_a_status_belongs_to_a_login(database: str) -> None:
    """CALL-4."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, *[PutStatus(login="bob", busy=True)] * 2)
        assert (await facts(store, "a1", "bob")).peer_busy
        assert not (await facts(store, "a1", "carol")).peer_busy
        await apply(store, *[PutStatus(login="bob", busy=False)] * 2)
        assert not (await facts(store, "a1", "bob")).peer_busy

    run(database, story)


def test_who_is_online_is_listed_once(database: str) -> None:
    """PRES-1."""

    async def story(store: Store) -> None:
        await apply(store, *BINDINGS, Bind(sid="x1", login="\U0001f600"), Bind(sid="x2", login="\uffee"))
        async with store.transaction() as transaction:
            assert await transaction.online() == ("alice", "bob", "carol", "\uffee", "\U0001f600")

    run(database, story)


def test_an_exception_undoes_the_transaction(database: str) -> None:
    """Nothing of a refused request stays."""

    async def fail(store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.apply([Bind(sid="a1", login="alice")])
            raise LookupError

    async def story(store: Store) -> None:
        with pytest.raises(LookupError):
            await fail(store)
        assert (await facts(store, "a1")).me is None
        await apply(store, *BINDINGS)
        with pytest.raises(sqlite3.IntegrityError):
            await apply(store, Unbind(sid="b1"), Bind(sid="a1", login="mallory"))
        assert (await facts(store, "a1", "bob")).peer == (Connection(sid="b1", login="bob"),)

    run(database, story)


def test_transactions_wait_for_each_other_even_if_one_awaits(database: str) -> None:
    """ANSWER-6."""

    async def story(store: Store) -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()
        order: list[str] = []

        async def first() -> None:
            async with store.transaction() as transaction:
                entered.set()
                await go_on.wait()
                await transaction.apply(BINDINGS)
                order.append("first")

        async def second() -> None:
            await entered.wait()
            go_on.set()
            assert (await facts(store, "a1")).me is not None
            order.append("second")

        await asyncio.gather(first(), second())
        assert order == ["first", "second"]

    run(database, story)


def test_a_start_forgets_everything_whatever_the_tables_look_like(tmp_path: Path) -> None:
    """No connection outlives its server; foreign tables are left alone."""
    path = tmp_path / "state.sqlite3"

    async def fill(store: Store) -> None:
        await apply(store, *BINDINGS, put("alice", "bob", "a1"))

    async def check(store: Store) -> None:
        assert await facts(store, "a1", "bob") == Facts()
        await apply(store, Bind(sid="b9", login="bob"))
        assert (await facts(store, "b9")).pairs == ()

    run(str(path), fill)
    run(str(path), check)
    old = sqlite3.connect(path)
    old.execute("DROP TABLE signalproof_connection")
    old.execute("CREATE TABLE signalproof_connection (sid TEXT)")
    old.execute("CREATE TABLE connection (mine TEXT)")
    old.commit()
    old.close()
    run(str(path), check)
    kept = sqlite3.connect(path)
    assert kept.execute("SELECT COUNT(*) FROM connection").fetchone() == (0,)
    kept.close()


def test_a_file_belongs_to_one_server(tmp_path: Path) -> None:
    """No other process can lock it: a request that waits for a lock would hold all others up."""
    path = tmp_path / "state.sqlite3"

    async def story(store: Store) -> None:
        other = sqlite3.connect(path, timeout=0)
        for statement in ("BEGIN IMMEDIATE", "SELECT * FROM signalproof_connection"):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute(statement)
        other.close()
        await apply(store, Bind(sid="a1", login="alice"))

    run(str(path), story)


def test_a_store_that_is_not_open_says_so() -> None:
    """A wrong order of calls is named."""
    with pytest.raises(RuntimeError, match="start"):
        asyncio.run(facts(SqliteStore(), "a1"))
