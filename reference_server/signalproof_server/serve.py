"""Run an application on uvicorn: listen, announce, serve, and stop in time."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from signalproof_server.app import App
from signalproof_server.protocol import Config

__all__ = ["Server", "listen", "new_event_loop"]

Announce = Callable[[str], None]


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; raise OSError if that cannot be done."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


class Server(uvicorn.Server):
    """One application on one listening socket; `should_exit` stops it, from any thread."""

    def __init__(self, app: App, listener: socket.socket, announce: Announce | None = None) -> None:
        super().__init__(Config(app, app.settings))
        self.app = app
        self.listener = listener
        self.announce = announce

    @property
    def url(self) -> str:
        """The base URL."""
        host, port = self.listener.getsockname()[:2]
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return f"http://{authority}{self.app.settings.root_path}"

    async def run_app(self) -> None:
        """Serve until told to stop; then close everything."""
        with self.listener:
            async with self.app.lifespan():
                await self.serve(sockets=[self.listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so."""
        url = self.url
        await super().startup(sockets)
        if self.announce is not None:
            self.announce(url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the sockets first: long polls would hold uvicorn up until its time-out."""
        for server in self.servers:
            server.close()
        await self.app.sockets.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; uvicorn's own version raises them again and so spoils the exit code."""
        try:
            before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread: whoever started the thread stops the server
            before = {}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
