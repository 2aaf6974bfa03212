"""The Socket.IO edge where timing matters, with a Socket.IO server that does as it is told."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from signalproof_server.config import Settings
from signalproof_server.delivery import LocalOutbox
from signalproof_server.engine import Sio, TextPacket
from signalproof_server.exchange import decide
from signalproof_server.log import make_logger
from signalproof_server.service import Service
from signalproof_server.socket import SocketEdge
from signalproof_server.store import SqliteStore
from signalproof_server.values import Emit


class StubSio:
    """As much of python-socketio as logging in and leaving takes."""

    def __init__(self) -> None:
        self.manager = self
        self.connected = True

    def on(self, event: str, handler: object, namespace: str) -> None:
        """Take a handler; the tests call it themselves."""

    def is_connected(self, _sid: str, _namespace: str) -> bool:
        """Say what the test has set."""
        return self.connected


async def emit(_effect: Emit) -> None:
    """Nobody listens."""


def play(scene: Callable[[StubSio, SocketEdge, SqliteStore], Awaitable[None]]) -> None:
    """Play a scene with an edge on a store."""

    async def played() -> None:
        log = make_logger("error", io.StringIO())
        store = SqliteStore()
        await store.start()
        stub = StubSio()
        service = Service(store, decide, LocalOutbox(emit, log))
        await scene(stub, SocketEdge(cast("Sio", stub), service, Settings(), log), store)
        await store.close()

    asyncio.run(played())


async def is_bound(store: SqliteStore) -> bool:
    """Tell whether the store knows the connection."""
    async with store.transaction() as transaction:
        return (await transaction.facts(sid="s", peer=None)).me is not None


def test_a_login_that_comes_after_the_disconnect_leaves_no_ghost() -> None:
    """LOGIN-7, PRES-5."""

    async def scene(sio: StubSio, edge: SocketEdge, store: SqliteStore) -> None:
        sio.connected = False
        await edge.on_disconnect("s", "transport close")
        await edge.on_login("s", {"login": "alice"})
        assert not await is_bound(store)

    play(scene)


def test_a_disconnect_event_from_a_client_is_none() -> None:
    """The connection stays bound until it has really gone."""

    async def scene(sio: StubSio, edge: SocketEdge, store: SqliteStore) -> None:
        assert await edge.on_login("s", {"login": "alice"}) == {"status": 0}
        await edge.on_disconnect("s")
        assert await is_bound(store)
        sio.connected = False
        await edge.on_disconnect("s", "client disconnect")
        assert not await is_bound(store)

    play(scene)


def test_a_packet_announces_few_attachments() -> None:
    """LOGIN-10: what is announced is kept in memory until it is complete."""
    assert TextPacket(encoded_packet='51-["login",{"_placeholder":true,"num":0}]').attachment_count == 1
    with pytest.raises(ValueError, match="attachments"):
        TextPacket(encoded_packet="599999-[]")
