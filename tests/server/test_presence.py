"""Profile `presence`: the list of who is online."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets
from tests.server.conftest import LIMIT, Running, Stage, play, serving

from signalproof_server.config import Settings


def test_the_list_has_each_login_once_until_its_last_connection_leaves(server: Running) -> None:
    """PRES-1, PRES-2, PRES-4, LOGIN-4."""

    async def scene(stage: Stage) -> None:
        assert await stage.online() == []
        async with stage.user("bob"), stage.user(None), stage.user("Bob "):
            async with stage.user("alice") as one, stage.user("\U0001f600", transport="polling"):
                async with stage.user("alice") as two:
                    assert await stage.online() == ["Bob ", "alice", "bob", "\U0001f600"]
                    sid = two.sid
                await stage.until_gone(sid)
                assert "alice" in await stage.online()
                assert one.events == []
            async with asyncio.timeout(1):
                while await stage.online() != ["Bob ", "bob"]:
                    pass
        async with asyncio.timeout(1):
            while await stage.online():
                pass

    play(server.url, scene)


def test_fast_rounds_leave_no_ghost(server: Running) -> None:
    """PRES-5."""

    async def scene(stage: Stage) -> None:
        for number in range(50):
            async with stage.user(f"ghost {number % 3}"):
                pass
        async with asyncio.timeout(1):
            while await stage.online():
                pass

    play(server.url, scene)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(server: Running, method: str) -> None:
    """HTTP-3, HTTP-10."""

    async def scene(stage: Stage) -> None:
        response = await stage.http.request(method, "/online")
        assert (response.status_code, response.json()["code"]) == (405, "bad_request")

    play(server.url, scene)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_silent_loss_is_noticed_in_time(transport: str) -> None:
    """PRES-3: this client never answers a ping, and its connection stays open."""

    async def over_websocket(stage: Stage) -> None:
        url = stage.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        async with websockets.connect(url, proxy=None) as raw:
            opened = json.loads(str(await raw.recv())[1:])
            assert (opened["pingInterval"], opened["pingTimeout"]) == (1000, 300)
            await raw.send("40")
            await raw.recv()
            await raw.send('420["login",{"login":"silent"}]')
            await raw.recv()
            await until_nobody_is_there(stage)

    async def over_polling(stage: Stage) -> None:
        url = "/socket.io/?EIO=4&transport=polling"
        opened = json.loads((await stage.http.get(url)).text[1:])
        url += f"&sid={opened['sid']}"
        await stage.http.post(url, content="40")
        await stage.http.get(url)
        await stage.http.post(url, content='420["login",{"login":"silent"}]')
        await until_nobody_is_there(stage)

    async def until_nobody_is_there(stage: Stage) -> None:
        assert await stage.online() == ["silent"]
        async with asyncio.timeout(LIMIT):
            while await stage.online():
                pass

    with serving(settings=Settings(ping_interval=0.2, ping_timeout=0.3)) as running:
        play(running.url, over_websocket if transport == "websocket" else over_polling)
