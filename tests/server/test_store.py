"""What every store promises, tried with SQLite in memory and in a file."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from signalproof_server.states import State
from signalproof_server.store import SqliteStore, Store
from signalproof_server.values import (
    Bind,
    Change,
    Connection,
    Facts,
    ForgetPairs,
    MarkAnswered,
    PutOffer,
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
    return PutOffer(sender=sender, reciever=reciever, offered_on=sid, state=OFFERED)


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
        assert everything.peer == ()
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
        await apply(store, MarkAnswered(sender="alice", reciever="bob", state=STABLE))
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


def test_a_file_is_written_ahead(tmp_path: Path) -> None:
    """A reader does not hold the server up."""
    path = tmp_path / "state.sqlite3"

    async def story(_store: Store) -> None:
        other = sqlite3.connect(path)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        other.close()

    run(str(path), story)


def test_a_store_that_is_not_open_says_so() -> None:
    """A wrong order of calls is named."""
    with pytest.raises(RuntimeError, match="start"):
        asyncio.run(facts(SqliteStore(), "a1"))
