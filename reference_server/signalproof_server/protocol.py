"""Below the application: uvicorn's protocols, with bounds for what a client can make the server hold.

The HTTP parser has no limits, and it skips the body of a request that offers to go on in another protocol, as Java's
client does by default (`Upgrade: h2c`). uvicorn's other parser, h11, does neither, but takes a third more
processor time per request.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from signalproof_server.config import Settings
from signalproof_server.engine import MAX_PAYLOAD, SOCKET_PATH
from signalproof_server.errors import BadRequest, HeadTooLarge, Refusal, reply_to

__all__ = ["Config"]

HEAD_BYTES = 65_536
"""The most of a request line with its headers, of trailers, or of anything else that is no body."""
LINGER_SECONDS = 1
"""How long a refused client is listened to: closing on one that still writes would take the refusal from it."""
FRAMING = (b"content-length", b"transfer-encoding")


class Config(uvicorn.Config):
    """uvicorn's configuration, with the operator's in it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(
            app,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_max_size=MAX_PAYLOAD,
            ws_ping_interval=None,  # Engine.IO has pings of its own
            ws_per_message_deflate=False,  # short messages: it costs more than it saves
            lifespan="off",  # see Server.run_app(): a database that cannot be opened is an exception there
            proxy_headers=False,
            access_log=False,  # query strings hold sids
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self.settings = settings


class Impatient(asyncio.Protocol):
    """A connection that ends when its client has read nothing for a ping time-out, although there is something."""

    config: Config
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    patience: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Begin to wait for the client."""
        super().pause_writing()
        self._wait(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Write on."""
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop."""
        super().connection_lost(exc)
        self._stop_waiting()

    def _wait(self, unread: int) -> None:
        self.patience = self.loop.call_later(self.config.settings.ping_timeout, self._check, unread)

    def _stop_waiting(self) -> None:
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None

    def _check(self, unread: int) -> None:
        still_unread = self.transport.get_write_buffer_size()
        if still_unread < unread:
            self._wait(still_unread)
        else:
            self.transport.abort()


class HttpProtocol(Impatient, HttpToolsProtocol):
    """One HTTP connection."""

    config: Config

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.parser: Parser = Parser(self)
        self.unread = 0
        """How many bytes have come since the last head or piece of a body was complete."""
        self.refused = False

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        if self.refused:
            return
        self.unread += len(data)
        super().data_received(data)
        if self.unread > HEAD_BYTES and not self.refused:
            self.refuse(HeadTooLarge())

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head came at once and is too large all the same."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES:
            self.refuse(HeadTooLarge())
            raise HeadTooLarge  # nothing of it is read any further
        self.unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        self.unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Say that the request is complete, unless its body has been skipped and is still to come."""
        self.unread = 0
        if not self.parser.skips_body():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request."""
        if not self.refused:
            self.refuse(BadRequest(msg))

    def refuse(self, refusal: Refusal) -> None:
        """Answer without the application, and read no more (HTTP-3)."""
        self.refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        reply = reply_to(refusal)
        body = json.dumps(reply.body).encode()
        head = (
            f"HTTP/1.1 {reply.http_status} {HTTPStatus(reply.http_status).phrase}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


class Parser(httptools.HttpRequestParser):
    """A parser that upgrades to WebSocket where Socket.IO is, and declines every other offer by answering."""

    def __init__(self, protocol: HttpProtocol, listener: object = None) -> None:
        super().__init__(listener or protocol)
        self.protocol = protocol

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # no other kind of bytes comes
        """Parse what has come; a body that is skipped goes to another parser, which knows nothing of the offer."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            if self.should_upgrade():
                raise
            protocol = self.protocol
            protocol.cycle.keep_alive = False
            rest = SimpleNamespace(on_body=protocol.on_body, on_message_complete=protocol.on_message_complete)
            protocol.parser = Parser(protocol, rest)
            framing = [b"%s: %s\r\n" % header for header in protocol.headers if header[0] in FRAMING]
            protocol.parser.feed_data(b"".join([b"POST / HTTP/1.1\r\n", *framing, b"\r\n", data[offer.args[0] :]]))

    def should_upgrade(self) -> bool:
        """Tell whether this is the handshake of a WebSocket where WebSockets are."""
        return (
            super().should_upgrade()
            and self.get_method() == b"GET"
            and SOCKET_PATH.encode() in self.protocol.url.partition(b"?")[0] + b"/"
            and (b"upgrade", b"websocket") in [(name, value.lower()) for name, value in self.protocol.headers]
        )

    def skips_body(self) -> bool:
        """Tell whether the request offers what is declined."""
        return super().should_upgrade() and not self.should_upgrade()


class WebSocketProtocol(Impatient, WebSocketsSansIOProtocol):
    """One WebSocket; nothing more is taken from a client that does not read what it has got."""

    config: Config

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = LINGER_SECONDS

    async def receive(self) -> Any:  # noqa: ANN401 - uvicorn keeps the type to itself
        """Take the next message."""
        await self.writable.wait()
        return await super().receive()

    def handle_ping(self) -> None:
        """Send a pong, unless earlier ones wait: the latest ping alone needs an answer (RFC 6455, 5.5.3)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    async def run_asgi(self) -> None:
        """Serve, and see to it that the transport ends, whether or not the client reads the rest."""
        await super().run_asgi()
        self.loop.call_later(self.close_timeout, self.transport.abort)
