"""Faults of correlation."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.registry import fault
from tests.faults.seams import Effects, Variant

from signalproof_server import wire
from signalproof_server.errors import NoOffer, Superseded
from signalproof_server.service import Rules
from signalproof_server.values import Answer, Candidate, Decision, Emit, Facts, Json, Offer, Request

ID = "the id is not what it was"


def _payloads(server: Variant, kind: type[Offer] | type[Answer] | type[Candidate], change: dict[str, object]) -> None:
    def changed(effect: Emit) -> Emit:
        payload: Json = {key: change.get(key, value) for key, value in effect.payload.items()}
        return replace(effect, payload={key: value for key, value in payload.items() if value is not None})

    server.effects(kind, lambda _, __, effects: tuple(map(changed, effects)))


@fault("CORR-1")
def forgets_the_id_in_answers(server: Variant) -> None:
    """Only `sender_offer` has the id."""
    _payloads(server, Answer, {"offer_id": None})


@fault("CORR-1", collateral={"CORR-2": ID, "CORR-3": ID})
def replaces_ids_of_clients(server: Variant) -> None:
    """The server makes all ids itself."""
    server.requests(Offer, lambda request: replace(request, offer_id=None))


@fault("CORR-1", collateral={"CORR-2": ID, "CORR-3": ID})
def has_one_id_per_pair(server: Variant) -> None:
    """The id is that of the row, which a re-offer updates."""

    def facts(facts: Facts, _: Offer) -> Facts:
        mine = facts.me.login if facts.me else ""
        return replace(facts, fresh_id=next((p.offer_id for p in facts.pairs if p.sender == mine), facts.fresh_id))

    server.facts(Offer, facts)


@fault("CORR-2", collateral={"CORR-3": "an id that contradicts the name is not looked at either"})
def takes_late_answers(server: Variant) -> None:
    """The id is passed on, but not looked at where the answer names its sender."""
    server.requests(Answer, lambda r: replace(r, offer_id=None) if r.sender_login is not None else r)


@fault("CORR-2")
def guesses_when_the_id_is_unknown(server: Variant) -> None:
    """`offers.get(offer_id) or offers.latest()`."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        try:
            return inner(facts, request)
        except NoOffer:
            if isinstance(request, Answer) and request.offer_id is not None and request.sender_login is None:
                return inner(facts, replace(request, offer_id=None))
            raise

    server.on_rules = rules


@fault("CORR-2")
def thanks_for_superseded_answers(server: Variant) -> None:
    """An answer to an offer that was replaced is accepted and forgotten."""
    server.forgive(Answer, Superseded, wire.OFFER_DONE)


@fault("CORR-3")
def ignores_ids(server: Variant) -> None:
    """An answer with an id alone goes to the latest offer."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Answer) and request.sender_login is None and request.offer_id is not None:
            inner(facts, request)
            return inner(facts, replace(request, offer_id=None))
        return inner(facts, request)

    server.on_rules = rules


@fault("CORR-3")
def believes_the_id_against_the_name(server: Variant) -> None:
    """With an id, the name is not looked at."""
    server.requests(Answer, lambda r: replace(r, sender_login=None) if r.offer_id is not None else r)


@fault("CORR-4")
def names_nobody_in_answers(server: Variant) -> None:
    """`reciever_login` is left out."""
    _payloads(server, Answer, {"reciever_login": None})


@fault("CORR-4", collateral={"ICE-2": "an event about nobody"})
def names_the_hearer_in_candidates(server: Variant) -> None:
    """The candidate bears the login that the request named: that of the peer."""

    def effects(_: Facts, __: Candidate, effects: Effects) -> Effects:
        return tuple(replace(e, payload=e.payload | {"login": server.bound.get(e.sid, "")}) for e in effects)

    server.effects(Candidate, effects)


@fault("CORR-4")
def names_no_author_of_candidates(server: Variant) -> None:
    """The candidate alone is forwarded."""
    _payloads(server, Candidate, {"login": None})
