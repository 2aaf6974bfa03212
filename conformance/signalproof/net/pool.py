"""Connections that are used more than once, and requests that meet one which its server has just closed.

A server may close an idle connection at any time, so at the very moment of the next request (RFC 9112, section
9.3.1). Such a request says nothing about the target: it is sent once more, on a new connection. One on a new
connection is sent once, whatever its method.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from weakref import WeakKeyDictionary, WeakSet

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from signalproof.errors import KitError

__all__ = ["Pool"]

IDLE = 1
"""Seconds after which an idle connection is not used again: servers wait longer, most of them five or more."""
MARGIN = 1
"""Seconds that have to be left until the server closes it, by its own word (`Keep-Alive: timeout=…`)."""
_TIMEOUT = re.compile(r"\btimeout\s*=\s*(\d+)", re.IGNORECASE)


class Pool(aiohttp.TCPConnector):
    """The connections of a run; use `repeat` as a middleware of the sessions that have them."""

    def __init__(self, *, limit: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(limit=limit, keepalive_timeout=IDLE, ssl=tls or True)
        self._lines: WeakKeyDictionary[aiohttp.ClientRequest, _Line] = WeakKeyDictionary()
        self._repeated: WeakSet[aiohttp.ClientRequest] = WeakSet()
        self._repeats: WeakSet[aiohttp.ClientResponse] = WeakSet()

    def is_repeat(self, reply: aiohttp.ClientResponse) -> bool:
        """Whether the request of `reply` had to be sent a second time."""
        return reply in self._repeats

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Give a connection: one that was used before, unless it is given up or the request is sent again."""
        while True:
            connection = await super().connect(req, traces, timeout)
            transport = connection.transport
            if transport is None:
                return connection  # gone already, which whoever writes to it is told
            line = transport.get_protocol()
            if not isinstance(line, _Line):
                line = _Line(line)
                transport.set_protocol(line)
            elif line.given_up or req in self._repeated:
                connection.close()
                continue
            line.begin()
            self._lines[req] = line
            return connection

    async def repeat(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send a request, and once more if it met a connection that was being closed."""
        try:
            reply = await self._send(request, handler)
        except _Ended:
            line = self._lines[request]
            if line.requests == 1 or line.heard:
                raise
            self._repeated.add(request)
            reply = await self._send(request, handler)
            self._repeats.add(reply)
        keep = _TIMEOUT.search(reply.headers.get("keep-alive", ""))
        if keep and int(keep[1]) < IDLE + MARGIN:
            self._lines[request].given_up = True
        return reply

    async def _send(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        try:
            return await handler(request)
        except (aiohttp.ClientConnectionError, ConnectionError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) or request not in self._lines:
                raise
            # By this name: aiohttp sends a GET again of its own accord, whatever its connection has been through.
            raise _Ended(str(error)) from error


class _Ended(aiohttp.ClientConnectionError):
    """The connection ended before the head of the reply was there."""


class _Line(asyncio.Protocol):
    """Stands between a connection and aiohttp's protocol, and sees whether anything comes in return for a request."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        if not isinstance(protocol, asyncio.Protocol):
            raise KitError(f"aiohttp {aiohttp.__version__} reads its connections in a way that the kit does not know")
        self._protocol = protocol
        self.requests = 0
        self.heard = False
        self.given_up = False

    def begin(self) -> None:
        """Count a request, in return for which nothing has come yet."""
        self.requests += 1
        self.heard = False

    def data_received(self, data: bytes) -> None:
        """Note that something came, and pass it on."""
        self.heard = True
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that no more will come."""
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the connection is gone."""
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that what is written is not sent fast enough."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that there is room again."""
        self._protocol.resume_writing()
