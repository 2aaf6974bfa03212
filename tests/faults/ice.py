"""Faults of ICE candidates."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import replace

from starlette.requests import Request as HttpRequest
from tests.faults.registry import fault
from tests.faults.seams import Decode, Effects, Fields, Variant

from signalproof_server import wire
from signalproof_server.errors import AlreadyAnswered, BadRequest, NoOffer, Offline, RateLimited, UnknownSid
from signalproof_server.service import Rules
from signalproof_server.values import Answer, Candidate, Decision, Emit, Facts, ForgetHeld, Hold, Offer, Request

EARLY = "peers that trickle early lose candidates"
NOBODY = "a candidate for nobody stands for it there"


def _candidates(effects: Effects) -> Effects:
    return tuple(effect for effect in effects if effect.event == "ice_candidate")


def _others(effects: Effects) -> Effects:
    return tuple(effect for effect in effects if effect.event != "ice_candidate")


@fault("ICE-2")
def tells_one_device_of_candidates(server: Variant) -> None:
    """Before the answer, candidates go to the first device of the reciever alone."""
    server.effects(Candidate, lambda _, __, effects: effects[:1])


@fault("ICE-2")
def doubles_candidates_during_crossed_offers(server: Variant) -> None:
    """Two negotiations between the same users: a candidate is sent once for each."""
    server.effects(
        Candidate,
        lambda facts, _, effects: effects * 2 if sum(pair.state == "offered" for pair in facts.pairs) == 2 else effects,
    )


@fault("ICE-2", collateral={"ORDER-1": "order", "ICE-4": "order", "ICE-5": "order", "ICE-10": "peers wait"})
def delivers_candidates_out_of_order(server: Variant) -> None:
    """Each candidate is a task of its own; every other one has the longer way."""
    numbers: Counter[str] = Counter()

    def effects(_: Facts, request: Candidate, effects: Effects) -> Effects:
        numbers[request.sid] += 1
        if numbers[request.sid] % 2:
            server.later(0.03, effects)
            return ()
        return effects

    server.effects(Candidate, effects)


@fault("ICE-9")
def throttles_candidates(server: Variant) -> None:
    """A rate limit of fifty requests in a second, which was meant for offers."""
    recent: dict[str, deque[float]] = {}

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Candidate) and facts.pairs:
            times = recent.setdefault(request.sid, deque(maxlen=50))
            now = time.monotonic()
            if len(times) == 50 and times[0] > now - 1:
                raise RateLimited
            times.append(now)
        return inner(facts, request)

    server.on_rules = rules


@fault("ICE-3", collateral={"*": "users with several negotiations are met there too"})
def sends_candidates_to_all_peers(server: Variant) -> None:
    """A candidate goes to everybody with whom there is a negotiation."""

    def effects(facts: Facts, request: Candidate, effects: Effects) -> Effects:
        mine = facts.me.login if facts.me else ""
        rows = server.sql("SELECT answered_on FROM signalproof_pair WHERE sender = ? AND answered_on IS NOT NULL", mine)
        told = {effect.sid for effect in effects}
        return effects + tuple(wire.ice_candidate(sid, mine, request.ice) for (sid,) in rows if sid not in told)

    server.effects(Candidate, effects)


@fault("ICE-3", collateral={"*": "users with several negotiations are met there too"})
def ignores_the_peer_of_candidates(server: Variant) -> None:
    """A candidate goes to the peer of the latest negotiation, whomever it names."""
    server.requests(Candidate, lambda r: replace(r, login=None) if r.login in server.bound.values() else r)


@fault("ICE-3", "ICE-6")
def thanks_for_candidates_to_strangers(server: Variant) -> None:
    """A candidate for somebody with whom there is no negotiation is accepted and forgotten."""
    server.forgive(Candidate, Offline, wire.DONE)
    server.forgive(Candidate, NoOffer, wire.DONE)


@fault("ICE-7")
def sends_candidates_to_all_devices(server: Variant) -> None:
    """Candidates go to the room of the login, also when one device has answered."""

    def effects(_: Facts, request: Candidate, effects: Effects) -> Effects:
        told = {effect.sid for effect in effects}
        others = {sid for to in told for sid in server.devices(server.bound.get(to, "")) if sid not in told}
        answered = server.sql("SELECT 1 FROM signalproof_pair WHERE answered_on IN (?) AND offered_on = ?",
                              effects[0].sid if effects else "", request.sid)  # fmt: skip
        return effects + tuple(replace(effects[0], sid=sid) for sid in others if answered)

    server.effects(Candidate, effects)


@fault("ICE-7")
def takes_candidates_of_idle_devices(server: Variant) -> None:
    """Candidates are looked up by login, so the device that did not answer may send them too."""

    def effects(facts: Facts, request: Candidate) -> Iterable[Emit]:
        pair = next(p for p in facts.pairs if facts.me and p.reciever == facts.me.login)
        return [wire.ice_candidate(pair.offered_on, pair.reciever, request.ice)] if pair.offered_on else []

    server.forgive(Candidate, AlreadyAnswered, wire.DONE, effects=effects)


@fault("ICE-4", collateral={"ICE-2": "what was accepted never comes"})
def drops_early_candidates(server: Variant) -> None:
    """Candidates before the offer go into an empty room."""
    server.effects(Offer, lambda _, __, effects: _others(effects))


@fault("ICE-4", collateral={"ICE-2": "they are not delivered"})
def holds_32_candidates(server: Variant) -> None:
    """A bounded queue throws the oldest away."""
    server.effects(Offer, lambda _, __, effects: _others(effects) + _candidates(effects)[-32:])


@fault("ICE-4")
def releases_candidates_in_reverse(server: Variant) -> None:
    """A stack."""
    server.effects(Offer, lambda _, __, effects: _others(effects) + _candidates(effects)[::-1])


@fault("ICE-4")
def releases_candidates_before_the_offer(server: Variant) -> None:
    """What is held is flushed first."""
    server.effects(Offer, lambda _, __, effects: _candidates(effects) + _others(effects))


@fault("ICE-4")
def takes_40_early_candidates(server: Variant) -> None:
    """Forty are held, more are refused."""
    server.facts(Candidate, lambda facts, request: facts if len(facts.held) < 40 else replace(
        facts, held=facts.held * 64))  # fmt: skip


@fault("ICE-5", collateral={"ICE-2": "what was accepted never comes", "ICE-10": EARLY, "MEDIA-*": EARLY})
def drops_the_answerers_early_candidates(server: Variant) -> None:
    """Candidates before the answer go nowhere."""
    server.effects(Answer, lambda _, __, effects: _others(effects))


@fault("ICE-5")
def releases_the_answerers_candidates_in_reverse(server: Variant) -> None:
    """A stack."""
    server.effects(Answer, lambda _, __, effects: _others(effects) + _candidates(effects)[::-1])


@fault("ICE-5", collateral={"ICE-8": "they are not held"})
def forwards_the_answerers_candidates_at_once(server: Variant) -> None:
    """Candidates go out before the answer, and are lost where the peer has no remote description yet."""

    def decision(facts: Facts, request: Candidate, decision: Decision) -> Decision:
        offers = [p for p in facts.pairs if facts.me and p.reciever == facts.me.login and p.state == "offered"]
        if not any(isinstance(change, Hold) for change in decision.changes) or not offers or not facts.me:
            return decision
        to = offers[0].offered_on
        effects = (wire.ice_candidate(to, facts.me.login, request.ice),) if to else ()
        return replace(decision, changes=(), effects=effects)

    server.decisions(Candidate, decision)


@fault("ICE-6")
def thanks_for_candidates_to_the_gone(server: Variant) -> None:
    """The peer has left; its candidates are emitted to a sid that does not exist any more."""
    server.forgive(Candidate, Offline, wire.DONE, lambda _, request: request.login in seen)
    seen: set[str | None] = set()
    server.notes(Offer, lambda request: seen.add(request.reciever_login))


@fault("ICE-6", collateral={"HTTP-*": "such a sid is used there"})
def candidates_need_no_sid(server: Variant) -> None:
    """One endpoint does not check the sid."""
    server.forgive(Candidate, UnknownSid, wire.DONE)


@fault("ICE-8", collateral={"ICE-3": "it reaches somebody that it was not meant for"})
def keeps_candidates_of_superseded_offers(server: Variant) -> None:
    """A re-offer leaves what is held for the answer to the first one."""
    server.decisions(
        Offer,
        lambda _, __, decision: replace(
            decision, changes=tuple(change for change in decision.changes if not isinstance(change, ForgetHeld))
        ),
    )


@fault("ICE-1")
def parses_candidates(server: Variant) -> None:
    """The candidate is parsed and written anew, if it can be."""

    def again(text: str) -> str:
        try:
            return json.dumps(json.loads(text))
        except ValueError:
            return text

    server.texts(Candidate, again)


@fault("ICE-1", collateral={"ICE-2": "the accepted candidate does not come"})
def drops_the_end_of_candidates(server: Variant) -> None:
    """`if candidate:` in a client library that the server uses."""
    server.effects(Candidate, lambda _, request, effects: () if request.ice == "null" else effects)


@fault("ICE-1")
def refuses_candidates_that_are_no_json(server: Variant) -> None:
    """The field is a JSON field."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        request = inner(fields)
        if isinstance(request, Candidate):
            try:
                json.loads(request.ice)
            except ValueError:
                raise BadRequest("ice is not JSON.") from None
        return request

    server.on_decode = decode


@fault("ICE-11")
def takes_8191_bytes(server: Variant) -> None:
    """`<` became `<=` somewhere."""
    server.settings = replace(server.settings, limits=replace(server.settings.limits, candidate_bytes=8_191))


@fault("ICE-11", collateral={"ICE-1": "the text that comes is another"})
def cuts_long_candidates(server: Variant) -> None:
    """VARCHAR(4096)."""
    server.texts(Candidate, lambda text: text[:4_096])
