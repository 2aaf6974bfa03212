"""The HTTP edge: Starlette in, `Service` out; no rules."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from signalproof_server import PROTOCOL, PROTOCOL_VERSION, __version__, docs, wire
from signalproof_server.config import Limits, Settings
from signalproof_server.cors import with_cors
from signalproof_server.errors import BadRequest, MethodNotAllowed, NotFound, Refusal, TooLarge, Unauthorized, reply_to
from signalproof_server.log import Logger, where
from signalproof_server.service import Service
from signalproof_server.tokens import tokens_of
from signalproof_server.values import Json, Reply

__all__ = ["PROFILES", "HttpEdge", "read_body"]

PROFILES = ("core", "ice", "call", "presence", "correlation")

Endpoint = Callable[[Request], Awaitable[Reply]]


class HttpEdge:
    """The endpoints of the protocol, each a method that returns a `Reply` or raises."""

    def __init__(self, service: Service, settings: Settings, log: Logger) -> None:
        self.service = service
        self.settings = settings
        self.log = log
        self.tokens = tokens_of(settings)

    def asgi(self) -> ASGIApp:
        """Build the ASGI application; CORS is outermost, so error replies carry its headers too (HTTP-11)."""
        posts = [self._route(path, "POST", self._post_endpoint(decode)) for path, decode in wire.POSTS.items()]
        gets = [
            self._route("/online", "GET", self.online),
            self._route("/healthz", "GET", self.health),
            self._route("/.well-known/vcsp", "GET", self.discovery),
        ]
        app = Starlette(
            routes=[*posts, *gets, *docs.routes(self.settings.root_path)],
            exception_handlers={HTTPException: self._not_routed},
        )
        app.router.redirect_slashes = False
        return with_cors(app, self.settings)

    async def post(self, request: Request, decode: wire.Decoder) -> Reply:
        """Carry out one POST of the protocol."""
        limits = self.settings.limits
        try:
            subject = self.subject(request)
        except Unauthorized:
            with suppress(TooLarge):
                await read_body(request, limits)  # a client that is still writing would not see the refusal
            raise
        body = await read_body(request, limits)
        fields = wire.decode_body(request.headers.get("content-type", ""), body, limits)
        return await self.service.handle(replace(decode(fields, limits), subject=subject))

    async def online(self, request: Request) -> Reply:
        """Say who is online, to anybody who has a token if tokens are asked for (AUTH-6)."""
        self.subject(request)
        return await self.service.online()

    def subject(self, request: Request) -> str | None:
        """Get the user whom the bearer token proves; None where no tokens are asked for (AUTH-3)."""
        if self.tokens is None:
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized(challenge="Bearer")
        return self.tokens.subject(token.strip(" "))

    async def health(self, _request: Request) -> Reply:
        """Say that the process answers."""
        return Reply(body={"status": "ok", "version": __version__})

    async def discovery(self, _request: Request) -> Reply:
        """Say what the server is and can do."""
        return Reply(body=self.describe())

    def describe(self) -> Json:
        """Build the discovery document."""
        document: Json = {
            "protocol": PROTOCOL,
            "version": PROTOCOL_VERSION,
            "profiles": [*PROFILES, *(("auth",) if self.tokens else ())],
            "limits": self.settings.limits.published(),
        }
        if self.settings.socket_url is not None:
            document["socket_url"] = self.settings.socket_url
        return document

    async def respond(self, request: Request, endpoint: str, run: Endpoint) -> Response:
        """Run an endpoint, turn whatever comes of it into JSON, and log one line (HTTP-3, HTTP-12)."""
        started = time.perf_counter()
        try:
            reply = await run(request)
        except Refusal as error:
            reply = reply_to(error)
        except ClientDisconnect:
            reply = reply_to(BadRequest("The body is not complete."))
        except Exception as error:  # noqa: BLE001 - the last line of defence: a fault of ours is still JSON
            self.log.error("fault", endpoint=endpoint, error=type(error).__name__, where=where(error))
            reply = reply_to(error)
        self.log.info(
            "request",
            endpoint=endpoint,
            outcome="error" if reply.http_status == 500 else "refused" if "code" in reply.body else "accepted",
            code=reply.body.get("code"),
            http_status=reply.http_status,
            ms=round((time.perf_counter() - started) * 1000, 2),
        )
        return JSONResponse(reply.body, status_code=reply.http_status, headers=dict(reply.headers))

    def _post_endpoint(self, decode: wire.Decoder) -> Endpoint:
        async def endpoint(request: Request) -> Reply:
            return await self.post(request, decode)

        return endpoint

    def _route(self, path: str, method: str, run: Endpoint) -> Route:
        async def endpoint(request: Request) -> Response:
            return await self.respond(request, path, run)

        return Route(self.settings.root_path + path, endpoint, methods=[method])

    async def _not_routed(self, request: Request, error: Exception) -> Response:
        """Refuse an unknown path or method as JSON; the log does not repeat them (HTTP-10)."""
        allow = getattr(error, "headers", None) or {}
        refusal = MethodNotAllowed(headers=allow) if getattr(error, "status_code", 0) == 405 else NotFound()

        async def refuse(_request: Request) -> Reply:
            raise refusal

        return await self.respond(request, "none", refuse)


async def read_body(request: Request, limits: Limits) -> bytes:
    """Read the body, or read and discard one that is over the limit.

    Many clients write all of their body before they read: closing on them would lose the refusal (HTTP-9).
    """
    declared = request.headers.get("content-length", "").lstrip("0")  # int() refuses long numbers, zeros included
    if declared.isdecimal() and int(declared) > limits.discard_bytes:
        raise TooLarge(headers={"connection": "close"})
    size = 0
    chunks: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limits.body_bytes:
            chunks.append(chunk)
        elif size > limits.discard_bytes:
            raise TooLarge(headers={"connection": "close"})
        else:
            chunks.clear()
    if size > limits.body_bytes:
        raise TooLarge
    return b"".join(chunks)
