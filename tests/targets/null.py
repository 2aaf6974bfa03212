"""Servers that do nothing, and must not earn anything: `python null.py KIND [--sockets]`.

Each gives the same answer to every HTTP request. With `--sockets` there is also a Socket.IO endpoint, on the same
port, that acknowledges every login as a success and raises no event, ever. The first line on standard output is
the URL.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import socketio
from aiohttp import web

MAX_BODY: Final = 64 * 1024 * 1024
PAGE: Final = "<!DOCTYPE html><html><title>It works!</title><h1>It works!</h1></html>"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def constant(status: int, body: str, content_type: str = "application/json") -> Handler:
    """Give one answer to everything."""

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(status=status, text=body, content_type=content_type)

    return handle


async def echo(request: web.Request) -> web.StreamResponse:
    """Give the body back."""
    return web.Response(body=await request.read(), content_type=request.content_type)


async def never(_: web.Request) -> web.StreamResponse:
    """Accept the request and never reply."""
    await asyncio.Event().wait()
    raise AssertionError


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without a reply."""
    if request.transport is not None:
        request.transport.close()
    raise web.HTTPOk


KINDS: Final[dict[str, Handler]] = {
    "empty": constant(200, "{}"),
    "offer-ok": constant(200, '{"offer":"ok"}'),
    "all-ok": constant(200, '{"status":0,"message":"ok","offer":"ok","payload":[]}'),
    "error": constant(500, '{"status":1,"message":"error"}'),
    "echo": echo,
    "never": never,
    "hang-up": hang_up,
    "html": constant(200, PAGE, "text/html"),
}


async def welcome(_sid: str, *_: object) -> dict[str, int]:
    """Acknowledge every login."""
    return {"status": 0}


async def serve(handler: Handler, *, sockets: bool) -> None:
    """Serve on a free port until the process is ended."""
    app = web.Application(client_max_size=MAX_BODY)
    if sockets:
        sio = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
        sio.on("login", welcome)
        sio.attach(app)
    app.router.add_route("*", "/{anything:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--sockets", action="store_true", help="accept every login over Socket.IO")
    options = parser.parse_args()
    logging.disable()  # nobody reads it, and a full pipe would stop the process
    asyncio.run(serve(KINDS[options.kind], sockets=options.sockets))


if __name__ == "__main__":
    main()
