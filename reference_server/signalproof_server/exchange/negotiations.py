"""Offers and answers, with the candidates that have waited for them."""

from __future__ import annotations

from signalproof_server import wire
from signalproof_server.errors import AlreadyAnswered, NoOffer, Offline, SelfAddressed, Superseded
from signalproof_server.exchange.calls import accepted
from signalproof_server.exchange.candidates import released
from signalproof_server.exchange.logins import known
from signalproof_server.states import PAIR, Event, State
from signalproof_server.values import (
    Answer,
    Connection,
    Decision,
    Facts,
    ForgetHeld,
    MarkAnswered,
    Offer,
    Pair,
    PutOffer,
    ReleaseHeld,
)

__all__ = ["answer", "offer"]


def offer(facts: Facts, request: Offer) -> Decision:
    """Forward to each connection of the reciever; a re-offer supersedes (OFFER-1, OFFER-2, OFFER-9)."""
    me = known(facts, request)
    peer = request.reciever_login
    if peer == me.login:
        raise SelfAddressed
    if not facts.peer:
        raise Offline
    state = next((pair.state for pair in facts.pairs if pair.sender == me.login), State.IDLE)
    offer_id = request.offer_id or facts.fresh_id
    put = PutOffer(
        sender=me.login,
        reciever=peer,
        offered_on=me.sid,
        offer_id=offer_id,
        state=PAIR[state, Event.OFFER],
    )
    targets = [connection.sid for connection in facts.peer]
    forwarded = (wire.sender_offer(sid, me.login, request.offer, offer_id) for sid in targets)
    return Decision(
        reply=wire.OFFER_DONE,
        changes=(
            put,
            ReleaseHeld(sid=me.sid, peer=peer),
            # What was to follow the answer to the superseded offer must not follow this one's (ICE-8).
            ForgetHeld(awaited=me.login, login=peer),
            *accepted(facts, callee=me.login, caller=peer),
        ),
        effects=(*forwarded, *released(facts, me, peer, targets)),
    )


def answer(facts: Facts, request: Answer) -> Decision:
    """Forward to the connection that offered; the first answer wins (ANSWER-1, ANSWER-3, ANSWER-5)."""
    me = known(facts, request)
    pair = _answerable(_named(me, facts.pairs, request.offer_id))
    if pair.offered_on is None:
        # The device that offered has gone. No other device of the sender could use this answer.
        raise Offline("The connection that made the offer has gone.")
    mark = MarkAnswered(
        sender=pair.sender,
        reciever=me.login,
        answered_on=me.sid,
        state=PAIR[pair.state, Event.ANSWER],
    )
    forwarded = wire.reciever_answer(pair.offered_on, request.answer, me.login, pair.offer_id)
    return Decision(
        reply=wire.OFFER_DONE,
        changes=(
            mark,
            ReleaseHeld(sid=me.sid, peer=pair.sender),
            # My other connections have lost: their candidates have nothing to be added to (ICE-7).
            ForgetHeld(awaited=pair.sender, login=me.login),
        ),
        effects=(forwarded, *released(facts, me, pair.sender, [pair.offered_on])),
    )


def _named(me: Connection, pairs: tuple[Pair, ...], offer_id: str | None) -> list[Pair]:
    """Find the offers to me that the answer may mean (CORR-2, CORR-3).

    If the answer names a sender, the pairs are those with that sender alone (ANSWER-7).
    """
    offers = [pair for pair in pairs if pair.reciever == me.login]
    if offer_id is None:
        return offers
    named = [pair for pair in offers if pair.offer_id == offer_id]
    if not named and any(pair.superseded_id == offer_id for pair in offers):
        raise Superseded
    return named


def _answerable(offers: list[Pair]) -> Pair:
    """Choose the latest offer that can be answered (ANSWER-4, ANSWER-8)."""
    answerable = [pair for pair in offers if (pair.state, Event.ANSWER) in PAIR]
    if answerable:
        return max(answerable, key=lambda pair: pair.seq)
    if offers:
        raise AlreadyAnswered
    raise NoOffer
