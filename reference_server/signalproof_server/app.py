"""The composition root: `create_app(settings)` makes an ASGI application out of the parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from signalproof_server.config import Settings
from signalproof_server.delivery import Emitter, LocalOutbox, Outbox
from signalproof_server.engine import SOCKET_PATH, Sio, emit_with, make_sio
from signalproof_server.exchange import decide
from signalproof_server.http import HttpEdge
from signalproof_server.log import Logger, make_logger
from signalproof_server.service import Rules, Service
from signalproof_server.socket import SocketEdge
from signalproof_server.store import SqliteStore, Store

__all__ = ["App", "Assembly", "create_app"]


class Assembly:
    """How the parts are made; a variant of the server overrides the method that makes the part it changes."""

    def __init__(self, settings: Settings | None = None, *, log: Logger | None = None) -> None:
        self.settings = settings or Settings()
        self.log = log or make_logger(self.settings.log_level)

    def rules(self) -> Rules:
        """Choose the rules."""
        return partial(decide, limits=self.settings.limits)

    def store(self) -> Store:
        """Make the place where the state lives."""
        return SqliteStore(self.settings.database)

    def sio(self) -> Sio:
        """Make the Socket.IO server."""
        return make_sio(self.settings)

    def emitter(self, sio: Sio) -> Emitter:
        """Make what raises one event on one connection."""
        return partial(emit_with, sio)

    def outbox(self, emit: Emitter) -> Outbox:
        """Make the way out for effects."""
        return LocalOutbox(emit, self.log)

    def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
        """Make what carries requests out."""
        return Service(store, rules, outbox)

    def http(self, service: Service) -> ASGIApp:
        """Make the HTTP edge."""
        return HttpEdge(service, self.settings, self.log).asgi()

    def sockets(self, sio: Sio, service: Service) -> SocketEdge:
        """Make the Socket.IO edge."""
        return SocketEdge(sio, service, self.settings, self.log)

    def build(self) -> App:
        """Put the parts together."""
        store = self.store()
        sio = self.sio()
        outbox = self.outbox(self.emitter(sio))
        service = self.service(store, self.rules(), outbox)
        return App(
            store=store,
            outbox=outbox,
            http=self.http(service),
            sockets=self.sockets(sio, service),
            settings=self.settings,
        )


class App:
    """The ASGI application: two edges, and the life of what is behind them."""

    def __init__(self, *, store: Store, outbox: Outbox, http: ASGIApp, sockets: SocketEdge, settings: Settings) -> None:
        self.store = store
        self.outbox = outbox
        self.http = http
        self.sockets = sockets
        self.settings = settings
        self.life = Router(lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Open the store and deliver; at the end say good-bye, deliver what is queued, close the store."""
        try:
            await self.store.start()
            await self.outbox.start()
            await self.sockets.start()
            yield
        finally:
            await self.sockets.close()
            await self.outbox.close()
            await self.store.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one WebSocket, or the life of the process."""
        if scope["type"] == "lifespan":
            await self.life(scope, receive, send)
        elif f"{scope['path']}/".startswith(self.settings.root_path + SOCKET_PATH):
            await self.sockets(scope, receive, send)
        else:
            await self.http(scope, receive, send)


def create_app(settings: Settings | None = None, *, log: Logger | None = None) -> App:
    """Make the reference server; start it by ASGI's lifespan, or by its `lifespan()`."""
    return Assembly(settings, log=log).build()
