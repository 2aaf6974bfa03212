"""Compares HTTP clients for the kit: processor time of one POST to the reference server, by how many go at once.

Run it with `.venv/bin/python benchmarks/http_client.py [--requests N]`. All clients send the same small refused
offer, in turn and three times over; the median counts. `httpx2 on aiohttp` is what the kit uses, by its own
transport; `httpx on aiohttp` is the transport of the package httpx-aiohttp.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from statistics import median
from time import process_time

import aiohttp
import httpx
import httpx2
from httpx_aiohttp import HttpxAiohttpClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))

from signalproof.config.embedded import reference_server, url_of
from signalproof.net.aiohttp_transport import AiohttpTransport
from signalproof.net.pool import Pool

BODY = b'{"sid":"x","type":"sender","reciever_login":"y","offer":"{}"}'
HEADERS = {"content-type": "application/json"}
AT_ONCE = (4, 16, 64)

Post = Callable[[], Awaitable[int]]
Maker = Callable[[int], AbstractAsyncContextManager[Post]]


@asynccontextmanager
async def _by_aiohttp(url: str, at_once: int) -> AsyncIterator[Post]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

        async def post() -> int:
            async with session.post(url, data=BODY, headers=HEADERS) as reply:
                await reply.read()
                return reply.status

        yield post


@asynccontextmanager
async def _by(client: httpx.AsyncClient | httpx2.AsyncClient, url: str) -> AsyncIterator[Post]:
    async with client:

        async def post() -> int:
            return (await client.post(url, content=BODY, headers=HEADERS)).status_code

        yield post


def _makers(url: str) -> dict[str, Maker]:
    """Give what makes each client, with room for so many connections."""

    def limits(at_once: int) -> dict[str, int]:
        return {"max_connections": at_once, "max_keepalive_connections": at_once}

    def by_httpx2_on_aiohttp(at_once: int) -> AbstractAsyncContextManager[Post]:
        transport = AiohttpTransport(Pool(limit=at_once, tls=None))
        return _by(httpx2.AsyncClient(transport=transport), url)

    return {
        "aiohttp": lambda at_once: _by_aiohttp(url, at_once),
        "httpx2 on aiohttp": by_httpx2_on_aiohttp,
        "httpx on aiohttp": lambda n: _by(HttpxAiohttpClient(limits=httpx.Limits(**limits(n)), trust_env=False), url),
        "httpx2": lambda n: _by(httpx2.AsyncClient(limits=httpx2.Limits(**limits(n)), trust_env=False), url),
        "httpx": lambda n: _by(httpx.AsyncClient(limits=httpx.Limits(**limits(n)), trust_env=False), url),
    }


async def _measure(post: Post, requests: int, at_once: int) -> float:
    """Give the processor time of one request in milliseconds."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            if await post() != 200:
                raise SystemExit("the server did not answer as expected")

    await one()
    began = process_time()
    await asyncio.gather(*(one() for _ in range(requests)))
    return (process_time() - began) / requests * 1000


async def _compare(url: str, requests: int) -> dict[tuple[str, int], float]:
    figures: dict[tuple[str, int], list[float]] = {}
    for _ in range(3):
        for name, make in _makers(url).items():
            for at_once in AT_ONCE:
                # New connections each time: the server closes those that it finds idle.
                async with make(at_once) as post:
                    figures.setdefault((name, at_once), []).append(await _measure(post, requests, at_once))
    return {which: median(values) for which, values in figures.items()}


def main() -> None:
    """Start the server and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()
    with reference_server() as server:
        figures = asyncio.run(_compare(f"{url_of(server)}/offer", options.requests))
    print("ms of processor time per POST", *(f"{at_once:>3} at once" for at_once in AT_ONCE))
    for name in dict.fromkeys(name for name, _ in figures):
        print(f"{name:29}", *(f"{figures[name, at_once]:>11.2f}" for at_once in AT_ONCE))


if __name__ == "__main__":
    main()
