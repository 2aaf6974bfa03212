"""Peers: they connect, and only those that restart ICE touch what is private in aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from signalproof.errors import KitError
from signalproof.net import aiortc_internals, ice_restart
from signalproof.net.description import fingerprint
from signalproof.net.ice_restart import RestartablePeer
from signalproof.net.peer import Peer

LIMIT = 20
P = TypeVar("P", bound=Peer)


@asynccontextmanager
async def connected(kind: type[P], told: list[str]) -> AsyncIterator[tuple[P, P]]:
    """Connect two peers that have each other's descriptions."""
    offerer, answerer = kind(told.append, media=False), kind(told.append, media=False)
    try:
        offer = await offerer.offer("sp-test-00001")
        answer = await answerer.answer(offer.text, "sp-test-00002")
        assert fingerprint(answer.text) == answerer.fingerprint != offerer.fingerprint
        await offerer.accept(answer.text)
        await asyncio.gather(offerer.connected(LIMIT), answerer.connected(LIMIT))
        yield offerer, answerer
    finally:
        await asyncio.gather(offerer.close(), answerer.close())


def test_an_ordinary_peer_is_as_aiortc_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It connects, states included, where nothing private is there to be had."""
    told: list[str] = []

    def gone(*_: object) -> None:
        raise KitError("private")

    for name in ("first_connection", "receive_by", "send_by"):
        monkeypatch.setattr(ice_restart, name, gone)

    async def talk() -> None:
        async with connected(Peer, told) as (offerer, answerer):
            await offerer.says("hello", answerer, LIMIT)
            assert not offerer.is_idle()

    asyncio.run(talk())
    assert {"ICE completed", "DTLS connected", "WebRTC connected"} <= set(told)
    with pytest.raises(KitError, match="private"):
        asyncio.run(connected(RestartablePeer, told).__aenter__())


def test_a_restartable_peer_restarts_ice() -> None:
    """Words go over the second path, whose candidates the pair is one of."""
    told: list[str] = []

    async def talk() -> None:
        async with connected(RestartablePeer, told) as (offerer, answerer):
            await offerer.says("over the first path", answerer, LIMIT)
            offer = await offerer.restart_offer("sp-test-00003")
            answer = await answerer.restart_answer(offer.text, "sp-test-00004")
            await offerer.restart_accept(answer.text)
            await offerer.says("over the second path", answerer, LIMIT)
            await answerer.says("likewise", offerer, LIMIT)
            assert "(host) ↔ " in offerer.candidate_pair()

    asyncio.run(talk())
    assert told.count("ICE restarted") == 2


@pytest.mark.parametrize(
    ("use", "library"),
    [
        (aiortc_internals.first_connection, "aiortc"),
        (aiortc_internals.nominated_pair, "aioice"),
        (lambda thing: aiortc_internals.receive_by(thing, thing), "aiortc"),
        (lambda thing: aiortc_internals.send_by(thing, thing), "aiortc"),
    ],
    ids=["connection", "pair", "receive", "send"],
)
def test_a_private_name_that_is_gone_is_told_with_its_library(use: Any, library: str) -> None:
    """By name and version, and not laid to the target; nor is a name made up."""
    bare = SimpleNamespace()
    with pytest.raises(KitError, match=rf"^{library} \d+\.\d\S* has changed within, .* has no attribute '_"):
        use(bare)
    assert vars(bare) == {}
