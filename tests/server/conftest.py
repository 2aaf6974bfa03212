"""A stage for the tests of the server: it runs in a thread on a real port, and Socket.IO clients play on it."""

from __future__ import annotations

import asyncio
import io
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import socketio

from signalproof_server.app import Assembly
from signalproof_server.config import Settings
from signalproof_server.log import make_logger
from signalproof_server.serve import Server, listen

LIMIT = 5
"""Seconds until something that has to come is missing."""

Event = tuple[str, Any]


@dataclass(slots=True)
class Running:
    """A server in a thread, and what it has logged."""

    url: str
    log: io.StringIO
    server: Server


@contextmanager
def serving(make: type[Assembly] = Assembly, settings: Settings | None = None) -> Iterator[Running]:
    """Run a server, or a variant of it, on a free port."""
    log = io.StringIO()
    urls: queue.Queue[str] = queue.Queue()
    app = make(settings or Settings(), log=make_logger("debug", log)).build()
    server = Server(app, listen("127.0.0.1", 0), urls.put)
    thread = threading.Thread(target=lambda: asyncio.run(server.run_app()))
    thread.start()
    try:
        yield Running(url=urls.get(timeout=LIMIT), log=log, server=server)
    finally:
        server.should_exit = True
        thread.join(LIMIT)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """One server for all the tests of this module."""
    with serving() as running:
        yield running


@dataclass(slots=True)
class User:
    """One Socket.IO connection, and the events it has received."""

    login: str
    socket: Any
    events: list[Event] = field(default_factory=list)
    arrivals: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    @property
    def sid(self) -> str:
        """The sid of the namespace `/`."""
        return str(self.socket.get_sid("/"))

    async def next(self) -> Event:
        """Wait for the next event."""
        return await asyncio.wait_for(self.arrivals.get(), LIMIT)

    async def next_of(self, event: str) -> Any:
        """Wait for the next event, which has to be of this name, and return its payload."""
        name, payload = await self.next()
        assert name == event
        return payload

    async def log_in(self, *arguments: object) -> Any:
        """Emit `login` and return its acknowledgement."""
        return await self.socket.call("login", arguments, timeout=LIMIT)


@dataclass(slots=True)
class Stage:
    """What a test needs to play its scene."""

    url: str
    http: httpx.AsyncClient

    @asynccontextmanager
    async def user(
        self, login: str | None, *, transport: str = "websocket", auth: object = None
    ) -> AsyncIterator[User]:
        """Connect a user, and log it in unless it has no login."""
        socket: Any = socketio.AsyncClient(reconnection=False)
        user = User(login=login or "", socket=socket)

        def record(event: str, payload: object) -> None:
            user.events.append((event, payload))
            user.arrivals.put_nowait((event, payload))

        socket.on("*", record)
        path = httpx.URL(self.url).path.rstrip("/")
        await socket.connect(self.url, transports=[transport], socketio_path=f"{path}/socket.io", auth=auth)
        try:
            if login is not None:
                assert await user.log_in({"login": login}) == {"status": 0}
            yield user
        finally:
            await socket.disconnect()

    async def offer(self, sender: User | str, reciever: str, text: str = "o", **more: str) -> dict[str, Any]:
        """Post an offer."""
        return await self.post("/offer", sender, type="sender", reciever_login=reciever, offer=text, **more)

    async def answer(self, reciever: User | str, text: str = "a", **more: str) -> dict[str, Any]:
        """Post an answer."""
        return await self.post("/offer", reciever, type="reciever", answer=text, **more)

    async def ice(self, user: User | str, text: str, **more: str) -> dict[str, Any]:
        """Post a candidate."""
        return await self.post("/ice", user, ice=text, **more)

    async def online(self) -> list[str]:
        """Get the list of who is online."""
        response = await self.http.get("/online")
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        reply = response.json()
        assert reply["status"] == 0
        payload: list[str] = reply["payload"]
        return payload

    async def post(self, path: str, user: User | str, **fields: object) -> dict[str, Any]:
        """Post as JSON and return the object that comes back with HTTP 200."""
        sid = user if isinstance(user, str) else user.sid
        response = await self.http.post(path, json={"sid": sid, **fields})
        assert response.status_code == 200
        reply: dict[str, Any] = response.json()
        return reply

    async def until_gone(self, sid: str) -> None:
        """Ask, which changes nothing, until the server has noticed that the connection has left."""
        async with asyncio.timeout(LIMIT):
            while (await self.post("/refresh", sid, login="nobody"))["code"] != "unknown_sid":
                pass

    async def until_offline(self, login: str) -> None:
        """Ask, which changes nothing, until the server has noticed that the last connection has left."""
        async with asyncio.timeout(LIMIT):
            while login in await self.online():
                pass


OK = {"status": 0, "offer": "ok"}
"""What the maker of an accepted offer or answer is told."""


def play(url: str, scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Play a scene against a server."""

    async def played() -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            await scene(Stage(url=url, http=http))

    asyncio.run(played())
