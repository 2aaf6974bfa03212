"""python-socketio and python-engineio, as far as the server uses them; the libraries have no types."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import partial
from typing import Protocol

import socketio
from starlette.types import Receive, Scope, Send

from signalproof_server.config import Settings
from signalproof_server.values import Emit, Json

__all__ = [
    "MAX_PAYLOAD",
    "NAMESPACE",
    "SOCKET_PATH",
    "EngineConnection",
    "Sio",
    "emit_with",
    "end",
    "make_sio",
    "new_sid",
]

SOCKET_PATH = "/socket.io/"
NAMESPACE = "/"
MAX_ATTACHMENTS = 8
MAX_PAYLOAD = 1_000_000
"""The most bytes of one message or of the packets of one POST; the open packet announces it (LOGIN-10)."""
QUEUE_BYTES = 8_388_608
"""The most that waits for one client: more than one request can raise at once, with all held candidates."""


class Outgoing(asyncio.Queue[object]):
    """The packets that wait for one client; where they become too many, it does not read and is to be given up."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.overflowed = False

    def put_nowait(self, item: object) -> None:
        """Add a packet, or None for the end; what is too much is dropped."""
        if item is not None and self.size > QUEUE_BYTES:
            self.overflowed = True
        else:
            super().put_nowait(item)

    def finish(self) -> None:
        """Drop what waits, and end."""
        while not self.empty():
            self.get_nowait()
            self.task_done()
        self.put_nowait(None)

    def _put(self, item: object) -> None:
        self.size += _size(item)
        super()._put(item)

    def _get(self) -> object:
        item = super()._get()
        self.size -= _size(item)
        return item


def _size(item: object) -> int:
    data = getattr(item, "data", None)
    return len(data) if isinstance(data, str | bytes) else 0


class EngineConnection(Protocol):
    """An Engine.IO connection, as far as the server uses it."""

    queue: Outgoing
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
    create_queue: Callable[[], Outgoing]
    disconnect: Callable[[str], Awaitable[None]]


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
        max_http_buffer_size=MAX_PAYLOAD,
        monitor_clients=False,  # its rounds take a whole ping time-out: too late for PRES-3, so see Connections
        logger=silent,
        engineio_logger=silent,
    )
    # Both the Engine.IO sid and the sid of the namespace are made by this function.
    sio.eio.generate_id = new_sid
    sio.eio.create_queue = Outgoing
    sio.eio.disconnect = partial(end, sio.eio)
    return sio


async def emit_with(sio: Sio, effect: Emit) -> None:
    """Raise one event on one connection; one that has gone meanwhile gets nothing."""
    await sio.emit(effect.event, effect.payload, to=effect.sid, namespace=NAMESPACE)


async def end(engine: Engine, eio_sid: str) -> None:
    """End a connection at once; python-engineio's own way waits until the client has fetched the good-bye."""
    connection = engine.sockets.pop(eio_sid, None)
    if connection is not None:
        await connection.close(wait=False, abort=True)
        connection.queue.finish()
