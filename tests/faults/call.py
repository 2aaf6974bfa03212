"""Faults of calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response
from tests.faults.registry import fault
from tests.faults.seams import Effects, Handle, Variant

from signalproof_server import wire
from signalproof_server.errors import Busy, NoOffer, NotRinging, Offline, SelfAddressed, UnknownSid
from signalproof_server.service import Rules
from signalproof_server.values import (
    Call,
    Change,
    Decision,
    Decline,
    Emit,
    Facts,
    ForgetCalls,
    Json,
    Leave,
    Login,
    Offer,
    PutCall,
    PutStatus,
    Refresh,
    Reply,
    Request,
    SetStatus,
)

SEVERAL = "users with several devices are met there too"
DECLINES = "calls are declined there too"
RINGS = "calls ring there too"


@fault("CALL-1", collateral={"CALL-*": SEVERAL})
def rings_on_one_device(server: Variant) -> None:
    """`emit(to=sids[login])` with one sid per login."""
    server.effects(Call, lambda _, __, effects: effects[-1:])


@fault("CALL-1", collateral={"CALL-*": SEVERAL})
def rings_twice(server: Variant) -> None:
    """The sockets are in the user's room and in the device's."""
    server.effects(Call, lambda facts, _, effects: effects * 2 if len(facts.peer) > 1 else effects)


@fault("CALL-1")
def rings_at_the_callers_tablet(server: Variant) -> None:
    """The room of the call has the caller's other devices in it."""

    def effects(facts: Facts, request: Call, effects: Effects) -> Effects:
        return effects + tuple(replace(effects[0], sid=c.sid) for c in facts.mine if c.sid != request.sid)

    server.effects(Call, effects)


@fault("CALL-1")
def believes_the_body_about_the_caller(server: Variant) -> None:
    """Between two users who both have two devices, `calling` names the callee: the login of the body."""

    def effects(facts: Facts, request: Call, effects: Effects) -> Effects:
        if len(facts.peer) < 2:
            return effects
        return tuple(replace(effect, payload={"login": request.login}) for effect in effects)

    server.effects(Call, effects)


@fault("CALL-2")
def tells_the_unknown_from_the_offline(server: Variant) -> None:
    """Two messages: no such user, and user offline."""
    seen: set[str] = set()
    server.notes(Login, lambda request: seen.add(request.login))

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        try:
            return inner(facts, request)
        except Offline:
            if isinstance(request, Call) and request.login not in seen:
                raise Offline("There is no such user.") from None
            raise

    server.on_rules = rules


@fault("CALL-2", collateral={"HTTP-*": "nobody is called there too"})
def rings_at_nobody(server: Variant) -> None:
    """Emitting into an empty room succeeds."""
    server.forgive(Call, Offline, wire.CALL_DONE)


@fault("CALL-2b")
def refuses_calls_with_404(server: Variant) -> None:
    """An offline user is not found."""

    def reply(path: str, status: int, body: Json) -> Response | None:
        return JSONResponse(body, 404) if path == "/call" and status == 200 and body.get("code") == "offline" else None

    server.replies(reply)


@fault("CALL-2b")
def refuses_busy_calls_with_486(server: Variant) -> None:
    """The status of SIP."""

    def reply(path: str, _: int, body: Json) -> Response | None:
        return JSONResponse(body, 486) if path == "/call" and body.get("code") == "busy" else None

    server.replies(reply)


@fault("CALL-3", collateral={"CALL-4": "the status is not looked at"})
def rings_the_busy(server: Variant) -> None:
    """The status is for show."""
    server.facts(Call, lambda facts, _: replace(facts, peer_busy=False))


@fault("CALL-3", collateral={"CALL-5": "there is something to decline"})
def remembers_calls_to_the_busy(server: Variant) -> None:
    """The call is written down before the status is looked at."""

    async def handle(inner: Handle, request: Request) -> Reply:
        try:
            return await inner(request)
        except Busy:
            if isinstance(request, Call):
                server.sql("INSERT OR REPLACE INTO signalproof_call VALUES (?, ?, 'ringing', 1e12)",
                           server.bound[request.sid], request.login)  # fmt: skip
            raise

    server.on_handle = handle


@fault("CALL-3", collateral={"CALL-2b": "it is accepted", "CALL-4": "the same"})
def thanks_for_calls_to_the_busy(server: Variant) -> None:
    """Accepted, and nobody hears it: the caller waits for ever."""
    server.forgive(Call, Busy, wire.CALL_DONE)


def _without(decision: Decision, kind: type[Change]) -> Decision:
    changes: Any = tuple(change for change in decision.changes if not isinstance(change, kind))
    return replace(decision, changes=changes)


@fault("CALL-4", collateral={"CALL-12": "a busy user came back"})
def stays_busy_after_leaving(server: Variant) -> None:
    """The status is a column of the user, and a leave does not touch it."""
    server.decisions(Leave, lambda _, __, decision: _without(decision, PutStatus))


@fault("CALL-4", collateral={"CALL-*": "the status is set there too"})
def keeps_the_status_per_device(server: Variant) -> None:
    """The device that is busy leaves, and the user is free."""
    server.decisions(
        Leave,
        lambda f, _, d: (
            d if f.me is None else replace(d, changes=(*d.changes, PutStatus(login=f.me.login, busy=False)))
        ),
    )


@fault("CALL-5", collateral={"CALL-*": SEVERAL})
def tells_one_device_of_the_decline(server: Variant) -> None:
    """The decline goes to one device of the caller."""
    server.effects(Decline, lambda _, __, effects: effects[:1])


@fault("CALL-5", collateral={"*": DECLINES})
def declines_whatever_it_is_told(server: Variant) -> None:
    """There is no state: whoever names a login, sends it a `decline`."""

    def effects(facts: Facts, _: Decline) -> Iterable[Emit]:
        return [wire.decline(connection.sid, facts.me.login) for connection in facts.peer if facts.me]

    server.forgive(Decline, NotRinging, wire.DONE_MESSAGE, effects=effects)


@fault("CALL-5", collateral={"*": DECLINES})
def thanks_for_declines_of_nothing(server: Variant) -> None:
    """The UPDATE touches no row, and nobody looks at the count."""
    server.forgive(Decline, NotRinging, wire.DONE_MESSAGE)


@fault("CALL-5")
def declines_at_once_race(server: Variant) -> None:
    """SELECT, then UPDATE, without a lock between them."""

    async def handle(inner: Handle, request: Request) -> Reply:
        return await (server.unlocked(request, first=0.01) if isinstance(request, Decline) else inner(request))

    server.on_handle = handle


@fault("CALL-5")
def calls_outlive_their_caller(server: Variant) -> None:
    """Nobody deletes the calls of those who left."""
    server.decisions(Leave, lambda _, __, decision: _without(decision, ForgetCalls))


@fault("CALL-6", collateral={"CALL-12": "an accepted call is declined there too"})
def offers_accept_nothing(server: Variant) -> None:
    """Calls and offers do not know of each other: an accepted call can be declined."""
    server.decisions(Offer, lambda _, __, decision: _without(decision, PutCall))


@fault("CALL-6", collateral={"*": "offers are made while it rings"})
def any_offer_accepts_all_calls(server: Variant) -> None:
    """UPDATE … WHERE callee = ?, whoever the offer is for."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Offer):
            server.sql("DELETE FROM signalproof_call WHERE callee = ?", server.bound.get(request.sid))
        return reply

    server.on_handle = handle


@fault("CALL-7", collateral={"*": RINGS})
def has_one_call_per_callee(server: Variant) -> None:
    """`ringing[callee] = caller`: the second caller takes the place of the first."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Call):
            server.sql("DELETE FROM signalproof_call WHERE callee = ? AND caller <> ?", request.login,
                       server.bound.get(request.sid))  # fmt: skip
        return reply

    server.on_handle = handle


@fault("CALL-7")
def a_decline_ends_all_calls(server: Variant) -> None:
    """`DELETE … WHERE callee = ?`."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Decline):
            server.sql("DELETE FROM signalproof_call WHERE callee = ?", server.bound.get(request.sid))
        return reply

    server.on_handle = handle


@fault("CALL-8", collateral={"CALL-*": "who was declined rings again", "HTTP-*": "the same"})
def blocks_after_a_decline(server: Variant) -> None:
    """A declined call is kept for a while, against nuisance."""
    declined: set[tuple[str, str]] = set()

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        decision = inner(facts, request)
        mine = facts.me.login if facts.me else ""
        if isinstance(request, Decline):
            declined.add((request.reciever_login, mine))
        if isinstance(request, Call) and (mine, request.login) in declined:
            raise Busy("This user has declined.")
        return decision

    server.on_rules = rules


@fault("CALL-9", collateral={"*": "users call each other there too"})
def crossed_calls_are_one(server: Variant) -> None:
    """The pair is sorted before it becomes the key."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Call):
            server.sql("DELETE FROM signalproof_call WHERE callee = ? AND caller = ?", server.bound.get(request.sid),
                       request.login)  # fmt: skip
        return reply

    server.on_handle = handle


@fault("CALL-10", collateral={"*": "a refresh is refused there too"})
def refreshes_anybody(server: Variant) -> None:
    """Whoever names a login, makes its clients start again."""
    server.forgive(
        Refresh, NoOffer, wire.DONE_MESSAGE, effects=lambda facts, _: [wire.refresh(peer.sid) for peer in facts.peer]
    )


@fault("CALL-10")
def thanks_for_refreshes_of_nothing(server: Variant) -> None:
    """Accepted, and nobody hears it."""
    server.forgive(Refresh, NoOffer, wire.DONE_MESSAGE)


@fault("CALL-10", collateral={"CALL-*": SEVERAL})
def refreshes_one_device(server: Variant) -> None:
    """One device of the peer hears it."""
    server.effects(Refresh, lambda _, __, effects: effects[:1])


@fault("CALL-11")
def rings_for_ever(server: Variant) -> None:
    """Nothing ends a call that nobody answers; the document promises three seconds."""
    server.settings = replace(server.settings, limits=replace(server.settings.limits, ringing_seconds=3))
    server.decisions(
        Call,
        lambda _, __, decision: replace(
            decision,
            changes=tuple(
                replace(change, expires=1e12) if isinstance(change, PutCall) else change for change in decision.changes
            ),
        ),
    )


@fault("CALL-12", collateral={"CALL-4": "nobody is told", "CALL-3": "the same"})
def the_busy_cannot_talk(server: Variant) -> None:
    """A user who is busy is kept from offering too, and both are, once they talk."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Offer) and facts.peer_busy:
            raise Busy
        return inner(facts, request)

    server.on_rules = rules


KINDS = (Call, Decline, SetStatus, Refresh)


@fault("CALL-13", collateral={"HTTP-*": "such a sid is used there"})
def status_needs_no_sid(server: Variant) -> None:
    """One endpoint does not check the sid."""
    server.forgive(SetStatus, UnknownSid, wire.DONE_MESSAGE)


@fault("CALL-13")
def calls_take_engine_sids(server: Variant) -> None:
    """Both sids of a connection are looked up."""

    def changed(request: Request) -> Request:
        manager: Any = server.engine().manager
        return replace(request, sid=manager.sid_from_eio_sid(request.sid, "/") or request.sid)

    server.requests(KINDS, changed)


@fault("CALL-13")
def calls_need_no_login(server: Variant) -> None:
    """Any connected socket may ring."""
    server.forgive(Call, UnknownSid, wire.CALL_DONE, lambda _, request: server.is_connected(request.sid))


@fault("CALL-14", collateral={"CALL-1": "it rings at the caller", "CALL-2b": "it is accepted"})
def rings_the_caller(server: Variant) -> None:
    """A call to oneself rings on all devices, the posting one included."""

    def effects(facts: Facts, request: Call) -> Iterable[Emit]:
        return [wire.calling(mine.sid, request.login) for mine in facts.mine]

    server.forgive(Call, SelfAddressed, wire.CALL_DONE, effects=effects)


@fault("CALL-14")
def thanks_for_calls_to_oneself(server: Variant) -> None:
    """Accepted, and rings nowhere."""
    server.forgive(Call, SelfAddressed, wire.CALL_DONE)
