"""Socket.IO to the target.

Events are recorded by a catch-all handler that is attached before the connection opens and never
waits, so that order and number are those of arrival. Nothing untyped leaves this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import socketio
from socketio.exceptions import BadNamespaceError
from socketio.exceptions import ConnectionError as SocketConnectionError

from signalproof.config.target import Target
from signalproof.net.failures import ConnectRefused, Redirected, SocketFailure, reason_of
from signalproof.net.http import UserAgent
from signalproof.net.web_socket import OVERRUN, TOO_LONG, HandshakeRedirected
from signalproof.text.redact import cut
from signalproof.text.untrusted import TooDeep, read_json

__all__ = ["Socket"]

OnEvent = Callable[[str, tuple[object, ...], float, bool], None]
"""Takes the name of an event, its arguments, when it came, and whether it asks for an acknowledgement."""
_ASKS = object()
"""Stands behind the arguments of an event that asks for an acknowledgement, from the packet to its handler."""
GOODBYE_SECONDS = 1.0
"""How long a connection that takes nothing may hold up the packet that says good-bye."""
_DISCONNECT = str(socketio.packet.DISCONNECT)
"""The packet for namespace `/`, in a message of Engine.IO."""
REFUSAL = 1_000
"""Characters that are read of why CONNECT was refused."""
_SILENT = logging.getLogger("signalproof.silent")
"""Takes the logs of the libraries, which would stand between the lines of the report: each check says what it saw."""
_SILENT.setLevel(logging.CRITICAL + 1)


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
    id: int | None

    def decode(self, encoded_packet: str) -> int:
        """Read a packet; an event that asks for an acknowledgement gets none, as clients of the protocol give none."""
        attachments: int = super().decode(encoded_packet)
        is_event = self.packet_type in {socketio.packet.EVENT, socketio.packet.BINARY_EVENT}
        if is_event and self.id is not None and isinstance(self.data, list):
            self.id = None
            self.data.append(_ASKS)
        return attachments


class Socket:
    """One Socket.IO connection over WebSocket, namespace `/` (LOGIN-1)."""

    def __init__(self, target: Target, agent: UserAgent, on_event: OnEvent, on_close: Callable[[], None]) -> None:
        self._target = target
        self._pace = agent.pace
        self._pending: set[asyncio.Future[tuple[object, ...]]] = set()
        self._on_close = on_close
        self._client = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            serializer=_Packet,
            logger=_SILENT,
            engineio_logger=_SILENT,
            http_session=agent.new_session,
            websocket_extra_options={"max_msg_size": TOO_LONG},
        )
        self._refusals: list[str] = []
        self._leaving = False
        self._lost = ""
        self._client.on("disconnect", self._closed)
        self._client.on("connect_error", self._refused)
        self._client.on("*", partial(_hand_over, on_event))

    def _refused(self, message: object = None, *_: object) -> None:
        text = message.get("message") if isinstance(message, dict) else message
        # python-socketio reports a failed transport here too, but by name only.
        if text not in {None, "Connection error"}:
            self._refusals.append(cut(str(text), REFUSAL).rstrip("."))

    def _closed(self, *_: object) -> None:
        if not self._leaving and not self._lost and self.overrun is None:
            self._lost = self._how_lost()
        for future in self._pending:
            if not future.done():
                future.set_exception(SocketFailure(self.overrun or "the connection closed first"))
        self._on_close()

    def _how_lost(self) -> str:
        """Say how the connection ended that nobody here had asked to end."""
        silent = perf_counter() - self._client.eio.ws.last_at >= self.ping_seconds
        return "got no ping in time and was given up, as clients do," if silent else "was closed by the server"

    async def connect(self, auth: object = None) -> None:
        """Open the connection with the payload `auth` for CONNECT.

        Raises `SocketFailure` when the target refuses it or does not reply in time.
        """
        timeout = self._target.timeout
        origin, path = _split(self._target.socket_url)
        await self._pace.turn()
        try:
            async with asyncio.timeout(timeout):
                await self._client.connect(
                    origin,
                    auth=auth,
                    transports=["websocket"],
                    socketio_path=f"{path}/socket.io",
                    wait_timeout=timeout,
                )
        except TimeoutError as error:
            raise SocketFailure(f"no Socket.IO connection within {timeout:.1f} s", late=True) from error
        except HandshakeRedirected as error:
            raise Redirected(str(error)) from error
        except (SocketConnectionError, aiohttp.ClientError, OSError, ValueError) as error:
            if self._refusals:
                raise ConnectRefused(self._refusals[-1]) from error
            raise SocketFailure(self.overrun or reason_of(error)) from error
        except Exception as error:
            # python-engineio takes the open packet for what it should be, and trips over anything else.
            raise SocketFailure(f"the handshake cannot be understood ({type(error).__name__})") from error

    @property
    def overrun(self) -> str | None:
        """What came, if it was so long that the kit closed the connection of its own accord."""
        return OVERRUN if getattr(self._client.eio.ws, "overrun", False) else None

    @property
    def lost(self) -> str:
        """What became of the connection, to be said of it, if nobody here had asked it to end; empty otherwise."""
        return self._lost

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
            raise SocketFailure(f"no acknowledgement within {timeout:.1f} s", late=True) from error
        except (SocketConnectionError, BadNamespaceError) as error:
            raise SocketFailure(reason_of(error)) from error
        finally:
            self._pending.discard(acknowledged)

    async def emit(self, event: str, *args: object) -> None:
        """Emit an event without asking for an acknowledgement; raises `SocketFailure`."""
        try:
            await self._client.emit(event, args or None)
        except SocketConnectionError as error:
            raise SocketFailure(reason_of(error)) from error

    async def close(self) -> None:
        """Leave gracefully: DISCONNECT, then the transport."""
        self._leaving = True
        with contextlib.suppress(SocketConnectionError, aiohttp.ClientError, OSError):
            if self._client.connected:
                # python-socketio closes the transport before its packet has gone out.
                await self._client.eio.send(_DISCONNECT)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GOODBYE_SECONDS):
                        await self._client.eio.queue.join()
            await self._client.disconnect()


def _hand_over(on_event: OnEvent, event: object, *arguments: object) -> None:
    asks = bool(arguments) and arguments[-1] is _ASKS
    on_event(str(event), arguments[:-1] if asks else arguments, perf_counter(), asks)


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
