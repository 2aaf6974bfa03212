"""Deployments that a conformant server may live in: `python deployments.py NAME …` serves one on a free port.

`different` is the reference server with everything that the specification leaves open done another way;
`proxy` forwards connections to another port, late or behind TLS. The first line on standard output is the URL.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from signalproof_server.app import Assembly
from signalproof_server.config import Settings
from signalproof_server.delivery import Emitter, LocalOutbox, Outbox
from signalproof_server.http import Endpoint, HttpEdge
from signalproof_server.serve import Server, listen, new_event_loop
from signalproof_server.service import Service
from signalproof_server.socket import Sio, SocketEdge
from signalproof_server.values import Emit, Json, Reply

CHUNK = 65_536
LATER = 0.03


class LateOutbox(LocalOutbox):
    """Events come after the reply, as from a queue, in order."""

    def publish(self, effects: Sequence[Emit]) -> Awaitable[None]:
        """Promise at once, deliver later."""
        asyncio.get_running_loop().call_later(LATER, super().publish, effects)
        return super().publish(())


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
        return LateOutbox(emit, self.log)

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


def announce(url: str) -> None:
    """Write the URL for the test that started this process."""
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def serve_different() -> None:
    """Serve until the process is ended."""
    settings = Settings(log_level="error", ping_interval=1, ping_timeout=2)
    app = Different(settings).build()
    server = Server(app, listen("127.0.0.1", 0), announce)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.run_app())


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Forward one direction, each chunk `delay` seconds late, in order and without holding up the next."""
    loop = asyncio.get_running_loop()

    def pass_on(chunk: bytes) -> None:
        if not writer.is_closing():
            writer.write(chunk) if chunk else writer.close()

    while True:
        try:
            chunk = await reader.read(CHUNK)
        except OSError:
            chunk = b""
        loop.call_later(delay, pass_on, chunk)
        if not chunk:
            return


async def serve_proxy(port: int, delay: float, context: ssl.SSLContext | None) -> None:
    """Forward every connection to a port of this machine until the process is ended."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_carry(reader, up_writer, delay), _carry(up_reader, writer, delay))

    server = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    own = server.sockets[0].getsockname()[1]
    announce(f"https://localhost:{own}" if context else f"http://127.0.0.1:{own}")
    await server.serve_forever()


def main() -> None:
    """Serve what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("different", "proxy"))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--certificate")
    options = parser.parse_args()
    if options.name == "different":
        serve_different()
        return
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    asyncio.run(serve_proxy(options.port, options.delay, context))


if __name__ == "__main__":
    main()
