"""Engine.IO connections over their lives: served, watched and ended, where python-engineio leaves that undone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import parse_qs

from engineio.packet import NOOP, Packet
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from signalproof_server.engine import EngineConnection, Sio, end
from signalproof_server.errors import BadRequest, reply_to
from signalproof_server.log import Logger, where

__all__ = ["Connections"]

WATCH_SECONDS = 0.5


class Connections:
    """The ASGI application that python-engineio makes, with connections that end when they should."""

    def __init__(self, sio: Sio, log: Logger) -> None:
        self.sio = sio
        self.log = log
        self._closing = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a WebSocket; what cannot be digested ends its connection alone (LOGIN-10, HTTP-12)."""
        answered = False

        async def watched_send(message: Message) -> None:
            nonlocal answered
            answered = True
            if message["type"] == "http.response.start":
                # ASGI asks for lower case, and the CORS headers replace python-engineio's only then.
                message["headers"] = [(name.lower(), value) for name, value in message["headers"]]
            await send(message)

        serve = self._serve_poll if scope.get("method") == "GET" else self.sio.handle_request
        try:
            await serve(scope, receive, watched_send)
        except Exception as error:  # noqa: BLE001 - foreign code fed with foreign input
            self.log.info("bad packet", error=type(error).__name__)
            await self._drop(scope)
        if scope["type"] == "http":
            if not answered:
                reply = reply_to(BadRequest())
                await JSONResponse(reply.body, status_code=reply.http_status)(scope, receive, send)
            await self._end_poll(scope)

    async def _serve_poll(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a poll; one whose client has gone is answered at once, before it takes an event with it."""
        request = await receive()

        async def received() -> Message:
            return request

        async def hang_up() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            await self._put_noop(scope)

        watcher = asyncio.create_task(hang_up())
        try:
            await self.sio.handle_request(scope, received, send)
        finally:
            watcher.cancel()

    async def start(self) -> None:
        """Begin to watch for connections that are lost."""
        self._watcher = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Say good-bye to every connection, so that none holds the shutdown up; harmless when repeated."""
        for connection in list(self.sio.eio.sockets.values()):
            # A WebSocket says good-bye itself; a poll has to be told by a packet.
            await connection.close(wait=False, abort=connection.upgraded)
            await connection.queue.put(None)
        self._closing.set()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            await watcher

    async def _watch(self) -> None:
        """Let go of connections that do not answer pings or do not read any more, in time for PRES-3."""
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), WATCH_SECONDS)
            for eio_sid, connection in list(self.sio.eio.sockets.items()):
                if connection.closed:
                    self.sio.eio.sockets.pop(eio_sid, None)
                elif not connection.closing:
                    await self._check(eio_sid, connection)

    async def _check(self, eio_sid: str, connection: EngineConnection) -> None:
        try:
            if connection.queue.overflowed or not await connection.check_ping_timeout():
                await end(self.sio.eio, eio_sid)
        except Exception as error:  # noqa: BLE001 - one connection's trouble must not end the watch
            self.log.error("fault", endpoint="watch", error=type(error).__name__, where=where(error))

    async def _end_poll(self, scope: Scope) -> None:
        """Answer the waiting poll of a client that has just posted its good-bye, as Engine.IO wants it."""
        if scope["method"] == "POST":
            await self._put_noop(scope, closed=True)

    async def _put_noop(self, scope: Scope, *, closed: bool = False) -> None:
        """Answer the poll that waits on the connection that the request names."""
        for eio_sid in _named_sids(scope):
            connection = self.sio.eio.sockets.get(eio_sid)
            if connection is not None and connection.closed is closed:
                await connection.queue.put(Packet(NOOP))

    async def _drop(self, scope: Scope) -> None:
        """End the connection that this scope carries; python-engineio would only notice at the next ping."""
        carried = [sid for sid, environ in self.sio.environ.items() if environ.get("asgi.scope") is scope]
        for eio_sid in {*_named_sids(scope), *carried}:
            await end(self.sio.eio, eio_sid)


def _named_sids(scope: Scope) -> list[str]:
    """Get the Engine.IO sid in a request's query, if there is one."""
    return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("sid", [])
