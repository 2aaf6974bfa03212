"""Faults that a slow client brings out, or one that goes in the middle of a request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.faults.login import websockets
from tests.faults.registry import fault
from tests.faults.seams import Variant

TOGETHER = "many are served at once there"
Post = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


def _posts(server: Variant, post: Post) -> None:
    """Stand between the server and the POSTs that it gets."""

    def asgi(inner: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await (post(inner, scope, receive, send) if scope.get("method") == "POST" else inner(scope, receive, send))

        return serve

    server.on_asgi = asgi


@fault("HTTP-12", collateral={"*": "clients that give up are met there too"})
def dies_of_half_a_request(server: Variant) -> None:
    """Node.js: the request emits `error`, nobody listens, and the process ends."""

    async def post(inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        whole = False

        async def received() -> Message:
            nonlocal whole
            message = await receive()
            if message["type"] == "http.disconnect" and not whole:
                os._exit(1)
            whole = not message.get("more_body", False)
            return message

        await inner(scope, received, send)

    _posts(server, post)


def _one_body_at_a_time(server: Variant, path: str) -> None:
    lock = asyncio.Lock()

    async def post(inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != path and not lock.locked():
            await inner(scope, receive, send)
            return
        async with lock:
            await inner(scope, receive, send)

    _posts(server, post)


@fault("HTTP-12", collateral={"*": TOGETHER})
def a_slow_body_holds_up_everybody(server: Variant) -> None:
    """One synchronous worker, and `readfile` reads until the body is whole."""
    _one_body_at_a_time(server, "/offer")


@fault("HTTP-12", collateral={"*": TOGETHER})
def a_slow_status_holds_up_everybody(server: Variant) -> None:
    """The same at an endpoint that came later, with a reader of its own."""
    _one_body_at_a_time(server, "/status")


@fault("HTTP-12", collateral={"*": TOGETHER})
def waits_for_clients_that_read_nothing(server: Variant) -> None:
    """One task writes to all sockets, one after the other, and waits until each has taken its event."""
    lock = asyncio.Lock()

    async def serve(inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            async with lock:
                await send(message)

        await inner(scope, receive, sent)

    websockets(server, serve)
