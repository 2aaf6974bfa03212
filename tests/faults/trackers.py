"""Faults that stand in the issue trackers of real servers and libraries, each story with where it was told."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

from tests.faults.registry import fault
from tests.faults.seams import Acknowledge, Effects, Gone, Handle, Variant

from signalproof_server import wire
from signalproof_server.delivery import Emitter
from signalproof_server.errors import BadRequest, Offline
from signalproof_server.service import Rules
from signalproof_server.values import (
    Answer,
    Call,
    Candidate,
    Decision,
    Emit,
    Facts,
    Json,
    Leave,
    Login,
    Offer,
    Reply,
    Request,
)

DEVICES = "users with several devices are met there too"
TOGETHER = "requests at one moment are met there too"
NEW = "somebody who has just logged in"


@fault("LOGIN-8", collateral={"*": "a user who has lost one connection counts as gone"})
def a_lost_page_takes_its_successor_along(server: Variant) -> None:
    """The time-out of a lost connection removes the user, who has long come back on a new one (bigbluebutton#2617)."""

    async def gone(inner: Gone, sid: str) -> None:
        service = server.service_made
        if server.has_fallen_silent(sid) and service is not None:
            for other in server.devices(server.bound.get(sid, "")):
                await service.handle(Leave(sid=other))
        await inner(sid)

    server.on_gone = gone


@fault("LOGIN-5", collateral={"*": DEVICES})
def a_new_device_closes_the_old(server: Variant) -> None:
    """A second connection of a user is taken for a reload, and the first one is closed (peers/peerjs#382)."""

    async def handle(inner: Handle, request: Request) -> Reply:
        older = server.devices(request.login) if isinstance(request, Login) else []
        reply = await inner(request)
        for sid in older:
            if sid != request.sid:
                server.spawn(server.engine().disconnect(sid))
        return reply

    server.on_handle = handle


@fault("LOGIN-5", collateral={"*": DEVICES})
def says_that_a_login_is_taken(server: Variant) -> None:
    """A login belongs to its first connection until that is known to be lost (peers/peerjs#224)."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Login) and any(sid != request.sid for sid in server.devices(request.login)):
            raise BadRequest("The login is taken.")
        return inner(facts, request)

    server.on_rules = rules


@fault("LOGIN-3")
def chokes_on_a_null_login(server: Variant) -> None:
    """`null` is sound JSON and has no members: the handler dies before it acknowledges (share/sharedb#191)."""

    async def acknowledge(inner: Acknowledge, sid: str, *arguments: object) -> Json:
        if arguments == (None,):
            await asyncio.Event().wait()
        reply: Json = await inner(sid, *arguments)
        return reply

    server.on_acknowledge = acknowledge


@fault("OFFER-1", collateral={"OFFER-7": "who comes later hears it", "*": "users who log in late are met there too"})
def replays_offers_to_who_comes_back(server: Variant) -> None:
    """Connection state recovery hands out what a user has missed, to every new connection (socketio/socket.io#4733)."""
    missed: dict[str, Offer] = {}

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Offer):
            missed[request.reciever_login] = request
        if isinstance(request, Login) and (offer := missed.get(request.login)) and offer.sid in server.bound:
            server.later(0.01, [wire.sender_offer(request.sid, server.bound[offer.sid], offer.offer, offer.offer_id)])
        return reply

    server.on_handle = handle


@fault("OFFER-1", collateral={"*": NEW})
def joins_the_room_after_the_acknowledgement(server: Variant) -> None:
    """To join a room takes a round trip to the broker, for which nobody waits (socketio/socket.io#4734)."""
    joined: dict[str, float] = {}

    def note(request: Login) -> None:
        joined.setdefault(request.sid, monotonic())

    server.notes(Login, note)

    async def emit(inner: Emitter, effect: Emit) -> None:
        if monotonic() - joined.get(effect.sid, 0) > 0.05:
            await inner(effect)

    server.on_emit = emit


@fault("OFFER-6", collateral={"OFFER-2": "everybody hears it", "*": "the same"})
def an_empty_name_means_everybody(server: Variant) -> None:
    """To emit to an empty room is to emit to all (socketio/socket.io#4645); python-socketio reads `to=""` so too."""

    def everybody(facts: Facts, request: Offer) -> Iterable[Emit]:
        mine = facts.me.login if facts.me else ""
        return [wire.sender_offer(sid, mine, request.offer) for sid in server.bound if sid != request.sid]

    server.forgive(Offer, Offline, wire.OFFER_DONE, lambda _, request: not request.reciever_login, everybody)


@fault("ORDER-2", collateral={"*": TOGETHER})
def rooms_of_overlapping_requests_add_up(server: Variant) -> None:
    """`to(room)` notes the room in an object that all share; before `emit` something is awaited (socket.io#3431)."""
    rooms: deque[tuple[float, str]] = deque(maxlen=40)

    def effects(_: Facts, __: Offer, effects: Effects) -> Effects:
        now = monotonic()
        added = {sid for at, sid in rooms if at > now - 1}
        rooms.extend((now, effect.sid) for effect in effects)
        wrong = added - {effect.sid for effect in effects}
        return (
            effects + tuple(replace(effects[0], sid=sid) for sid in wrong) if len(added) > 15 and effects else effects
        )

    server.effects(Offer, effects)


@fault("ANSWER-13", "ANSWER-2")
def answers_whoever_took_the_place(server: Variant) -> None:
    """The connection that offered has gone, and its place in the list is another's (socketio/socket.io#2524)."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Answer) and facts.me is not None:
            known = {facts.me.login, *(pair.sender for pair in facts.pairs)}
            last = [sid for sid, login in server.bound.items() if login not in known][-1:]
            if last and any(p.state == "offered" and p.offered_on is None for p in facts.pairs):
                event = wire.reciever_answer(last[0], request.answer, facts.me.login, facts.pairs[0].offer_id)
                return Decision(reply=wire.OFFER_DONE, effects=(event,))
        return inner(facts, request)

    server.on_rules = rules


@fault("ANSWER-11", collateral={"*": "crossed offers are met there too"})
def resolves_glare_by_names(server: Variant) -> None:
    """Of two crossed offers the server keeps that of the lesser name, as clients are told to do (element-web#2199)."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Offer) and facts.me is not None:
            crossed = any(pair.sender == request.reciever_login and pair.state == "offered" for pair in facts.pairs)
            if crossed and request.reciever_login != facts.me.login:
                return Decision(reply=wire.OFFER_DONE)
        return inner(facts, request)

    server.on_rules = rules


@fault("ICE-2", collateral={"ICE-[49]": "many candidates come at once there"})
def drops_candidates_while_the_socket_is_busy(server: Variant) -> None:
    """Volatile events are for cursors, not for candidates: what comes while the socket is busy is dropped."""
    recent: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=8))

    async def emit(inner: Emitter, effect: Emit) -> None:
        if effect.event == "ice_candidate":
            times = recent[effect.sid]
            times.append(monotonic())
            if len(times) == 8 and times[0] > times[-1] - 2:
                return
        await inner(effect)

    server.on_emit = emit


@fault("ICE-1", collateral={"ICE-2": "what was accepted never comes"})
def takes_repeated_candidates_for_mistakes(server: Variant) -> None:
    """Peers send the same candidates again and again (project-chip/connectedhomeip#41584): a set filters them."""
    seen: dict[str, set[str]] = defaultdict(set)

    def effects(_: Facts, request: Candidate, effects: Effects) -> Effects:
        known = request.ice in seen[request.sid]
        seen[request.sid].add(request.ice)
        return () if known else effects

    server.effects(Candidate, effects)


@fault("CALL-1", collateral={"CALL-*": "it rings there too", "HTTP-*": "the same"})
def calls_come_by_two_ways(server: Variant) -> None:
    """The node emits, and then also hears what it published for all nodes (socketio/socket.io-redis-adapter#124)."""

    def effects(_: Facts, __: Call, effects: Effects) -> Effects:
        server.later(0.2, effects)
        return effects

    server.effects(Call, effects)
