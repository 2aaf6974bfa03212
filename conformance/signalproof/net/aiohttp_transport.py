"""The network below httpx2: requests go out over aiohttp, which python-socketio brings along anyway.

The pool of httpcore, which httpx2 comes with, asks every idle connection whether it is still there whenever a
request waits; with dozens of requests under way that costs more than all the rest (`benchmarks/http_client.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import httpx2
from yarl import URL

from signalproof.net.pool import Pool

__all__ = ["AiohttpTransport"]

FAILURES = (aiohttp.ClientError, OSError)


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of an `httpx2.AsyncClient` over the connections of `pool`, which it closes at the end.

    The extension `cookie_jar` of a request is an `aiohttp.CookieJar`, which sends cookies and keeps those that come;
    the extension `repeated` of a reply says whether its request had to be sent a second time.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._no_cookies = aiohttp.DummyCookieJar()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and give the reply as soon as its head is there; redirects are not followed."""
        session = aiohttp.ClientSession(
            connector=self._pool,
            connector_owner=False,
            cookie_jar=request.extensions.get("cookie_jar", self._no_cookies),
            auto_decompress=False,
            middlewares=(self._pool.repeat,),
            skip_auto_headers=["content-type"],  # the others httpx2 has set
            timeout=aiohttp.ClientTimeout(total=None),
        )
        try:
            reply = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=await request.aread() or None,
                allow_redirects=False,
            )
        except FAILURES as error:
            raise httpx2.TransportError(str(error)) from error
        finally:
            session.detach()
        return httpx2.Response(
            reply.status,
            headers=reply.raw_headers,
            stream=_Body(reply),
            extensions={"repeated": self._pool.is_repeat(reply)},
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.close()


class _Body(httpx2.AsyncByteStream):
    """The body of a reply, as it comes."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._reply.content.iter_any():
                yield chunk
        except FAILURES as error:
            raise httpx2.TransportError(str(error)) from error

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, and close it otherwise."""
        self._reply.release()
