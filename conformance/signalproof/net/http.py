"""HTTP to the target: one client for a whole run, which speaks the API of httpx2, with cookies for each participant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import perf_counter

import aiohttp
import httpx2

from signalproof.config.target import Target
from signalproof.net.aiohttp_transport import AiohttpTransport
from signalproof.net.descriptors import raise_limit
from signalproof.net.failures import HttpFailure, reason_of
from signalproof.net.limits import LONGEST_REPLY
from signalproof.net.pool import Pool
from signalproof.net.rate_limit import Pace
from signalproof.net.web_socket import WebSocket, stay

__all__ = ["Http", "HttpReply", "UserAgent"]

_url = lru_cache(httpx2.URL)
"""Parses the few addresses of a target once."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP reply: header names in lower case, `elapsed` in seconds.

    `repeated` says that the request met a connection which the server was closing, and was sent once more.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    repeated: bool = False


class _Wire:
    """What all user agents of a run share: connections, pace, and the target with its time limit."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.base = target.url
        self.pace = Pace(target.rate)
        self.connections_of_sockets = Pool(limit=0, tls=target.tls)
        self.client = httpx2.AsyncClient(
            transport=AiohttpTransport(Pool(limit=128, tls=target.tls)),
            headers=httpx2.Headers(list(target.headers), encoding="utf-8"),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # those of a request are its user agent's
            follow_redirects=False,
            timeout=None,
            trust_env=False,
        )
        self.headers = lru_cache(maxsize=1_000)(self._headers)

    def _headers(self, own: tuple[tuple[str, str], ...]) -> httpx2.Headers:
        """Give the headers of a request: its own in place of those of all requests."""
        headers = self.client.headers.copy()
        headers.update(httpx2.Headers(own, encoding="utf-8"))
        return headers


class UserAgent:
    """Whoever has cookies of its own, for its requests and its socket alike: a participant, or the kit itself."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        self._cookies = aiohttp.CookieJar(unsafe=True)  # also of hosts that are called by address

    @property
    def pace(self) -> Pace:
        """What spreads requests and connects where the operator wants that."""
        return self._wire.pace

    def new_session(self) -> aiohttp.ClientSession:
        """Make the session that a socket is opened from; all share one connector."""
        return aiohttp.ClientSession(
            headers=list(self._wire.target.headers),
            cookie_jar=self._cookies,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._wire.target.timeout),
            connector=self._wire.connections_of_sockets,
            connector_owner=False,
            middlewares=(stay, self._wire.connections_of_sockets.repeat),
            ws_response_class=WebSocket,
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
            request = httpx2.Request(
                method,
                _url(f"{self._wire.base if base is None else base}{path}"),
                headers=self._wire.headers(tuple((headers or {}).items())),
                stream=httpx2.ByteStream(content or b""),  # which leaves Host and Content-Length to the transport
                extensions={"cookie_jar": self._cookies},
            )
            async with asyncio.timeout(self._wire.target.timeout):
                reply = await self._wire.client.send(request, stream=True)
                body = await _read(reply)
        except TimeoutError as error:
            raise HttpFailure(f"no reply within {perf_counter() - began:.1f} s", late=True) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise HttpFailure(reason_of(error)) from error
        return HttpReply(
            status=reply.status_code,
            headers=dict(reply.headers.items()),
            body=body,
            elapsed=perf_counter() - began,
            repeated=reply.extensions["repeated"],
        )


class Http(UserAgent):
    """The user agent of the kit itself, and where those of the participants come from."""

    def __init__(self, target: Target) -> None:
        raise_limit()
        super().__init__(_Wire(target))

    def user_agent(self) -> UserAgent:
        """Make a user agent for one participant."""
        return UserAgent(self._wire)

    def adopt(self, target: Target) -> None:
        """Take over the time limit that fits the measured round trip."""
        self._wire.target = target

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.client.aclose()
        await self._wire.connections_of_sockets.close()


async def _read(reply: httpx2.Response) -> bytes:
    """Read the body of a reply, decoded, and let its connection go."""
    body = bytearray()
    try:
        # The decoders cost something even where there is nothing to decode.
        async for chunk in reply.aiter_bytes() if "content-encoding" in reply.headers else reply.aiter_raw():
            body += chunk
            if len(body) > LONGEST_REPLY:
                raise HttpFailure(f"the reply is longer than {LONGEST_REPLY:,} bytes, which is all that the kit reads")
    finally:
        await reply.aclose()
    return bytes(body)
