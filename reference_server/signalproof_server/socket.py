"""The Socket.IO edge: python-socketio in, `Service` out; no rules."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qs

import engineio
import socketio
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from signalproof_server import wire
from signalproof_server.config import Settings
from signalproof_server.cors import with_cors
from signalproof_server.errors import BadRequest, Refusal, Unauthorized, reply_to
from signalproof_server.log import Logger, where
from signalproof_server.service import Service
from signalproof_server.tokens import tokens_of
from signalproof_server.values import Emit, Json, Leave, Reply

__all__ = ["SOCKET_PATH", "SocketEdge", "emit_with", "make_sio", "new_sid"]

SOCKET_PATH = "/socket.io/"
NAMESPACE = "/"
MAX_ATTACHMENTS = 8
WATCH_SECONDS = 0.5


class EngineConnection(Protocol):
    """An Engine.IO connection, as far as the server uses it."""

    queue: asyncio.Queue[object]
    closed: bool
    closing: bool
    upgraded: bool
    """Whether it is a WebSocket."""

    def close(self, *, wait: bool = True, abort: bool = False) -> Awaitable[None]:
        """Close it; `abort` leaves the good-bye to the client out."""

    def check_ping_timeout(self) -> Awaitable[bool]:
        """Close it if it has not answered a ping in time."""


class Engine(Protocol):
    """python-engineio's server, as far as the server uses it."""

    sockets: MutableMapping[str, EngineConnection]
    generate_id: Callable[[], str]


class Manager(Protocol):
    """python-socketio's register of connections, as far as the server uses it."""

    def is_connected(self, sid: str, namespace: str) -> bool:
        """Tell whether the connection is alive, and not about to go."""


class Sio(Protocol):
    """python-socketio's server, as far as the server uses it: the library has no types."""

    eio: Engine
    manager: Manager
    environ: Mapping[str, Mapping[str, object]]

    def on(self, event: str, handler: Callable[..., Awaitable[object]], namespace: str) -> object:
        """Register the handler of an event."""

    async def emit(self, event: str, data: Json, *, to: str, namespace: str) -> None:
        """Raise an event on a connection."""

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> object:
        """Serve an HTTP request or a WebSocket of Engine.IO."""


class TextPacket(socketio.packet.Packet):  # type: ignore[misc]  # the library has no types
    """A Socket.IO packet with few attachments; python-socketio would hoard as many as announced (LOGIN-10)."""

    def decode(self, encoded_packet: str) -> int:
        """Read the text of a packet, and how many binary messages follow it."""
        attachments: int = super().decode(encoded_packet) or 0
        if attachments > MAX_ATTACHMENTS:
            raise ValueError("too many attachments")
        return attachments


def new_sid() -> str:
    """Make an id that nobody can guess: python-engineio's own ends in a shared counter (LOGIN-9)."""
    return secrets.token_urlsafe(18)


def make_sio(settings: Settings) -> Sio:
    """Make the Socket.IO server (LOGIN-1); its own logs are off, because they are full of sids."""
    silent = logging.getLogger("signalproof_server.silent")
    silent.setLevel(logging.CRITICAL + 1)
    sio: Sio = socketio.AsyncServer(
        async_mode="asgi",
        serializer=TextPacket,
        async_handlers=False,  # the events of one connection are handled in their order
        # A WebSocket asks nobody, so Engine.IO compares its origin (RFC 6455, 10.2); the headers are with_cors()'s.
        cors_allowed_origins=[] if "*" in settings.cors_origins else list(settings.cors_origins),
        cors_credentials=False,
        # Announced is their sum in whole seconds, the rest being cut off: so round it up.
        ping_interval=(settings.ping_interval, math.ceil(settings.ping_interval) - settings.ping_interval + 0.001),
        ping_timeout=settings.ping_timeout,
        monitor_clients=False,  # its rounds take a whole ping time-out: too late for PRES-3, so see _watch()
        logger=silent,
        engineio_logger=silent,
    )
    # Both the Engine.IO sid and the sid of the namespace are made by this function.
    sio.eio.generate_id = new_sid
    return sio


async def emit_with(sio: Sio, effect: Emit) -> None:
    """Raise one event on one connection; one that has gone meanwhile gets nothing."""
    await sio.emit(effect.event, effect.payload, to=effect.sid, namespace=NAMESPACE)


class SocketEdge:
    """The events of the protocol, and the ASGI application that python-socketio makes of them."""

    def __init__(self, sio: Sio, service: Service, settings: Settings, log: Logger) -> None:
        self.sio = sio
        self.service = service
        self.settings = settings
        self.log = log
        self.tokens = tokens_of(settings)
        self._asgi = with_cors(self._serve, settings)
        self._subjects: dict[str, str] = {}
        self._closing = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        if self.tokens is not None:
            sio.on("connect", self.on_connect, namespace=NAMESPACE)
        sio.on("login", self.on_login, namespace=NAMESPACE)
        sio.on("disconnect", self.on_disconnect, namespace=NAMESPACE)

    async def on_connect(self, sid: str, *arguments: object) -> None:
        """Let only those in who have a token (AUTH-1); a client's own event of that name is not a CONNECT."""
        if sid in self._subjects:
            return
        _environ, auth = (*arguments, None, None)[:2]
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            self._subjects[sid] = self.subject(token)
        except Unauthorized as error:
            self.log.info("connect", outcome="refused", code=error.code)
            raise socketio.exceptions.ConnectionRefusedError(error.message, {"code": error.code}) from None

    def subject(self, token: object) -> str:
        """Get the user whom the token of a CONNECT proves (AUTH-4)."""
        if self.tokens is None or not isinstance(token, str):
            raise Unauthorized
        return self.tokens.subject(token)

    async def on_login(self, sid: str, *arguments: object) -> Json:
        """Bind the connection, and acknowledge once every endpoint knows it (LOGIN-2, LOGIN-3)."""
        started = time.perf_counter()
        try:
            reply = await self.login(sid, arguments)
        except Refusal as error:
            reply = reply_to(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the socket
            self.log.error("fault", endpoint="login", error=type(error).__name__, where=where(error))
            reply = reply_to(error)
        self.log.info(
            "login",
            outcome="refused" if reply.body["status"] else "accepted",
            code=reply.body.get("code"),
            ms=round((time.perf_counter() - started) * 1000, 2),
        )
        return reply.body

    async def login(self, sid: str, arguments: tuple[object, ...]) -> Reply:
        """Carry the login out; a connection that went during it leaves no ghost (LOGIN-7)."""
        request = wire.decode_login(sid, arguments, self.settings.limits)
        if self.tokens is not None:
            request = replace(request, subject=self._subjects.get(sid, ""))
        reply = await self.service.handle(request)
        if not self.is_connected(sid):
            await self.service.handle(Leave(sid=sid))
        return reply

    async def on_disconnect(self, sid: str, *_reason: object) -> None:
        """Forget the connection; a client's own event of that name is not a disconnect."""
        if self.is_connected(sid):
            return
        self._subjects.pop(sid, None)
        try:
            await self.service.handle(Leave(sid=sid))
        except Exception as error:  # noqa: BLE001 - python-socketio still has to clean up
            self.log.error("fault", endpoint="disconnect", error=type(error).__name__, where=where(error))

    def is_connected(self, sid: str) -> bool:
        """Tell whether the connection is alive, and not about to go."""
        return self.sio.manager.is_connected(sid, NAMESPACE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve Engine.IO."""
        await self._asgi(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve Engine.IO; what it cannot digest ends that connection alone (LOGIN-10, HTTP-12)."""
        answered = False

        async def watched_send(message: Message) -> None:
            nonlocal answered
            answered = True
            if message["type"] == "http.response.start":
                # ASGI asks for lower case, and the CORS headers replace python-engineio's only then.
                message["headers"] = [(name.lower(), value) for name, value in message["headers"]]
            await send(message)

        try:
            await self.sio.handle_request(scope, receive, watched_send)
        except Exception as error:  # noqa: BLE001 - foreign code fed with foreign input
            self.log.info("bad packet", error=type(error).__name__)
            await self._drop(scope)
        if scope["type"] == "http":
            if not answered:
                reply = reply_to(BadRequest())
                await JSONResponse(reply.body, status_code=reply.http_status)(scope, receive, send)
            await self._end_poll(scope)

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
        """Let go of connections that do not answer pings any more, in time for PRES-3."""
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), WATCH_SECONDS)
            for eio_sid, connection in list(self.sio.eio.sockets.items()):
                if connection.closed:
                    self.sio.eio.sockets.pop(eio_sid, None)
                elif not connection.closing:
                    await self._check(connection)

    async def _check(self, connection: EngineConnection) -> None:
        try:
            await connection.check_ping_timeout()
        except Exception as error:  # noqa: BLE001 - one connection's trouble must not end the watch
            self.log.error("fault", endpoint="watch", error=type(error).__name__, where=where(error))

    async def _end_poll(self, scope: Scope) -> None:
        """Answer the waiting poll of a client that has just posted its good-bye, as Engine.IO wants it."""
        if scope["method"] == "POST":
            for eio_sid in _named_sids(scope):
                connection = self.sio.eio.sockets.get(eio_sid)
                if connection is not None and connection.closed:
                    await connection.queue.put(engineio.packet.Packet(engineio.packet.NOOP))

    async def _drop(self, scope: Scope) -> None:
        """End the connection that this scope carries; python-engineio would only notice at the next ping."""
        carried = [sid for sid, environ in self.sio.environ.items() if environ.get("asgi.scope") is scope]
        for eio_sid in {*_named_sids(scope), *carried}:
            connection = self.sio.eio.sockets.pop(eio_sid, None)
            if connection is not None:
                await connection.close(wait=False, abort=True)
                await connection.queue.put(None)


def _named_sids(scope: Scope) -> list[str]:
    """Get the Engine.IO sid in a request's query, if there is one."""
    return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("sid", [])
