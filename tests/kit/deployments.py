"""Deployments that a conformant server may live in: `python deployments.py NAME …` serves one on a free port.

`different` is the reference server with everything that the specification leaves open done another way, `queue`
delivers events by a slow queue, `sticky` finds a connection again by a cookie alone; `proxy` forwards connections
to another port, late or behind TLS. The first line on standard output is the URL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import ssl
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final, Generic, TypeVar

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalproof_server.app import Assembly
from signalproof_server.config import Settings
from signalproof_server.delivery import Emitter, LocalOutbox, Outbox
from signalproof_server.engine import Sio
from signalproof_server.http import Endpoint, HttpEdge
from signalproof_server.log import Logger
from signalproof_server.serve import Server, listen, new_event_loop
from signalproof_server.service import Service
from signalproof_server.socket import SocketEdge
from signalproof_server.tokens import read_secret
from signalproof_server.values import Emit, Json, Reply

CHUNK = 65_536
LATER = 0.03
QUEUE_DELAY, QUEUE_JITTER = 0.12, 0.9
"""Seconds, and the part of them by which they vary: events come 12 to 228 ms after the reply."""

T = TypeVar("T")


class Belt(Generic[T]):
    """What is put on it is delivered late, each thing in its turn, however much the delay varies."""

    def __init__(self, deliver: Callable[[T], object], delay: float, jitter: float = 0.0) -> None:
        self._deliver = deliver
        self._delay = delay
        self._jitter = jitter
        self._latest = 0.0
        self._waiting: deque[tuple[float, T]] = deque()

    def put(self, thing: T) -> None:
        """Promise to deliver it: after `delay` seconds, give or take the part `jitter` of them."""
        loop = asyncio.get_running_loop()
        varied = self._delay * (1 + random.uniform(-self._jitter, self._jitter))
        self._latest = max(self._latest, loop.time() + varied)
        self._waiting.append((self._latest, thing))
        loop.call_at(self._latest, self._pass_on, self._latest)

    def _pass_on(self, now: float) -> None:
        # Timers of the same moment have no order, so the first of them delivers for all.
        while self._waiting and self._waiting[0][0] <= now:
            self._deliver(self._waiting.popleft()[1])


class LateOutbox(LocalOutbox):
    """Events come after the reply, as from a queue, in order."""

    def __init__(self, emit: Emitter, log: Logger, *, delay: float, jitter: float = 0.0) -> None:
        super().__init__(emit, log)
        self._belt: Belt[Sequence[Emit]] = Belt(super().publish, delay, jitter)

    def publish(self, effects: Sequence[Emit]) -> Awaitable[None]:
        """Promise at once, deliver later."""
        self._belt.put(effects)
        return super().publish(())


class Queued(Assembly):
    """The reference server with an ordered queue between the replies and the events, as slow as one may be."""

    def outbox(self, emit: Emitter) -> Outbox:
        """Deliver through the queue."""
        return LateOutbox(emit, self.log, delay=QUEUE_DELAY, jitter=QUEUE_JITTER)


class DifferentEdge(HttpEdge):
    """No `status` in successes, more members than anybody knows, refusals with 4xx."""

    async def respond(self, request: Request, endpoint: str, run: Endpoint) -> Response:
        """Change the reply of an endpoint of the protocol."""

        async def different(inner: Request) -> Reply:
            reply = await run(inner)
            return self.changed(reply) if inner.method == "POST" else reply

        response = await super().respond(request, endpoint, different)
        if response.status_code == 200 and b'"code"' in bytes(response.body) and endpoint != "/call":
            response.status_code = 409
        return response

    def changed(self, reply: Reply) -> Reply:
        """Leave `status` out where the endpoint's own key says enough, and add something."""
        body: Json = {key: value for key, value in reply.body.items() if key != "status" or len(reply.body) == 1}
        return replace(reply, body={"trace": {"node": 7}, **body})


class Different(Assembly):
    """Everything that the specification leaves open, done another way."""

    def sio(self) -> Sio:
        """Switch polling off."""
        sio = super().sio()
        sio.eio.transports = ["websocket"]  # type: ignore[attr-defined]  # python-engineio's own attribute
        return sio

    def emitter(self, sio: Sio) -> Emitter:
        """Add members to every event."""
        emit = super().emitter(sio)

        async def more(effect: Emit) -> None:
            await emit(replace(effect, payload={"trace": [1, {"x": None}], **effect.payload}))

        return more

    def outbox(self, emit: Emitter) -> Outbox:
        """Deliver after the reply."""
        return LateOutbox(emit, self.log, delay=LATER)

    def http(self, service: Service) -> ASGIApp:
        """Reply in another way."""
        return DifferentEdge(service, self.settings, self.log).asgi()

    def sockets(self, sio: Sio, service: Service) -> SocketEdge:
        """Acknowledge a login with nothing."""

        class Edge(SocketEdge):
            async def on_login(self, sid: str, *arguments: object) -> Json | None:  # type: ignore[override]
                """Say nothing where all is well."""
                body = await super().on_login(sid, *arguments)
                return None if body.get("status") == 0 else {**body, "trace": 7}

        return Edge(sio, service, self.settings, self.log)


class Sticky(Assembly):
    """Several workers behind a balancer that routes by a cookie, which a handshake gets that brings none."""

    def __init__(self, settings: Settings | None = None, *, log: Logger | None = None) -> None:
        super().__init__(settings, log=log)
        self.workers: dict[str, str] = {}

    def sockets(self, sio: Sio, service: Service) -> SocketEdge:
        """Note which worker a connection is with, by its sid."""
        workers, numbers = self.workers, count(1)

        class Edge(SocketEdge):
            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                """Give each WebSocket a worker of its own, unless it names one."""
                worker = HTTPConnection(scope).cookies.get("worker") or str(next(numbers))

                async def noting(message: Message) -> None:
                    if message["type"] == "websocket.accept":
                        cookie = (b"set-cookie", f"worker={worker}; Path=/; HttpOnly".encode())
                        message = {**message, "headers": [*message.get("headers", ()), cookie]}
                    elif (text := message.get("text") or "").startswith("40{"):
                        workers[json.loads(text[2:])["sid"]] = worker
                    await send(message)

                await super().__call__(scope, receive, noting if scope["type"] == "websocket" else send)

        return Edge(sio, service, self.settings, self.log)

    def http(self, service: Service) -> ASGIApp:
        """Let a worker know nothing of another's connections."""
        edge, workers = HttpEdge(service, self.settings, self.log).asgi(), self.workers

        async def balance(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            body = await request.body()
            here = request.cookies.get("worker")
            if any(worker != here and sid.encode() in body for sid, worker in workers.items()):
                await JSONResponse({"status": 1, "message": "no such connection here"})(scope, receive, send)
                return

            async def again() -> Message:
                return {"type": "http.request", "body": body}

            await edge(scope, again, send)

        return balance


SERVERS: Final[Mapping[str, type[Assembly]]] = {"different": Different, "queue": Queued, "sticky": Sticky}


def announce(url: str) -> None:
    """Write the URL for the test that started this process."""
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def serve(deployment: type[Assembly], settings: Settings) -> None:
    """Serve a variant of the reference server until the process is ended."""
    server = Server(deployment(settings).build(), listen("127.0.0.1", 0), announce)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.run_app())


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, jitter: float) -> None:
    """Forward one direction, each chunk late, in order and without holding up the next."""

    def pass_on(chunk: bytes) -> None:
        if not writer.is_closing():
            writer.write(chunk) if chunk else writer.close()

    belt = Belt(pass_on, delay, jitter)
    while True:
        try:
            chunk = await reader.read(CHUNK)
        except OSError:
            chunk = b""
        belt.put(chunk)
        if not chunk:
            return


async def serve_proxy(port: int, delay: float, jitter: float, context: ssl.SSLContext | None) -> None:
    """Forward every connection to a port of this machine until the process is ended."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_carry(reader, up_writer, delay, jitter), _carry(up_reader, writer, delay, jitter))

    server = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    own = server.sockets[0].getsockname()[1]
    announce(f"https://localhost:{own}" if context else f"http://127.0.0.1:{own}")
    await server.serve_forever()


def main() -> None:
    """Serve what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=(*SERVERS, "proxy"))
    parser.add_argument("--port", type=int, default=0, help="where the proxy forwards to")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds in each direction")
    parser.add_argument("--jitter", type=float, default=0.0, help="by which part of it the delay varies, such as 0.3")
    parser.add_argument("--certificate")
    parser.add_argument("--auth-secret-file", type=Path)
    options = parser.parse_args()
    if options.name in SERVERS:
        key = read_secret(options.auth_secret_file) if options.auth_secret_file else None
        serve(SERVERS[options.name], Settings(log_level="error", ping_interval=1, ping_timeout=2, token_key=key))
        return
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    asyncio.run(serve_proxy(options.port, options.delay, options.jitter, context))


if __name__ == "__main__":
    main()
