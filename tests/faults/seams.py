"""The reference server with a hook at each of its seams, for faults to hang themselves on.

Every hook is given what it stands in front of, `inner`, and calls it, changes what goes in or out, or leaves
it out. A `Variant` without faults is the reference server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import socketio
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from signalproof_server import wire
from signalproof_server.app import Assembly
from signalproof_server.config import Settings
from signalproof_server.delivery import Emitter, Outbox
from signalproof_server.engine import Sio, make_sio
from signalproof_server.errors import Refusal
from signalproof_server.exchange import decide
from signalproof_server.http import Endpoint, HttpEdge, read_body
from signalproof_server.service import Rules, Service
from signalproof_server.socket import SocketEdge
from signalproof_server.store import SqliteStore, Store
from signalproof_server.values import Decision, Emit, Facts, Json, Leave, Login, Reply, Request

__all__ = ["Effects", "Fields", "Handle", "Variant", "never", "text_of", "with_text"]

Effects = tuple[Emit, ...]
Fields = dict[str, object]
Handle = Callable[[Request], Awaitable[Reply]]
ReadBody = Callable[[str, bytes], Fields]
Decode = Callable[[Fields], Request]
Respond = Callable[[HttpRequest, str, Endpoint], Awaitable[Response]]
Subject = Callable[[HttpRequest], str | None]
LogIn = Callable[[str, tuple[object, ...]], Awaitable[Reply]]
Acknowledge = Callable[..., Awaitable[Any]]
Gone = Callable[[str], Awaitable[None]]
Prove = Callable[[object], str]
Rounds = Callable[[], Awaitable[Reply]]
R = TypeVar("R", bound=Request)
TEXTS = {"Offer": "offer", "Answer": "answer", "Candidate": "ice"}


def never(*_: object) -> bool:
    """Say no."""
    return False


def text_of(request: Request) -> str:
    """Give the text that a request brings for its peer; an empty one where there is none."""
    return str(getattr(request, TEXTS.get(type(request).__name__, ""), ""))


def with_text(request: R, text: str) -> R:
    """Put another text into an offer, an answer or a candidate."""
    changes: dict[str, Any] = {TEXTS[type(request).__name__]: text}
    return replace(request, **changes)


class Variant(Assembly):
    """The reference server, every part of it within reach of a hook."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self.on_rules: Callable[[Rules, Facts, Request], Decision] = lambda inner, facts, request: inner(facts, request)
        self.on_handle: Callable[[Handle, Request], Awaitable[Reply]] = lambda inner, request: inner(request)
        self.on_emit: Callable[[Emitter, Emit], Awaitable[None]] = lambda inner, effect: inner(effect)
        self.on_body: Callable[[ReadBody, str, bytes], Fields] = lambda inner, kind, body: inner(kind, body)
        self.on_decode: Callable[[Decode, HttpRequest, Fields], Request] = lambda inner, _, fields: inner(fields)
        self.on_respond: Callable[[Respond, HttpRequest, str, Endpoint], Awaitable[Response]] = (
            lambda inner, request, endpoint, run: inner(request, endpoint, run)
        )
        self.on_subject: Callable[[Subject, HttpRequest], str | None] = lambda inner, request: inner(request)
        self.on_online: Callable[[Rounds], Awaitable[Reply]] = lambda inner: inner()
        self.on_asgi: Callable[[ASGIApp], ASGIApp] = lambda inner: inner
        self.on_log_in: Callable[[LogIn, str, tuple[object, ...]], Awaitable[Reply]] = lambda inner, sid, arguments: (
            inner(sid, arguments)
        )
        self.on_acknowledge: Callable[..., Awaitable[Any]] = lambda inner, sid, *arguments: inner(sid, *arguments)
        self.on_gone: Callable[[Gone, str], Awaitable[None]] = lambda inner, sid: inner(sid)
        self.on_prove: Callable[[Prove, object], str] = lambda inner, token: inner(token)
        self.bound: dict[str, str] = {}
        """The login of each sid, in the order in which they came."""
        self.service_made: Service | None = None
        self.sio_made: Sio | None = None
        self.store_made: SqliteStore | None = None
        self.tasks: set[asyncio.Future[Any]] = set()

    # ── what faults use ────────────────────────────────────────────────────────────────────────

    def notes(self, kind: type[R], note: Callable[[R], None]) -> None:
        """Be told of requests of this kind before they are carried out."""

        def noted(request: R) -> Request:
            note(request)
            return request

        self.requests(kind, noted)

    def requests(self, kind: type[R] | tuple[type[R], ...], change: Callable[[R], Request]) -> None:
        """Change requests of this kind before they are carried out."""
        before = self.on_handle

        def changed(inner: Handle, request: Request) -> Awaitable[Reply]:
            return before(inner, change(request) if isinstance(request, kind) else request)

        self.on_handle = changed

    def texts(self, kind: type[R], change: Callable[[str], str]) -> None:
        """Change the texts that requests of this kind bring."""
        self.requests(kind, lambda request: with_text(request, change(text_of(request))))

    def facts(self, kind: type[R], change: Callable[[Facts, R], Facts]) -> None:
        """Change what the rules believe when they decide on requests of this kind."""
        before = self.on_rules

        def believing(inner: Rules, facts: Facts, request: Request) -> Decision:
            return before(inner, change(facts, request) if isinstance(request, kind) else facts, request)

        self.on_rules = believing

    def decisions(self, kind: type[R], change: Callable[[Facts, R, Decision], Decision]) -> None:
        """Change what follows from accepted requests of this kind."""
        before = self.on_rules

        def deciding(inner: Rules, facts: Facts, request: Request) -> Decision:
            decision = before(inner, facts, request)
            return change(facts, request, decision) if isinstance(request, kind) else decision

        self.on_rules = deciding

    def effects(self, kind: type[R], change: Callable[[Facts, R, Effects], Effects]) -> None:
        """Change the events that accepted requests of this kind raise."""
        self.decisions(kind, lambda f, r, decision: replace(decision, effects=change(f, r, decision.effects)))

    def forgive(
        self,
        kind: type[R],
        refusal: type[Refusal],
        reply: Reply,
        when: Callable[[Facts, R], bool] = lambda _facts, _request: True,
        effects: Callable[[Facts, R], Iterable[Emit]] = lambda _facts, _request: (),
    ) -> None:
        """Accept what has to be refused, and by default do nothing about it."""
        before = self.on_rules

        def forgiving(inner: Rules, facts: Facts, request: Request) -> Decision:
            try:
                return before(inner, facts, request)
            except Refusal as found:
                if isinstance(request, kind) and type(found) is refusal and when(facts, request):
                    return Decision(reply=reply, effects=tuple(effects(facts, request)))
                raise

        self.on_rules = forgiving

    def replies(self, change: Callable[[str, int, Json], Response | None]) -> None:
        """Put another HTTP reply in place of one, by endpoint, status and body; None keeps it."""
        before = self.on_respond

        async def responding(inner: Respond, request: HttpRequest, endpoint: str, run: Endpoint) -> Response:
            response = await before(inner, request, endpoint, run)
            if isinstance(response, JSONResponse):
                import json

                return change(request.url.path, response.status_code, json.loads(bytes(response.body))) or response
            return response

        self.on_respond = responding

    def later(self, seconds: float, effects: Iterable[Emit]) -> None:
        """Raise events after a while."""
        if self.service_made is not None:
            asyncio.get_running_loop().call_later(seconds, self.service_made.outbox.publish, list(effects))

    def spawn(self, work: Awaitable[Any]) -> None:
        """Do work in the background."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Run a statement on the database."""
        connection = getattr(self.store_made, "_connection", None)
        return [] if connection is None else connection.execute(statement, values).fetchall()

    def is_connected(self, sid: str) -> bool:
        """Tell whether a sid is that of a live connection, logged in or not."""
        return self.sio_made is not None and self.sio_made.manager.is_connected(sid, "/")

    def has_fallen_silent(self, sid: str) -> bool:
        """Tell whether a connection goes because it answers no pings, and not by a good-bye."""
        engine: Any = self.engine()
        connection = engine.eio.sockets.get(engine.manager.eio_sid_from_sid(sid, "/"))
        asked_at = getattr(connection, "last_ping", None)
        return asked_at is not None and time.time() - asked_at > self.settings.ping_timeout / 2

    def sids(self) -> list[str]:
        """Give the sids of all connections."""
        manager: Any = self.sio_made.manager if self.sio_made else None
        return [sid for sid, _ in manager.get_participants("/", None)] if manager else []

    def engine(self) -> socketio.AsyncServer:
        """Give python-socketio's server, untyped."""
        return self.sio_made

    def devices(self, login: str) -> list[str]:
        """Give the sids of a login, in the order in which they logged in."""
        return [sid for sid, bound in self.bound.items() if bound == login]

    async def unlocked(self, request: Request, *, first: float = 0.0, emit_first: bool = False) -> Reply:
        """Carry a request out in two transactions, with a pause between what is read and what is written."""
        service = self.service_made
        assert service is not None
        async with service.store.transaction() as transaction:
            stored = await transaction.facts(sid=request.sid, peer=request.peer)
            facts = replace(stored, now=service.clock(), fresh_id=service.new_id())
            decision = service.rules(facts, request)
        if emit_first:
            await service.outbox.publish(decision.effects)
        await asyncio.sleep(first)
        async with service.store.transaction() as transaction:
            await transaction.apply(decision.changes)
        if not emit_first:
            await service.outbox.publish(decision.effects)
        return decision.reply

    # ── the parts ──────────────────────────────────────────────────────────────────────────────

    def rules(self) -> Rules:
        """Decide as the hook wants it."""

        def sound(facts: Facts, request: Request) -> Decision:
            return decide(facts, request, self.settings.limits)

        return lambda facts, request: self.on_rules(sound, facts, request)

    def store(self) -> Store:
        """Make the store, and keep it."""
        self.store_made = SqliteStore(self.settings.database)
        return self.store_made

    def sio(self) -> Sio:
        """Make the Socket.IO server, and keep it."""
        self.sio_made = make_sio(self.settings)
        return self.sio_made

    def emitter(self, sio: Sio) -> Emitter:
        """Raise events as the hook wants it."""
        emit = super().emitter(sio)
        return lambda effect: self.on_emit(emit, effect)

    def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
        """Carry requests out as the hook wants it, and remember who is there."""
        variant = self

        class Hooked(Service):
            async def handle(self, request: Request) -> Reply:
                if isinstance(request, Leave):
                    variant.bound.pop(request.sid, None)
                reply = await variant.on_handle(super().handle, request)
                if isinstance(request, Login) and variant.is_connected(request.sid):
                    variant.bound[request.sid] = request.login
                return reply

            async def online(self) -> Reply:
                return await variant.on_online(super().online)

        self.service_made = Hooked(store, rules, outbox)
        return self.service_made

    def http(self, service: Service) -> ASGIApp:
        """Make the HTTP edge with its hooks."""
        variant = self

        class Edge(HttpEdge):
            async def post(self, request: HttpRequest, decode: wire.Decoder) -> Reply:
                limits = self.settings.limits
                subject = self.subject(request)
                body = await read_body(request, limits)

                def reading(content_type: str, content: bytes) -> Fields:
                    return dict(wire.decode_body(content_type, content, limits))

                fields = variant.on_body(reading, request.headers.get("content-type", ""), body)
                wish = variant.on_decode(lambda given: decode(given, limits), request, fields)
                return await self.service.handle(replace(wish, subject=subject))

            def subject(self, request: HttpRequest) -> str | None:
                return variant.on_subject(super().subject, request)

            async def respond(self, request: HttpRequest, endpoint: str, run: Endpoint) -> Response:
                return await variant.on_respond(super().respond, request, endpoint, run)

        return self.on_asgi(Edge(service, self.settings, self.log).asgi())

    def sockets(self, sio: Sio, service: Service) -> SocketEdge:
        """Make the Socket.IO edge with its hooks."""
        variant = self

        class Edge(SocketEdge):
            async def on_login(self, sid: str, *arguments: object) -> Json:
                reply: Json = await variant.on_acknowledge(super().on_login, sid, *arguments)
                return reply

            async def login(self, sid: str, arguments: tuple[object, ...]) -> Reply:
                return await variant.on_log_in(super().login, sid, arguments)

            async def on_disconnect(self, sid: str, *reason: object) -> None:
                await variant.on_gone(super().on_disconnect, sid)

            def subject(self, token: object) -> str:
                return variant.on_prove(super().subject, token)

        return Edge(sio, service, self.settings, self.log)
