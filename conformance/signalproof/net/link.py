"""How far away the target is: the round trip of the link, without the time that the server takes for a request."""

from __future__ import annotations

import asyncio
from time import perf_counter

import aiohttp

from signalproof.config.target import Target
from signalproof.net.http import UserAgent

__all__ = ["round_trip"]

PINGS = 3
PATIENCE_SECONDS = 2.0
"""Seconds for all of it together, beyond which the server answers no pings."""


async def round_trip(target: Target, agent: UserAgent) -> float | None:
    """Give the shortest of a few WebSocket pings (RFC 6455, section 5.5.2) in seconds, or None where none comes back.

    The server's WebSocket library answers them, not its handlers, and proxies on the way pass them on.
    """
    await agent.pace.turn()
    url = f"{target.socket_url}/socket.io/?EIO=4&transport=websocket"
    times: list[float] = []
    try:
        async with (
            asyncio.timeout(PATIENCE_SECONDS + target.round_trip),
            agent.new_session() as session,
            session.ws_connect(url, autoping=False) as socket,
        ):
            for _ in range(PINGS):
                began = perf_counter()
                await socket.ping(b"signalproof")
                while (frame := await socket.receive()).type is not aiohttp.WSMsgType.PONG:
                    if frame.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.PING}:
                        return min(times, default=None)
                times.append(perf_counter() - began)
    except (aiohttp.ClientError, OSError, TimeoutError):
        pass
    return min(times, default=None)
