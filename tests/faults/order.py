"""Faults of order, load and time, and of security."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import replace
from itertools import count

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from tests.faults.registry import fault
from tests.faults.seams import Decode, Effects, Fields, Variant

from signalproof_server.delivery import Emitter
from signalproof_server.values import Answer, Candidate, Emit, Facts, Json, Login, Offer, Request

LATER = "whoever measures an order meets it"
SLOW = "whoever takes so long meets it"


@fault("ORDER-1", collateral={"ICE-*": LATER, "*": "events of one request change places too"})
def delivers_from_a_pool(server: Variant) -> None:
    """A pool of workers takes events from the queue; each odd one has the longer way."""
    numbers = count()

    async def emit(inner: Emitter, effect: Emit) -> None:
        if next(numbers) % 2 and effect.event == "sender_offer":
            asyncio.get_running_loop().call_later(0.03, lambda: server.spawn(inner(effect)))
        else:
            await inner(effect)

    server.on_emit = emit


@fault("ORDER-1", collateral={"ICE-5": "candidates overtake the answer", "*": LATER})
def has_a_queue_per_kind(server: Variant) -> None:
    """Answers go through a task queue of their own, offers do not."""

    async def emit(inner: Emitter, effect: Emit) -> None:
        if effect.event == "reciever_answer":
            asyncio.get_running_loop().call_later(0.03, lambda: server.spawn(inner(effect)))
        else:
            await inner(effect)

    server.on_emit = emit


@fault("ORDER-1", collateral={"ICE-*": LATER, "*": "long texts and short ones are met there too"})
def sends_large_events_later(server: Variant) -> None:
    """What is over 8 KiB is put aside and fetched by the worker; what is smaller goes by itself."""

    async def emit(inner: Emitter, effect: Emit) -> None:
        if len(str(effect.payload)) > 8_192:
            asyncio.get_running_loop().call_later(0.04, lambda: server.spawn(inner(effect)))
        else:
            await inner(effect)

    server.on_emit = emit


@fault("ORDER-2", collateral={"OFFER-1": "it is the offer that is lost"})
def loses_offers_under_load(server: Variant) -> None:
    """A bounded queue per user throws away what comes from more than fourteen senders at once."""
    recent: dict[str, deque[tuple[float, str]]] = {}

    def effects(_: Facts, request: Offer, effects: Effects) -> Effects:
        queue = recent.setdefault(request.reciever_login, deque(maxlen=40))
        now = time.monotonic()
        queue.append((now, request.sid))
        return () if len({sid for at, sid in queue if at > now - 1}) > 14 else effects

    server.effects(Offer, effects)


@fault("ORDER-2", collateral={"ANSWER-2": "it is the answer that goes astray", "ANSWER-1": "the same"})
def mixes_answers_up_under_load(server: Variant) -> None:
    """The recipient of an answer is kept in a variable that all requests share; fifteen at once are too many."""
    senders: dict[str, set[str]] = {}

    def effects(facts: Facts, request: Answer, effects: Effects) -> Effects:
        known = senders.setdefault(request.sid, set())
        known.add(effects[0].sid)
        wrong = min(known)
        return (replace(effects[0], sid=wrong), *effects[1:]) if len(known) > 14 else effects

    server.effects(Answer, effects)


def _slow(server: Variant, ending: str, seconds: float, *events: str) -> None:
    async def emit(inner: Emitter, effect: Emit) -> None:
        if server.bound.get(effect.sid, "").endswith(ending) and effect.event in events:
            asyncio.get_running_loop().call_later(seconds, lambda: server.spawn(inner(effect)))
        else:
            await inner(effect)

    server.on_emit = emit


@fault("ORDER-3", collateral={"OFFER-1": "within the limit of the run it never came", "ORDER-2": "users 9 take part"})
def delivers_after_six_seconds(server: Variant) -> None:
    """One worker polls its queue every few seconds; users whose login ends in n9 are on its shard."""
    _slow(server, "n9", 6, "sender_offer")


@fault("ORDER-4", collateral={"MEDIA-*": "real calls take their time"})
def polls_its_outbox(server: Variant) -> None:
    """Events wait for the next round of a poller, 0.4 s later."""
    _slow(server, "", 0.4, "sender_offer", "reciever_answer", "ice_candidate")


@fault("SEC-1")
def names_the_sender_by_sid(server: Variant) -> None:
    """The event holds `from`, the sid of the sender, for the client's convenience."""
    server.effects(
        Offer, lambda _, request, effects: tuple(replace(e, payload=e.payload | {"from": request.sid}) for e in effects)
    )


@fault("SEC-1")
def replies_with_the_peers_sid(server: Variant) -> None:
    """The reply to an answer says to which socket it was delivered."""
    told: list[str] = []

    def effects(_: Facts, __: Answer, effects: Effects) -> Effects:
        told[:] = [effects[0].sid]
        return effects

    def reply(path: str, status: int, body: Json) -> Response | None:
        if path == "/offer" and "offer" in body and told:
            return JSONResponse(body | {"delivered_to": told[0]}, status_code=status)
        return None

    server.effects(Answer, effects)
    server.replies(reply)


@fault("SEC-2", collateral={"HTTP-5": "a missing sid is replaced"})
def takes_the_sid_from_another_field(server: Variant) -> None:
    """An old name of the field is still read where `sid` is missing."""
    server.on_decode = lambda inner, _, fields: inner(
        fields | ({"sid": fields["socket_id"]} if "sid" not in fields and "socket_id" in fields else {})
    )


@fault("SEC-2", collateral={"OFFER-5": "such a sid was never given"})
def takes_logins_for_sids(server: Variant) -> None:
    """The sid is looked up in a room of that name, and each login is one."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        devices = server.devices(str(fields.get("sid")))
        return inner(fields | ({"sid": devices[0]} if devices else {}))

    server.on_decode = decode


def _echo(server: Variant, key: str) -> None:
    def reply(path: str, status: int, body: Json) -> Response | None:
        if path == "/offer" and body.get("code"):
            return JSONResponse(body | {"message": f"{body['message']} {seen.get(key)}"}, status_code=status)
        return None

    seen: dict[str, object] = {}

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        seen.update(fields)
        return inner(fields)

    server.on_decode = decode
    server.replies(reply)


@fault(
    "SEC-3",
    collateral={
        "SEC-1": "at the same moment somebody else's sid is echoed",
        "HTTP-*": "a lone surrogate breaks the reply",
    },
)
def echoes_sids(server: Variant) -> None:
    """`Unknown sid {sid}`."""
    _echo(server, "sid")


@fault("SEC-3")
def echoes_descriptions(server: Variant) -> None:
    """The validator quotes what it was given."""
    _echo(server, "offer")


def _expire(server: Variant, seconds: float, statement: str, *values: object) -> None:
    """Delete something after a while."""
    asyncio.get_running_loop().call_later(seconds, lambda: server.sql(f"DELETE FROM signalproof_{statement}", *values))


@fault("ORDER-6", collateral={"*": SLOW})
def forgets_offers_after_two_seconds(server: Variant) -> None:
    """Offers live in a cache, with the time to live that its examples have."""
    server.notes(Offer, lambda offer: _expire(server, 2, "pair WHERE state = 'offered' AND offered_on = ?", offer.sid))


@fault("ORDER-6", collateral={"*": SLOW}, slow=True)
def forgets_offers_after_six_seconds(server: Variant) -> None:
    """The same, and somebody thought that nobody waits for longer."""
    server.notes(Offer, lambda offer: _expire(server, 6, "pair WHERE state = 'offered' AND offered_on = ?", offer.sid))


@fault("ORDER-6", collateral={"*": SLOW})
def forgets_negotiations_after_three_seconds(server: Variant) -> None:
    """What is answered is done, and is swept away soon."""
    server.notes(Answer, lambda answer: _expire(server, 3, "pair WHERE answered_on = ?", answer.sid))


@fault("ORDER-6", collateral={"*": SLOW}, slow=True)
def forgets_sids_after_five_seconds(server: Variant) -> None:
    """Logins are sessions, and a session that makes no request expires."""
    server.notes(Login, lambda login: _expire(server, 5, "connection WHERE sid = ? AND posted IS NULL", login.sid))


@fault("ICE-4", collateral={"ICE-2": "what was accepted never comes"})
def holds_candidates_for_six_seconds(server: Variant) -> None:
    """The hold time is that of another setting."""
    server.notes(Candidate, lambda c: _expire(server, 6, "candidate WHERE sid = ? AND awaited IS NULL", c.sid))


@fault("ICE-5", collateral={"ICE-2": "what was accepted never comes"})
def holds_answerers_candidates_for_three_seconds(server: Variant) -> None:
    """The same on the other side, where everybody answers at once."""
    server.notes(Candidate, lambda c: _expire(server, 3, "candidate WHERE sid = ? AND awaited IS NOT NULL", c.sid))
