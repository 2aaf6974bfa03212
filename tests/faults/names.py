"""Faults of logins and ids that mean something else to the server than to the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from starlette.requests import Request as HttpRequest
from tests.faults.registry import fault
from tests.faults.seams import Decode, Fields, Handle, LogIn, Variant

from signalproof_server import wire
from signalproof_server.errors import BadRequest, Offline
from signalproof_server.values import Answer, Call, Emit, Facts, Offer, Reply, Request

OF_OBJECT = frozenset(
    [
        *("__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"),
        *("__defineGetter__", "__lookupSetter__"),
    ]
)
ODD = "generated fields are odd too"


@fault("LOGIN-2")
def finds_namesakes_in_an_object(server: Variant) -> None:
    """`if (users[login]) return ack({status: 1})`, where `users` is `{}` and so has a `constructor`."""

    async def log_in(inner: LogIn, sid: str, arguments: tuple[object, ...]) -> Reply:
        given = arguments[0] if arguments else None
        if isinstance(given, dict) and str(given.get("login")) in OF_OBJECT:
            raise BadRequest("This login is taken.")
        return await inner(sid, arguments)

    server.on_log_in = log_in


@fault("HTTP-12")
def trips_over_the_members_of_objects(server: Variant) -> None:
    """`users[login].sockets.forEach(…)`: what `{}` has of itself has no sockets."""

    async def handle(inner: Handle, request: Request) -> Reply:
        if isinstance(request, Offer | Call) and request.peer in OF_OBJECT:
            raise TypeError("Cannot read properties of undefined (reading 'forEach')")
        return await inner(request)

    server.on_handle = handle


@fault("OFFER-6")
def offers_to_the_room_of_a_sid(server: Variant) -> None:
    """`io.to(login).emit(…)`, if there is a room of that name: each socket is in one that is called like its sid."""

    def effects(facts: Facts, request: Offer) -> Iterable[Emit]:
        return [wire.sender_offer(request.reciever_login, facts.me.login if facts.me else "", request.offer)]

    server.forgive(
        Offer, Offline, wire.OFFER_DONE, lambda _, request: server.is_connected(request.reciever_login), effects
    )


@fault("CALL-2")
def rings_in_the_room_of_a_sid(server: Variant) -> None:
    """The same where calls are made."""

    def effects(facts: Facts, request: Call) -> Iterable[Emit]:
        return [wire.calling(request.login, facts.me.login if facts.me else "")]

    server.forgive(Call, Offline, wire.DONE, lambda _, request: server.is_connected(request.login), effects)


def _odd_ids(server: Variant, odd: Callable[[object], bool], instead: Callable[[object], str | None]) -> None:
    """Take an `offer_id` that is odd in some way for another one."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        if "offer_id" not in fields or not odd(fields["offer_id"]):
            return inner(fields)
        given = fields["offer_id"]
        request = inner({key: value for key, value in fields.items() if key != "offer_id"})
        return replace(request, offer_id=instead(given)) if isinstance(request, Offer | Answer) else request

    server.on_decode = decode


@fault("CORR-5")
def takes_empty_ids_for_none(server: Variant) -> None:
    """`body.offer_id || uuid()`, which takes 0, null and false for none too."""
    _odd_ids(server, lambda given: not given, lambda _: None)


@fault("CORR-5")
def takes_ids_of_any_length(server: Variant) -> None:
    """The column is TEXT, and nobody has asked how long an id may be."""
    _odd_ids(server, lambda given: isinstance(given, str) and len(given) > 64, str)


@fault("CORR-5", collateral={"HTTP-5": ODD})
def makes_ids_of_numbers(server: Variant) -> None:
    """`String(body.offer_id)`."""
    _odd_ids(server, lambda given: isinstance(given, int) and not isinstance(given, bool), str)
