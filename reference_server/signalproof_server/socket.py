"""The Socket.IO edge: python-socketio in, `Service` out; no rules."""

from __future__ import annotations

import time
from dataclasses import replace

import socketio
from starlette.types import Receive, Scope, Send

from signalproof_server import wire
from signalproof_server.config import Settings
from signalproof_server.connections import Connections
from signalproof_server.cors import with_cors
from signalproof_server.engine import NAMESPACE, Sio
from signalproof_server.errors import Refusal, Unauthorized, reply_to
from signalproof_server.log import Logger, where
from signalproof_server.service import Service
from signalproof_server.tokens import tokens_of
from signalproof_server.values import Json, Leave, Reply

__all__ = ["SocketEdge"]


class SocketEdge:
    """The events of the protocol, each a method that python-socketio calls."""

    def __init__(self, sio: Sio, service: Service, settings: Settings, log: Logger) -> None:
        self.sio = sio
        self.service = service
        self.settings = settings
        self.log = log
        self.tokens = tokens_of(settings)
        self.connections = Connections(sio, log)
        self._asgi = with_cors(self.connections, settings)
        self._subjects: dict[str, str] = {}
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

    async def start(self) -> None:
        """Begin to watch for connections that are lost."""
        await self.connections.start()

    async def close(self) -> None:
        """Say good-bye to every connection, so that none holds the shutdown up; harmless when repeated."""
        await self.connections.close()
