"""HTTP and Socket.IO to the target: the only importer of aiohttp and socketio.

Events are recorded by a catch-all handler that is attached before the connection opens and never
waits, so that order and number are those of arrival. Nothing untyped leaves this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import socketio
from socketio.exceptions import BadNamespaceError
from socketio.exceptions import ConnectionError as SocketConnectionError

from signalproof.config.target import Target
from signalproof.net.rate_limit import Pace
from signalproof.text.redact import cut
from signalproof.text.untrusted import TooDeep, read_json

__all__ = ["ConnectRefused", "Http", "HttpFailure", "HttpReply", "RawSocket", "Socket", "SocketFailure"]

OnEvent = Callable[[str, tuple[object, ...], float], None]
REFUSAL = 1_000
"""Characters that are read of why CONNECT was refused."""
LONGEST = 33_554_432
"""Bytes of a reply that are read: `/online` may list a million logins."""
_SILENT = logging.getLogger("signalproof.silent")
"""Takes the logs of the libraries, which would stand between the lines of the report: each check says what it saw."""
_SILENT.setLevel(logging.CRITICAL + 1)


class HttpFailure(Exception):
    """No HTTP reply came; the text says why."""


class SocketFailure(Exception):
    """A Socket.IO connection or acknowledgement did not come; the text says why."""


class ConnectRefused(SocketFailure):
    """A Socket.IO server is there and answered CONNECT with CONNECT_ERROR; the text is what it said."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP reply: header names in lower case, `elapsed` in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float


class Http:
    """The shared HTTP client of a whole run, and the sessions that its sockets are opened from.

    aiohttp, which python-socketio brings along anyway, costs less than a fifth of the processor time of
    httpx per request, and the suite makes 1,400 of them (`benchmarks/http_client.py`). Idle connections are
    dropped after a second, before servers do it: a POST that meets a closing connection is lost.
    `pace` spreads requests and connects where the operator wants that.
    """

    def __init__(self, target: Target) -> None:
        self.pace = Pace(target.rate)
        self._base = target.url
        self._session = aiohttp.ClientSession(
            headers=list(target.headers),
            skip_auto_headers=["content-type"],
            connector=aiohttp.TCPConnector(limit=128, keepalive_timeout=1, ssl=target.tls or True),
        )
        self._target = target
        self._connector = aiohttp.TCPConnector(limit=0, ssl=target.tls or True)

    def adopt(self, target: Target) -> None:
        """Take over the time limit that fits the measured round trip."""
        self._target = target

    def new_session(self) -> aiohttp.ClientSession:
        """Make the session of one socket: cookies of its own, for each is another user; one connector for all."""
        return aiohttp.ClientSession(
            headers=list(self._target.headers),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._target.timeout),
            connector=self._connector,
            connector_owner=False,
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        base: str | None = None,
        on_turn: Callable[[], None] = lambda: None,
    ) -> HttpReply:
        """Send one request below the base URL, or below another one; `on_turn` is called just before.

        Raises `HttpFailure` when no whole reply comes within the time limit, or one that never ends.
        """
        await self.pace.turn()
        on_turn()
        began = perf_counter()
        try:
            async with self._session.request(
                method,
                f"{self._base if base is None else base}{path}",
                headers=headers,
                data=content,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._target.timeout),
            ) as reply:
                body = bytearray()
                async for chunk in reply.content.iter_any():
                    body += chunk
                    if len(body) > LONGEST:
                        raise HttpFailure(f"the reply is longer than {LONGEST:,} bytes")
        except TimeoutError as error:
            raise HttpFailure(f"no reply within {perf_counter() - began:.1f} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise HttpFailure(_reason(error)) from error
        return HttpReply(reply.status, reply.headers, bytes(body), perf_counter() - began)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        await self._connector.close()


class _Json:
    """How packets are read and written: one that cannot be read says so in place of its content."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str) -> Any:  # noqa: ANN401 - a JSON value
        """Read the content of a packet."""
        try:
            return read_json(text)
        except TooDeep as error:
            return [f"a packet that cannot be read ({error})"]


class _Packet(socketio.packet.Packet):  # type: ignore[misc]  # the library has no types
    """A Socket.IO packet of the kit's own clients, whatever else this process does with Socket.IO."""

    json = _Json


class Socket:
    """One Socket.IO connection over WebSocket, namespace `/` (LOGIN-1)."""

    def __init__(self, target: Target, http: Http, on_event: OnEvent, on_close: Callable[[], None]) -> None:
        self._target = target
        self._pace = http.pace
        self._pending: set[asyncio.Future[tuple[object, ...]]] = set()
        self._on_close = on_close
        self._client = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            serializer=_Packet,
            logger=_SILENT,
            engineio_logger=_SILENT,
            http_session=http.new_session,
        )
        self._refusals: list[str] = []
        self._client.on("disconnect", self._closed)
        self._client.on("connect_error", self._refused)
        self._client.on("*", lambda event, *args: on_event(str(event), args, perf_counter()))

    def _refused(self, message: object = None, *_: object) -> None:
        text = message.get("message") if isinstance(message, dict) else message
        # python-socketio reports a failed transport here too, but by name only.
        if text not in {None, "Connection error"}:
            self._refusals.append(cut(str(text), REFUSAL).rstrip("."))

    def _closed(self, *_: object) -> None:
        for future in self._pending:
            if not future.done():
                future.set_exception(SocketFailure("the connection closed first"))
        self._on_close()

    async def connect(self, auth: object = None) -> None:
        """Open the connection with the payload `auth` for CONNECT.

        Raises `SocketFailure` when the target refuses it or does not reply in time.
        """
        timeout = self._target.timeout
        origin, path = _split(self._target.socket_url)
        await self._pace.turn()
        try:
            await asyncio.wait_for(
                self._client.connect(
                    origin,
                    auth=auth,
                    transports=["websocket"],
                    socketio_path=f"{path}/socket.io",
                    wait_timeout=timeout,
                ),
                timeout,
            )
        except TimeoutError as error:
            raise SocketFailure(f"no Socket.IO connection within {timeout:.1f} s") from error
        except (SocketConnectionError, aiohttp.ClientError, OSError, ValueError) as error:
            if self._refusals:
                raise ConnectRefused(self._refusals[-1]) from error
            raise SocketFailure(_reason(error)) from error
        except Exception as error:
            # python-engineio takes the open packet for what it should be, and trips over anything else.
            raise SocketFailure(f"the handshake cannot be understood ({type(error).__name__})") from error

    @property
    def connected(self) -> bool:
        """Whether the connection is open as far as this side knows."""
        return bool(self._client.connected)

    @property
    def sid(self) -> str:
        """The Socket.IO sid of namespace `/`, the credential of every POST."""
        return str(self._client.get_sid() or "")

    @property
    def engine_sid(self) -> str:
        """The Engine.IO sid, which is no credential (OFFER-5)."""
        return str(self._client.eio.sid or "")

    @property
    def ping_seconds(self) -> float:
        """Ping interval and time-out of the Engine.IO handshake together: how long a silent loss stays unseen."""
        return float(self._client.eio.ping_interval + self._client.eio.ping_timeout)

    async def request(self, event: str, *args: object, timeout: float) -> tuple[object, ...]:
        """Emit an event and give the arguments of its acknowledgement.

        Raises `SocketFailure` when none comes within `timeout` seconds or the connection closes first.
        """
        acknowledged: asyncio.Future[tuple[object, ...]] = asyncio.get_running_loop().create_future()
        self._pending.add(acknowledged)

        def acknowledge(*values: object) -> None:
            if not acknowledged.done():
                acknowledged.set_result(values)

        try:
            await self._client.emit(event, args or None, callback=acknowledge)
            return await asyncio.wait_for(acknowledged, timeout)
        except TimeoutError as error:
            raise SocketFailure(f"no acknowledgement within {timeout:.1f} s") from error
        except (SocketConnectionError, BadNamespaceError) as error:
            raise SocketFailure(_reason(error)) from error
        finally:
            self._pending.discard(acknowledged)

    async def emit(self, event: str, *args: object) -> None:
        """Emit an event without asking for an acknowledgement; raises `SocketFailure`."""
        try:
            await self._client.emit(event, args or None)
        except SocketConnectionError as error:
            raise SocketFailure(_reason(error)) from error

    async def close(self) -> None:
        """Leave gracefully: DISCONNECT, then the transport."""
        with contextlib.suppress(SocketConnectionError, aiohttp.ClientError, OSError):
            await self._client.disconnect()


class RawSocket:
    """A WebSocket to the Engine.IO endpoint that sends what it is told, well-formed or not (LOGIN-10)."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket

    @classmethod
    async def open(cls, target: Target, http: Http) -> RawSocket:
        """Open the WebSocket without polling first; raises `SocketFailure`."""
        url = f"{target.socket_url}/socket.io/?EIO=4&transport=websocket"
        await http.pace.turn()
        session = http.new_session()
        try:
            return cls(session, await asyncio.wait_for(session.ws_connect(url), target.timeout))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await session.close()
            raise SocketFailure(_reason(error)) from error

    async def send(self, packet: str | bytes) -> None:
        """Send one frame; a connection that the target has closed is not an error here."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            if isinstance(packet, str):
                await self._socket.send_str(packet)
            else:
                await self._socket.send_bytes(packet)

    async def receive(self, timeout: float) -> str | bytes | None:
        """Give the next frame that is no ping, or None when the target closed the connection.

        Pings on the way are answered. Raises `SocketFailure` when nothing comes within `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                while (message := await self._socket.receive()).data == "2":
                    await self.send("3")
        except TimeoutError as error:
            raise SocketFailure(f"no frame within {timeout:.1f} s") from error
        data: Any = message.data
        return data if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY} else None

    async def dropped(self, timeout: float) -> None:
        """Answer nothing until the target closes the connection, or `timeout` seconds are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while (await self._socket.receive()).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    pass

    async def close(self) -> None:
        """Close the WebSocket and its session."""
        await self._socket.close()
        await self._session.close()


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")


def _reason(error: BaseException) -> str:
    """Give the innermost cause in words: what an operator can act on."""
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, aiohttp.WSServerHandshakeError):
        return f"the WebSocket handshake got HTTP {cause.status}"
    return str(cause) or str(error) or type(cause).__name__
