"""What holds for every WebSocket of the kit: it is opened where the operator said, and it owns up to its limit."""

from __future__ import annotations

from time import perf_counter

import aiohttp

from signalproof.net.limits import LONGEST_MESSAGE
from signalproof.text.redact import cut

__all__ = ["OVERRUN", "TOO_LONG", "HandshakeRedirected", "Overrun", "WebSocket", "stay"]

TOO_LONG = LONGEST_MESSAGE + 1
"""Bytes of a message at which aiohttp stops."""
OVERRUN = f"a message of more than {LONGEST_MESSAGE:,} bytes, at which the kit, not the target, closed the connection"
"""What came, where the kit did not read on."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
LOCATION = 200
"""Characters that are shown of where a redirect leads to."""


class HandshakeRedirected(aiohttp.ClientError):
    """A handshake was led elsewhere."""


class Overrun(aiohttp.ClientError):
    """A message was longer than the kit reads."""


class WebSocket(aiohttp.ClientWebSocketResponse):
    """A WebSocket that tells its own limit from an end that the target made."""

    overrun = False
    last_at = float("inf")
    """When the last frame came, as `perf_counter` reads."""

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:
        """Give the next message; raises `Overrun` at one that is too long, and closes the connection."""
        message = await super().receive(timeout)
        self.last_at = perf_counter()
        error = message.data if message.type is aiohttp.WSMsgType.ERROR else None
        if isinstance(error, aiohttp.WebSocketError) and error.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            self.overrun = True
            raise Overrun(OVERRUN)
        return message


async def stay(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Follow no redirect of a handshake: the headers, secrets among them, are for one origin (spec/transport.md)."""
    reply = await handler(request)
    if reply.status in REDIRECTS and (location := reply.headers.get("location")):
        reply.close()
        raise HandshakeRedirected(
            f"the WebSocket handshake got HTTP {reply.status}, a redirect to {cut(location, LOCATION)}, "
            "which clients do not follow"
        )
    return reply
