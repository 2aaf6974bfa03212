"""Compares HTTP clients for the kit: processor time of one POST against the reference server.

Run it with `.venv/bin/python benchmarks/http_client.py [--requests N]`. Both clients send the same small
refused offer, 16 at a time, in turn and three times over; the median counts.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import process_time

import aiohttp
import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))

from signalproof.config.embedded import reference_server, url_of

BODY = b'{"sid":"x","type":"sender","reciever_login":"y","offer":"{}"}'
HEADERS = {"content-type": "application/json"}
AT_ONCE = 16


async def _measure(post: Callable[[], Awaitable[int]], requests: int) -> float:
    """Give the processor time of one request in milliseconds."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            if await post() != 200:
                raise SystemExit("the server did not answer as expected")

    await one()
    began = process_time()
    await asyncio.gather(*(one() for _ in range(requests)))
    return (process_time() - began) / requests * 1000


async def _compare(url: str, requests: int) -> None:
    figures: dict[str, list[float]] = {"httpx": [], "aiohttp": []}
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with (
        httpx.AsyncClient(limits=limits, trust_env=False) as modern,
        aiohttp.ClientSession() as classic,
    ):

        async def by_httpx() -> int:
            return (await modern.post(f"{url}/offer", content=BODY, headers=HEADERS)).status_code

        async def by_aiohttp() -> int:
            async with classic.post(f"{url}/offer", data=BODY, headers=HEADERS) as reply:
                await reply.read()
                return reply.status

        for _ in range(3):
            figures["httpx"].append(await _measure(by_httpx, requests))
            figures["aiohttp"].append(await _measure(by_aiohttp, requests))
    for name, values in figures.items():
        print(f"{name:8} {median(values):.2f} ms of processor time per POST")
    print(f"ratio    {median(figures['httpx']) / median(figures['aiohttp']):.1f}")


def main() -> None:
    """Start the server and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()
    with reference_server() as server:
        asyncio.run(_compare(url_of(server), options.requests))


if __name__ == "__main__":
    main()
