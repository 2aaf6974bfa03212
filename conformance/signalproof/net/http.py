"""HTTP to the target: one client for a whole run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import aiohttp

from signalproof.config.target import Target
from signalproof.net.failures import HttpFailure, reason_of
from signalproof.net.rate_limit import Pace

__all__ = ["Http", "HttpReply"]

LONGEST = 33_554_432
"""Bytes of a reply that are read: `/online` may list a million logins."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP reply: header names in any case, and looked up without regard to it; `elapsed` in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float


class Http:
    """The shared HTTP client of a whole run, and the sessions that its sockets are opened from.

    aiohttp, which python-socketio brings along anyway, costs less than a fifth of the processor time of
    httpx per request, and the suite makes thousands of them (`benchmarks/http_client.py`). Idle connections are
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
            raise HttpFailure(reason_of(error)) from error
        return HttpReply(reply.status, reply.headers, bytes(body), perf_counter() - began)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        await self._connector.close()
