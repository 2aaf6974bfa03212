"""A small server for the tests of this room: as much Engine.IO and Socket.IO as a connection needs, and notes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

from aiohttp import web

from signalproof.config.target import Target
from signalproof.net.http import Http

NAMES = ("127.0.0.1", "localhost")
"""What the host of a server is called: cookies of hosts that are called by address are easily lost."""
OPENING = '0{"sid":"engine","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'


@dataclass(frozen=True, slots=True)
class Note:
    """One request as it came, handshakes included; `target` is its path and query before anything is decoded."""

    method: str
    path: str
    target: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]


class SmallServer:
    """Answers every request and takes every socket; subclasses bend what they test."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.numbers = count(1)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that is no handshake."""
        await request.read()
        return web.json_response({"status": 0})

    async def talk(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take a WebSocket, and say what follows on each packet."""
        socket = self.socket(request)
        await socket.prepare(request)
        await socket.send_str(OPENING)
        async for message in socket:
            await self.hear(socket, str(message.data))
        return socket

    def socket(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """Make the reply to a handshake."""
        del request
        return web.WebSocketResponse()

    async def hear(self, socket: web.WebSocketResponse, packet: str) -> None:
        """Take a CONNECT, and acknowledge events."""
        if packet.startswith("40"):
            await socket.send_str(f'40{{"sid":"socket-{next(self.numbers)}"}}')
        elif packet.startswith("42") and (number := packet[2 : packet.find("[")]):
            await socket.send_str(f'43{number}[{{"status":0}}]')

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve any request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.notes.append(Note(request.method, request.path, request.raw_path, headers, dict(request.cookies)))
        if request.path.endswith("/socket.io/") and headers.get("upgrade") == "websocket":
            return await self.talk(request)
        return await self.answer(request)


@asynccontextmanager
async def serving(server: SmallServer, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve on any free port, and give the URL, in which the host is called `host`."""
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving_bytes(protocol: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    """Serve connections as bytes, each by a protocol of its own, and give the URL."""
    async with await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def target_at(url: str, *, timeout: float = 3, headers: tuple[tuple[str, str], ...] = ()) -> Target:
    """Make a target with little patience."""
    return Target(url=url, socket_url=url, profiles=(), profiles_reason="", timeout=timeout, headers=headers)


@asynccontextmanager
async def client(target: Target) -> AsyncIterator[Http]:
    """Make an HTTP client that is closed at the end."""
    http = Http(target)
    try:
        yield http
    finally:
        await http.close()
