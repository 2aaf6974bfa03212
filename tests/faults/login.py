"""Faults of connecting and logging in."""

from __future__ import annotations

import asyncio
import os
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any

from engineio.async_socket import AsyncSocket
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.faults.registry import fault
from tests.faults.seams import Acknowledge, Effects, Gone, Handle, LogIn, Variant

from signalproof_server import wire
from signalproof_server.delivery import Emitter
from signalproof_server.errors import BadRequest, Unauthorized
from signalproof_server.service import Rules
from signalproof_server.values import (
    Answer,
    Bind,
    Call,
    Candidate,
    Decision,
    Decline,
    Emit,
    Facts,
    Json,
    Leave,
    Login,
    Offer,
    Refresh,
    Reply,
    Request,
    SetStatus,
    Unbind,
)

SID = "its sid is not bound"
ALIKE = "logins that are alike are met there too"
LEFT = "users who have left are met there too"
DEVICES = "users with several devices are met there too"


@fault("LOGIN-1")
def some_sockets_have_to_poll_first(server: Variant) -> None:
    """A proxy upgrades only while it has room; every fourth WebSocket gets an HTTP reply instead."""
    numbers = count(1)
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        inner = made.handle_request

        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket" and next(numbers) % 4 == 0:
                await send({"type": "websocket.close", "code": 1013})
                return
            await inner(scope, receive, send)

        made.handle_request = handle
        return made

    server.sio = sio  # type: ignore[method-assign]


@fault("LOGIN-2", collateral={"*": SID})
def acknowledges_before_it_binds(server: Variant) -> None:
    """The acknowledgement goes out, then the row is written; every fifth time somebody is faster."""
    numbers = count(1)

    async def log_in(inner: LogIn, sid: str, arguments: tuple[object, ...]) -> Reply:
        wire.decode_login(sid, arguments, server.settings.limits)
        if sid in server.bound or next(numbers) % 5:
            return await inner(sid, arguments)

        async def bind() -> None:
            await asyncio.sleep(0.1)
            await inner(sid, arguments)

        server.spawn(bind())
        return wire.DONE

    server.on_log_in = log_in


@fault("LOGIN-2", collateral={"*": SID})
def knows_the_sids_of_the_transport(server: Variant) -> None:
    """The id of the transport is stored at login, and requests are looked up by it."""

    def request(request: Request) -> Request:
        manager: Any = server.engine().manager
        return replace(request, sid=manager.sid_from_eio_sid(request.sid, "/") or "unknown")

    server.requests((Offer, Answer, Candidate, Call, Decline, Refresh, SetStatus), request)


@fault("LOGIN-2", collateral={"*": SID})
def has_workers_with_memories_of_their_own(server: Variant) -> None:
    """Two workers take turns, and of every fifth login only one of them knows."""
    numbers = count(1)
    turns: dict[str, count[int]] = {}

    def note(login: Login) -> None:
        if next(numbers) % 5 == 0:
            turns[login.sid] = count()

    def request(request: Offer) -> Offer:
        return replace(request, sid="unknown") if next(turns.get(request.sid, iter([1]))) % 2 == 0 else request

    server.notes(Login, note)
    server.requests(Offer, request)


@fault("LOGIN-2")
def binds_only_who_wants_an_acknowledgement(server: Variant) -> None:
    """`login` without a request for an acknowledgement is taken for something else."""
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        inner = made._handle_event

        async def handle(eio_sid: str, namespace: str, number: int | None, data: list[Any]) -> None:
            if number is not None or data[0] != "login":
                await inner(eio_sid, namespace, number, data)

        made._handle_event = handle
        return made

    server.sio = sio  # type: ignore[method-assign]


@fault("LOGIN-2")
def acknowledges_with_a_word(server: Variant) -> None:
    """The handler returns `"ok"`."""

    async def acknowledge(inner: Acknowledge, sid: str, *arguments: object) -> object:
        reply: Json = await inner(sid, *arguments)
        return reply if reply["status"] else "ok"

    server.on_acknowledge = acknowledge


@fault("LOGIN-3", collateral={"PRES-*": "the list has such a login in it", "AUTH-6": "the same"})
def takes_81_code_points(server: Variant) -> None:
    """`>` became `>=`."""
    server.settings = replace(server.settings, limits=replace(server.settings.limits, login_code_points=81))


@fault("LOGIN-3")
def counts_bytes_of_logins(server: Variant) -> None:
    """The column is 80 bytes wide, not 80 characters."""

    async def log_in(inner: LogIn, sid: str, arguments: tuple[object, ...]) -> Reply:
        login = arguments[0].get("login") if arguments and isinstance(arguments[0], dict) else None
        if isinstance(login, str) and len(login.encode("utf-8", "replace")) > 80:
            raise BadRequest("The login is longer than 80 bytes.")
        return await inner(sid, arguments)

    server.on_log_in = log_in


@fault("LOGIN-3")
def takes_control_characters(server: Variant) -> None:
    """Control characters are stripped, and what is left is taken."""

    async def log_in(inner: LogIn, sid: str, arguments: tuple[object, ...]) -> Reply:
        login = arguments[0].get("login") if arguments and isinstance(arguments[0], dict) else None
        if isinstance(login, str) and login and not login.isprintable():
            arguments = ({"login": "".join(filter(str.isprintable, login)) or "x"},)
        return await inner(sid, arguments)

    server.on_log_in = log_in


@fault("LOGIN-3")
def says_nothing_to_bad_logins(server: Variant) -> None:
    """The handler returns None for whatever it does not like, which is an empty acknowledgement: success."""

    async def acknowledge(inner: Acknowledge, sid: str, *arguments: object) -> object:
        reply: Json = await inner(sid, *arguments)
        return None if reply.get("code") == "bad_request" else reply

    server.on_acknowledge = acknowledge


@fault("LOGIN-3")
def disconnects_after_a_bad_login(server: Variant) -> None:
    """Bad input ends the socket."""

    async def acknowledge(inner: Acknowledge, sid: str, *arguments: object) -> object:
        reply: Json = await inner(sid, *arguments)
        if reply.get("code") == "bad_request":
            asyncio.get_running_loop().call_later(0.01, lambda: server.spawn(server.engine().disconnect(sid)))
        return reply

    server.on_acknowledge = acknowledge


def _alike(server: Variant, change: Callable[[str], str]) -> None:
    """Compare logins as if `change` had been applied to them."""

    def request(request: Request) -> Request:
        match request:
            case Login() | Call():
                return replace(request, login=change(request.login))
            case Offer() | Decline():
                return replace(request, reciever_login=change(request.reciever_login))
            case Answer(sender_login=str(sender)):
                return replace(request, sender_login=change(sender))
            case Candidate(login=str(login)):
                return replace(request, login=change(login))
        return request

    server.requests((Login, Offer, Answer, Candidate, Call, Decline), request)


@fault("LOGIN-4", collateral={"*": ALIKE})
def folds_case(server: Variant) -> None:
    """The collation of the column ignores case (MySQL's default, `citext`)."""
    _alike(server, str.lower)


@fault("LOGIN-4", collateral={"*": ALIKE})
def trims_logins(server: Variant) -> None:
    """CHAR comparison pads with spaces; frameworks strip."""
    _alike(server, str.strip)


@fault("LOGIN-4", collateral={"*": ALIKE})
def normalises_logins(server: Variant) -> None:
    """User names are brought to NFC, as an authentication framework recommends."""
    _alike(server, lambda login: unicodedata.normalize("NFC", login))


@fault("LOGIN-5", collateral={"*": DEVICES})
def knows_one_device(server: Variant) -> None:
    """`sids[login] = sid`: the second device takes the place of the first."""

    def decision(facts: Facts, request: Login, decision: Decision) -> Decision:
        older = [sid for sid in server.devices(request.login) if sid != request.sid]
        return replace(decision, changes=(*(Unbind(sid=sid) for sid in older), *decision.changes))

    server.decisions(Login, decision)


@fault("LOGIN-6")
def rebinds(server: Variant) -> None:
    """The last `login` counts."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        try:
            return inner(facts, request)
        except Unauthorized:
            if isinstance(request, Login) and facts.me is not None:
                changes = (Unbind(sid=request.sid), Bind(sid=request.sid, login=request.login))
                return Decision(reply=wire.DONE, changes=changes)
            raise

    server.on_rules = rules


@fault("LOGIN-6")
def refuses_a_repeated_login(server: Variant) -> None:
    """The sid is unique in the database: the second INSERT fails."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Login) and facts.me is not None:
            raise BadRequest("The connection has logged in.")
        return inner(facts, request)

    server.on_rules = rules


@fault("LOGIN-5", collateral={"*": DEVICES})
def a_tab_that_comes_at_the_same_moment_is_deaf(server: Variant) -> None:
    """The list of a user's sids is read, extended and written back, with an `await` in between."""
    sids: dict[str, list[str]] = {}

    async def handle(inner: Handle, request: Request) -> Reply:
        if not isinstance(request, Login):
            return await inner(request)
        before = sids.get(request.login, [])
        await asyncio.sleep(0.002)
        sids[request.login] = [*before, request.sid]
        return await inner(request)

    async def emit(inner: Emitter, effect: Emit) -> None:
        login = server.bound.get(effect.sid)
        if login is None or effect.sid in sids.get(login, []):
            await inner(effect)

    server.on_handle, server.on_emit = handle, emit


@fault("LOGIN-6")
def accepts_two_logins_at_once(server: Variant) -> None:
    """Whether the connection is bound is looked up first; both logins find that it is not."""
    known: set[str] = set()
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        made.async_handlers = True
        return made

    async def log_in(inner: LogIn, sid: str, arguments: tuple[object, ...]) -> Reply:
        if sid in known:
            return await inner(sid, arguments)
        await asyncio.sleep(0.005)
        try:
            reply = await inner(sid, arguments)
        except Unauthorized:
            return wire.DONE
        known.add(sid)
        return reply

    server.sio = sio  # type: ignore[method-assign]
    server.on_log_in = log_in


def _notices_a_moment_later(server: Variant) -> None:
    """Have what is stored of a connection outlive it for a moment, as it does wherever the store is elsewhere."""

    async def gone(inner: Gone, sid: str) -> None:
        async def later() -> None:
            await asyncio.sleep(0.03)
            await inner(sid)

        server.spawn(later())

    server.on_gone = gone


@fault("LOGIN-8", collateral={"*": LEFT})
def stops_at_a_socket_that_has_gone(server: Variant) -> None:
    """Sending to a closed WebSocket throws, in the middle of the loop over the user's sids."""
    _notices_a_moment_later(server)

    def effects(_: Facts, __: Offer, effects: Effects) -> Effects:
        there = [server.is_connected(effect.sid) for effect in effects]
        return effects[: there.index(False)] if False in there else effects

    server.effects(Offer, effects)


@fault("HTTP-12", collateral={"*": LEFT})
def dies_of_a_socket_that_has_gone(server: Variant) -> None:
    """Sending to a closed WebSocket throws where nobody catches it, and Node.js ends the process."""
    _notices_a_moment_later(server)

    def effects(_: Facts, __: Offer, effects: Effects) -> Effects:
        if not all(server.is_connected(effect.sid) for effect in effects):
            os._exit(1)
        return effects

    server.effects(Offer, effects)


@fault("HTTP-12", collateral={"*": LEFT})
def throws_at_a_socket_that_has_gone(server: Variant) -> None:
    """Sending to a closed WebSocket throws, and so does the view."""
    _notices_a_moment_later(server)

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Offer) and not all(map(server.is_connected, server.devices(request.reciever_login))):
            raise RuntimeError("the WebSocket is closed")
        return reply

    server.on_handle = handle


@fault("LOGIN-6", collateral={"OFFER-1": "the event that is doubled"})
def a_repeated_login_doubles_events(server: Variant) -> None:
    """Each login event adds a row, each row gets an event."""
    twice: set[str] = set()

    def login(request: Login) -> Login:
        if request.sid in server.bound:
            twice.add(request.sid)
        return request

    server.requests(Login, login)
    server.effects(Offer, lambda _, __, effects: effects + tuple(e for e in effects if e.sid in twice))


def websockets(server: Variant, serve: Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]) -> None:
    """Stand between the server and its WebSockets."""
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        inner = made.handle_request

        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            await (serve(inner, scope, receive, send) if scope["type"] == "websocket" else inner(scope, receive, send))

        made.handle_request = handle
        return made

    server.sio = sio  # type: ignore[method-assign]


@fault("LOGIN-11", collateral={"*": "whoever was silent for that long has gone"})
def closes_what_was_silent_for_five_seconds(server: Variant) -> None:
    """`proxy_read_timeout 5s` in nginx, and pings every 25 s behind it."""
    server.settings = replace(server.settings, ping_interval=25, ping_timeout=20)

    async def serve(inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        closing = asyncio.Event()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(5, closing.set)

        async def sent(message: Message) -> None:
            nonlocal timer
            timer.cancel()
            timer = loop.call_later(5, closing.set)
            await send(message)

        serving = asyncio.ensure_future(inner(scope, receive, sent))
        closed = asyncio.ensure_future(closing.wait())
        await asyncio.wait((serving, closed), return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        for task in (serving, closed):
            task.cancel()
        if closing.is_set():
            await send({"type": "websocket.close", "code": 1006})

    websockets(server, serve)


@fault("LOGIN-11", collateral={"*": "clients give up what is not pinged in time"})
def promises_pings_and_sends_none(server: Variant) -> None:
    """A hand-made Engine.IO announces the usual times, and its timer was never started."""
    AsyncSocket.schedule_ping = lambda _: None


@fault("LOGIN-11", collateral={"*": "who was closed is met there too"}, slow=True)
def closes_every_connection_after_six_seconds(server: Variant) -> None:
    """A platform that gives each request, and so each WebSocket, a life of so many seconds."""

    def login(request: Login) -> None:
        asyncio.get_running_loop().call_later(6, lambda: server.spawn(server.engine().disconnect(request.sid)))

    server.notes(Login, login)


@fault("LOGIN-7", collateral={"*": LEFT})
def sids_live_on_for_three_seconds(server: Variant) -> None:
    """A worker deletes connections that have closed, every few seconds."""

    async def gone(inner: Gone, sid: str) -> None:
        await asyncio.sleep(3)
        await inner(sid)

    async def later(inner: Gone, sid: str) -> None:
        server.spawn(gone(inner, sid))

    server.on_gone = later


@fault("LOGIN-7", "PRES-5", collateral={"*": LEFT})
def ignores_the_disconnect_packet(server: Variant) -> None:
    """A hand-made Socket.IO cleans up where the transport closes; a page that disconnects and stays is a ghost."""
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        inner = made._handle_disconnect

        async def disconnect(eio_sid: str, namespace: str, reason: str | None = None) -> None:
            if reason != made.reason.CLIENT_DISCONNECT:
                await inner(eio_sid, namespace, reason)

        made._handle_disconnect = disconnect
        return made

    server.sio = sio  # type: ignore[method-assign]


@fault("LOGIN-7", "PRES-5", collateral={"*": LEFT})
def waits_for_the_disconnect_packet(server: Variant) -> None:
    """Cleaning up hangs at the packet; a page that is closed sends none, and is a ghost until its pings fail."""
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        inner = made._handle_eio_disconnect

        async def gone(eio_sid: str, reason: str | None = None) -> None:
            async def later() -> None:
                await asyncio.sleep(45)
                await inner(eio_sid, reason)

            server.spawn(later())

        made.eio.on("disconnect", gone)
        return made

    server.sio = sio  # type: ignore[method-assign]


@fault("LOGIN-8", collateral={"*": LEFT})
def a_device_takes_all_with_it(server: Variant) -> None:
    """`DELETE … WHERE login = ?`."""

    def decision(facts: Facts, _: Leave, decision: Decision) -> Decision:
        return replace(decision, changes=(*decision.changes, *(Unbind(sid=mine.sid) for mine in facts.mine)))

    server.decisions(Leave, decision)


@fault("LOGIN-8", collateral={"*": LEFT})
def offers_leave_with_any_device(server: Variant) -> None:
    """The leave of one device deletes the offers to the user, though others could still answer them."""

    async def handle(inner: Handle, request: Request) -> Reply:
        login = next((row[0] for row in server.sql(
            "SELECT login FROM signalproof_connection WHERE sid = ?", request.sid)), None)  # fmt: skip
        reply = await inner(request)
        if isinstance(request, Leave) and login is not None:
            server.sql("DELETE FROM signalproof_pair WHERE reciever = ?", login)
        return reply

    server.on_handle = handle


def _sids(server: Variant, make_sid: Callable[[], str]) -> None:
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        made.eio.generate_id = make_sid
        return made

    server.sio = sio  # type: ignore[method-assign]


@fault("LOGIN-9")
def counts_sids(server: Variant) -> None:
    """A prefix and a counter."""
    numbers = count(10**9)
    prefix = secrets.token_urlsafe(12)
    _sids(server, lambda: f"{prefix}{next(numbers)}")


@fault("LOGIN-9")
def has_short_sids(server: Variant) -> None:
    """Twelve characters ought to be enough."""
    _sids(server, lambda: secrets.token_urlsafe(9))


@fault("LOGIN-10", collateral={"*": "those who were disconnected are heard of no more"})
def a_bad_packet_ends_all_sockets(server: Variant) -> None:
    """An exception in the packet loop ends the process, which a supervisor restarts: all sockets are gone."""
    make = server.sio

    def sio() -> Any:
        made: Any = make()
        inner = made._handle_eio_message

        async def handle(eio_sid: str, data: object) -> None:
            try:
                await inner(eio_sid, data)
            except Exception:
                for sid in server.sids()[:400]:
                    await made.disconnect(sid)
                raise

        made.eio.on("message", handle)
        return made

    server.sio = sio  # type: ignore[method-assign]


@fault("LOGIN-10")
def relays_unknown_events(server: Variant) -> None:
    """An event without a handler goes to everybody else, as in the first examples of every tutorial."""
    make = server.sio

    def sio() -> Any:
        made: Any = make()

        async def relay(event: str, sid: str, *arguments: Any) -> None:
            await made.emit(event, *arguments[:1], skip_sid=sid)

        made.on("*", relay, namespace="/")
        return made

    server.sio = sio  # type: ignore[method-assign]
