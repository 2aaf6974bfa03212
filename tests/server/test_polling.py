"""Long polling: refusals are answered, and no event is lost on a client that stopped to wait for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from tests.server.conftest import LIMIT, OK, Running, Stage, play

PATH = "/socket.io/?EIO=4&transport=polling"


@dataclass(slots=True)
class Poller:
    """A user who polls by hand."""

    http: httpx.AsyncClient
    path: str
    sid: str = ""

    async def send(self, packets: str) -> int:
        """Post packets and give the status."""
        return (await self.http.post(self.path, content=packets)).status_code

    async def poll(self) -> str:
        """Wait for the next packets."""
        return (await self.http.get(self.path)).text


@asynccontextmanager
async def polling(stage: Stage, login: str) -> AsyncIterator[Poller]:
    """Log a user in by polling."""
    opened = await stage.http.get(PATH)
    user = Poller(stage.http, f"{PATH}&sid={json.loads(opened.text[1:])['sid']}")
    assert await user.send("40") == 200
    user.sid = json.loads((await user.poll())[2:])["sid"]
    assert await user.send(f'420["login",{{"login":"{login}"}}]') == 200
    assert await user.poll() == '430[{"status":0}]'
    yield user
    await user.send("1")


async def abandoned_poll(stage: Stage, user: Poller) -> None:
    """Begin to wait on a connection of its own, and close that when the server waits too."""
    url = httpx.URL(stage.url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"GET {user.path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    await stage.http.get("/healthz")
    writer.close()
    await writer.wait_closed()
    await stage.http.get("/healthz")


def test_an_abandoned_poll_takes_no_event_with_it(server: Running) -> None:
    """OFFER-1: the event waits for the next poll."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, polling(stage, "bob") as bob:
            for number in range(5):
                await abandoned_poll(stage, bob)
                assert await stage.offer(alice, "bob", str(number)) == OK
                async with asyncio.timeout(LIMIT):
                    arrived = [packet for packet in (await bob.poll()).split("\x1e") if packet != "6"]
                assert [json.loads(packet[2:])[1]["sender_offer"] for packet in arrived] == [str(number)]

    play(server.url, scene)


REFUSED = {"packet of the server": "0", "unknown packet": "4\x1e5\x1e0", "more than may come": "4" + "x" * 1_000_001}


@pytest.mark.parametrize("packets", REFUSED.values(), ids=REFUSED)
def test_a_refused_post_is_answered_and_ends_the_connection(server: Running, packets: str) -> None:
    """HTTP-12, LOGIN-7: neither the client nor a task of the server waits for ever."""

    async def scene(stage: Stage) -> None:
        async with polling(stage, "bob") as bob:
            waiting = asyncio.create_task(bob.poll())
            await stage.http.get("/healthz")
            async with asyncio.timeout(LIMIT):
                assert await bob.send(packets) == 400
                await waiting
                await stage.until_offline("bob")
                assert await bob.send("40") == 400

    play(server.url, scene)
