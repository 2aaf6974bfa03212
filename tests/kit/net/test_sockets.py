"""Sockets of both kinds: no redirect is followed, and no limit of the kit's own is laid to the target."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from tests.kit.net.small_server import OPENING, SmallServer, client, serving, target_at

from signalproof.cast.cast import Cast
from signalproof.cast.setting import Setting
from signalproof.config.identity import Anonymous
from signalproof.doctor import Mark, examine
from signalproof.doctor.engine import look
from signalproof.errors import NonConformance, TargetUnusable
from signalproof.judge.ledger import Ledger
from signalproof.net import raw_socket, sockets, web_socket
from signalproof.net.failures import SocketFailure
from signalproof.net.http import Http
from signalproof.net.limits import LONGEST_MESSAGE
from signalproof.net.raw_socket import RawSocket
from signalproof.net.sockets import Socket

SECRET = ("X-Secret", "open sesame")


@asynccontextmanager
async def playing(http: Http, url: str) -> AsyncIterator[Cast]:
    """Make the cast of a check."""
    cast = Cast(
        Setting(
            number=1,
            requirements=["LOGIN-1"],
            target=replace(target_at(url, headers=(SECRET,)), profiles=("core",)),
            http=http,
            ledger=Ledger(),
            identities=Anonymous(),
        )
    )
    try:
        yield cast
    finally:
        await cast.quiet()
        await cast.close()


# ── redirects ──────────────────────────────────────────────────────────────────────────────────


class Redirecting(SmallServer):
    """Leads every handshake elsewhere, and answers Engine.IO's polling if it `polls`."""

    def __init__(self, status: int, to: str, *, polls: bool = False) -> None:
        super().__init__()
        self.status = status
        self.to = to
        self.polls = polls

    async def talk(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send the handshake away."""
        return web.Response(status=self.status, headers={"location": self.to} if self.to else {})

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Be a VCSP server without WebSocket."""
        if not request.path.endswith("/socket.io/"):
            return web.json_response({"status": 1, "message": "?"}, status=404 if request.method == "GET" else 200)
        return web.Response(text=OPENING) if self.polls else await self.talk(request)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_handshake_follows_no_redirect(status: int) -> None:
    """The secrets of the operator stay with the origin that was named; the text says where it would have led."""

    async def meet() -> list[str]:
        elsewhere = SmallServer()
        async with serving(elsewhere) as there:
            lure = f"{there}/socket.io/?EIO=4&transport=websocket"
            here = Redirecting(status, lure)
            async with serving(here) as url, client(target_at(url, headers=(SECRET,))) as http:
                target = target_at(url, headers=(SECRET,))
                with pytest.raises(SocketFailure) as ordinary:
                    await Socket(target, http.user_agent(), lambda *_: None, lambda: None).connect()
                with pytest.raises(SocketFailure) as raw:
                    await RawSocket.open(target, http.user_agent())
                async with playing(http, url) as cast:
                    with pytest.raises(NonConformance) as breach:
                        await cast.enter("man")
            assert breach.value.requirements == ("LOGIN-1",)
            assert [note.headers["x-secret"] for note in here.notes] == ["open sesame"] * 3
            said = [str(ordinary.value), str(raw.value), breach.value.received]
            assert all(f"HTTP {status}, a redirect to {lure}, which clients do not follow" in text for text in said)
        return [note.target for note in elsewhere.notes]

    assert asyncio.run(meet()) == []


def test_a_redirect_to_nowhere_is_a_refusal() -> None:
    """With its status."""

    async def meet() -> None:
        async with serving(Redirecting(302, "")) as url, client(target_at(url)) as http:
            with pytest.raises(SocketFailure, match=r"the WebSocket handshake got HTTP 302$"):
                await RawSocket.open(target_at(url), http.user_agent())

    asyncio.run(meet())


@pytest.mark.parametrize("polls", [True, False])
def test_the_doctor_says_where_a_redirect_leads_to(polls: bool) -> None:
    """And so does the preflight of a run, which ends there."""

    async def meet() -> None:
        here = Redirecting(307, "https://chat.example/socket.io/", polls=polls)
        async with serving(here) as url, client(target_at(url)) as http:
            target = target_at(url)
            *_, websocket = [found async for found in look(target, http)]
            assert websocket.mark is Mark.BLOCKED
            assert "HTTP 307, a redirect to https://chat.example/socket.io/, which" in websocket.seen
            assert "--socket-url" in websocket.advice
            with pytest.raises(TargetUnusable, match=r"a redirect to https://chat\.example/socket\.io/"):
                await examine(replace(target, socket_url=""), http, Anonymous())

    asyncio.run(meet())


# ── limits ─────────────────────────────────────────────────────────────────────────────────────


def event(size: int) -> str:
    """Make a packet of so many bytes."""
    head, tail = '42["big",{"text":"', '"}]'
    return f"{head}{'a' * (size - len(head) - len(tail))}{tail}"


class Echoing(SmallServer):
    """Sends an event as long as a login says, before it acknowledges that."""

    async def hear(self, socket: web.WebSocketResponse, packet: str) -> None:
        """Be long-winded."""
        if packet.startswith("42"):
            await socket.send_str(event(int(json.loads(packet[packet.find("[") :])[1]["login"])))
        await super().hear(socket, packet)


def login(size: int) -> str:
    """Make the packet that asks for an event of so many bytes."""
    return f'421["login",{{"login":"{size}"}}]'


def test_a_text_of_8_mib_arrives_whole() -> None:
    """As does one of which every character was escaped."""

    async def meet() -> None:
        sizes = [8 * 1024 * 1024, 6 * 8 * 1024 * 1024 + 1_000]
        heard: list[int] = []
        async with serving(Echoing()) as url, client(target_at(url)) as http:
            target = target_at(url, timeout=60)
            socket = Socket(target, http, lambda _, args, *__: heard.append(len(json.dumps(args))), lambda: None)
            await socket.connect()
            for size in sizes:
                assert await socket.request("login", {"login": str(size)}, timeout=60) == ({"status": 0},)
            assert (socket.connected, socket.overrun) == (True, None)
            await socket.close()
            raw = await RawSocket.open(target, http)
            assert await raw.receive(60) == OPENING
            await raw.send(login(sizes[0]))
            assert await raw.receive(60) == event(sizes[0])
            await raw.close()
        assert [length > size - 100 for length, size in zip(heard, sizes, strict=True)] == [True, True]

    asyncio.run(meet())


class Demanding(SmallServer):
    """Sends events of every form before it acknowledges a login, and notes what is acknowledged to it."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: list[str] = []

    async def hear(self, socket: web.WebSocketResponse, packet: str) -> None:
        """Ask for acknowledgements."""
        if packet.startswith("42"):
            await socket.send_str('42["plain",{"a":1}]')
            await socket.send_str('427["asks",{"a":1}]')
            await socket.send_str('451-8["binary",{"a":{"_placeholder":true,"num":0}}]')
            await socket.send_bytes(b"x")
            await socket.send_str('429["bare"]')
        if packet.startswith("43"):
            self.acknowledged.append(packet)
        await super().hear(socket, packet)


def test_no_event_is_acknowledged_and_those_that_ask_are_told() -> None:
    """With text, with binary data, and without any argument; another request shows that nothing was on its way."""

    async def meet() -> None:
        heard: list[tuple[str, tuple[object, ...], bool]] = []
        server = Demanding()
        async with serving(server) as url, client(target_at(url)) as http:
            socket = Socket(
                target_at(url), http, lambda name, args, _, asks: heard.append((name, args, asks)), lambda: None
            )
            await socket.connect()
            for _ in range(2):
                assert await socket.request("login", {"login": "bob"}, timeout=20) == ({"status": 0},)
            await socket.close()
        assert heard[:4] == [
            ("plain", ({"a": 1},), False),
            ("asks", ({"a": 1},), True),
            ("binary", ({"a": b"x"},), True),
            ("bare", (), True),
        ]
        assert server.acknowledged == []

    asyncio.run(meet())


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the kit read little."""
    for module in (sockets, raw_socket):
        monkeypatch.setattr(module, "TOO_LONG", 1_001)
    assert f"{LONGEST_MESSAGE:,} bytes" in web_socket.OVERRUN
    return 1_000


def test_the_kits_own_limit_is_called_that(little: int) -> None:
    """Not the hang-up of the target, wherever it shows; and at the edge it does not show."""

    async def meet() -> None:
        ended: list[str] = []
        async with serving(Echoing()) as url, client(target_at(url)) as http:
            target = target_at(url)
            socket = Socket(target, http, lambda *_: None, lambda: ended.append("ended"))
            await socket.connect()
            await socket.request("login", {"login": str(little)}, timeout=3)
            with pytest.raises(SocketFailure) as failure:
                await socket.request("login", {"login": str(little + 1)}, timeout=3)
            assert str(failure.value) == socket.overrun == web_socket.OVERRUN
            assert ended == ["ended"]
            raw = await RawSocket.open(target, http)
            await raw.receive(3)
            await raw.send(login(little))
            assert await raw.receive(3) == event(little)
            await raw.receive(3)
            await raw.send(login(little + 1))
            with pytest.raises(SocketFailure, match="at which the kit, not the target, closed"):
                await raw.receive(3)
            await raw.close()
            async with playing(http, url) as cast:
                man = await cast.connect("man")
                with pytest.raises(NonConformance) as breach:
                    await man.try_log_in({"login": str(little + 1)})
                assert breach.value.received == man.ending == web_socket.OVERRUN
                assert any(web_socket.OVERRUN in entry.text for entry in cast.transcript.entries)

    asyncio.run(meet())


def test_a_hang_up_of_the_target_is_called_that() -> None:
    """Even if it says that a message was too long: ours, then."""

    class Leaving(SmallServer):
        async def hear(self, socket: web.WebSocketResponse, packet: str) -> None:
            """Close at an event, as if it had been too long."""
            if packet.startswith("42"):
                await socket.close(code=1009)
            else:
                await super().hear(socket, packet)

    async def meet() -> None:
        async with serving(Leaving()) as url, client(target_at(url)) as http:
            socket = Socket(target_at(url), http, lambda *_: None, lambda: None)
            await socket.connect()
            with pytest.raises(SocketFailure, match="the connection closed first"):
                await socket.request("login", {}, timeout=3)
            assert socket.overrun is None

    asyncio.run(meet())


# ── leaving ────────────────────────────────────────────────────────────────────────────────────


class Listening(SmallServer):
    """Keeps what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    async def hear(self, socket: web.WebSocketResponse, packet: str) -> None:
        """Note a packet."""
        self.heard.append(packet)
        await super().hear(socket, packet)


def test_a_connection_says_good_bye_before_it_goes() -> None:
    """The DISCONNECT packet goes out, and its end is nobody's but the kit's own."""

    async def meet() -> list[str]:
        server = Listening()
        async with serving(server) as url, client(target_at(url)) as http:
            socket = Socket(target_at(url), http.user_agent(), lambda *_: None, lambda: None)
            await socket.connect()
            await socket.close()
            assert not socket.lost
        return server.heard

    assert asyncio.run(meet())[1:] == ["41"]


class Closing(SmallServer):
    """Closes a connection as soon as it is there."""

    async def hear(self, socket: web.WebSocketResponse, packet: str) -> None:
        """Take the CONNECT, and close."""
        await super().hear(socket, packet)
        await socket.close()


def test_a_connection_that_the_server_closes_is_lost() -> None:
    """That is told, and when it was asked for it is not."""

    async def meet() -> str:
        closed = asyncio.Event()
        async with serving(Closing()) as url, client(target_at(url)) as http:
            socket = Socket(target_at(url), http.user_agent(), lambda *_: None, closed.set)
            await socket.connect()
            await asyncio.wait_for(closed.wait(), 5)
            return socket.lost

    assert asyncio.run(meet()) == "was closed by the server"
