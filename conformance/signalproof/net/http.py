"""HTTP to the target: one client for a whole run, which speaks the API of httpx2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter

import aiohttp
import httpx2

from signalproof.config.target import Target
from signalproof.net.aiohttp_transport import AiohttpTransport
from signalproof.net.failures import HttpFailure, reason_of
from signalproof.net.rate_limit import Pace

__all__ = ["Http", "HttpReply"]

LONGEST = 33_554_432
"""Bytes of a reply that are read: `/online` may list a million logins."""
_url = lru_cache(httpx2.URL)
"""Parses the few addresses of a target once, which costs as much as half of the rest of a request."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP reply: header names in lower case, `elapsed` in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float


class Http:
    """The HTTP client of a whole run, and the sessions that its sockets are opened from.

    Idle connections are dropped after a second, before servers do it: a POST that meets a closing connection
    is lost. `pace` spreads requests and connects where the operator wants that.
    """

    def __init__(self, target: Target) -> None:
        self.pace = Pace(target.rate)
        self._base = target.url
        self._client = httpx2.AsyncClient(
            transport=AiohttpTransport(
                aiohttp.TCPConnector(limit=128, keepalive_timeout=1, ssl=target.tls or True),
            ),
            headers=httpx2.Headers(list(target.headers), encoding="utf-8"),
            follow_redirects=False,
            timeout=None,
            trust_env=False,
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
            async with asyncio.timeout(self._target.timeout):
                reply = await self._client.send(
                    httpx2.Request(
                        method,
                        _url(f"{self._base if base is None else base}{path}"),
                        headers=self._headers(headers or {}),
                        content=content,
                    ),
                    stream=True,
                )
                try:
                    body = bytearray()
                    encoded = "content-encoding" in reply.headers
                    async for chunk in reply.aiter_bytes() if encoded else reply.aiter_raw():
                        body += chunk
                        if len(body) > LONGEST:
                            raise HttpFailure(f"the reply is longer than {LONGEST:,} bytes")
                finally:
                    await reply.aclose()
        except TimeoutError as error:
            raise HttpFailure(f"no reply within {perf_counter() - began:.1f} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise HttpFailure(reason_of(error)) from error
        return HttpReply(reply.status_code, dict(reply.headers.items()), bytes(body), perf_counter() - began)

    def _headers(self, own: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        """Give the headers of a request: its own, and those of the client that they do not replace."""
        names = {name.lower().encode() for name in own}
        common = [pair for pair in self._client.headers.raw if pair[0].lower() not in names]
        return [*common, *((name.encode(), value.encode()) for name, value in own.items())]

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        await self._connector.close()
