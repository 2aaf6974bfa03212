"""The rules of the contract: `decide(facts, request)` and nothing else.

Pure: no I/O, no clock, no framework, no await. A rule looks at the facts that the store has loaded for this
one request and returns a `Decision`, or raises a `Refusal`. A refusal leaves the transaction by an
exception, so it cannot change state or raise an event, whichever rule made it.

The changes of a decision are applied in the transaction that loaded the facts; its effects are delivered
after the commit. Therefore an answer that comes back the moment `sender_offer` arrives finds its offer
(ANSWER-12), and of two answers at the same moment the second one sees the first (ANSWER-6).

The sid decides who asks (OFFER-3). What is forwarded is the text of the request itself, never parsed
(OFFER-4).
"""

from typing import assert_never

from signalproof_server import wire
from signalproof_server.errors import AlreadyAnswered, BadRequest, NoOffer, Offline, SelfOffer, UnknownSid
from signalproof_server.states import PAIR, Event, State
from signalproof_server.values import (
    Answer,
    Bind,
    Change,
    Connection,
    Decision,
    Facts,
    ForgetPairs,
    Leave,
    Login,
    MarkAnswered,
    Offer,
    Pair,
    PutOffer,
    Request,
    Unbind,
)

__all__ = ["decide"]


def decide(facts: Facts, request: Request) -> Decision:
    """Say what follows from the request; raise a `Refusal` if nothing does."""
    match request:
        case Login():
            return _login(facts, request)
        case Leave():
            return _leave(facts, request)
        case Offer():
            return _offer(facts, request)
        case Answer():
            return _answer(facts, request)
        case _:
            assert_never(request)


def _login(facts: Facts, request: Login) -> Decision:
    """Bind once; the same login again is harmless, another one is refused (LOGIN-2, LOGIN-5, LOGIN-6)."""
    if facts.me is None:
        return Decision(reply=wire.DONE, changes=(Bind(sid=request.sid, login=request.login),))
    if facts.me.login != request.login:
        raise BadRequest("This connection has logged in with another login.")
    return Decision(reply=wire.DONE)


def _leave(facts: Facts, request: Leave) -> Decision:
    """Forget this connection; with the last one of a login its negotiations (LOGIN-7, LOGIN-8, ANSWER-10)."""
    if facts.me is None:
        return Decision(reply=wire.DONE)
    changes: tuple[Change, ...] = (Unbind(sid=request.sid),)
    if all(connection.sid == request.sid for connection in facts.mine):
        changes += (ForgetPairs(login=facts.me.login),)
    return Decision(reply=wire.DONE, changes=changes)


def _offer(facts: Facts, request: Offer) -> Decision:
    """Forward to each connection of the reciever; a re-offer supersedes (OFFER-1, OFFER-2, OFFER-9)."""
    me = _known(facts)
    if request.reciever_login == me.login:
        raise SelfOffer
    if not facts.peer:
        raise Offline
    state = next((pair.state for pair in facts.pairs if pair.sender == me.login), State.IDLE)
    put = PutOffer(
        sender=me.login,
        reciever=request.reciever_login,
        offered_on=me.sid,
        state=PAIR[state, Event.OFFER],
    )
    effects = (wire.sender_offer(connection.sid, me.login, request.offer) for connection in facts.peer)
    return Decision(reply=wire.OFFER_DONE, changes=(put,), effects=tuple(effects))


def _answer(facts: Facts, request: Answer) -> Decision:
    """Forward to the connection that offered; the first answer wins (ANSWER-1, ANSWER-3, ANSWER-5)."""
    me = _known(facts)
    pair = _answerable(me, facts.pairs)
    if pair.offered_on is None:
        # The device that offered has gone. No other device of the sender could use this answer.
        raise Offline("The connection that made the offer has gone.")
    mark = MarkAnswered(sender=pair.sender, reciever=me.login, state=PAIR[pair.state, Event.ANSWER])
    effect = wire.reciever_answer(pair.offered_on, request.answer)
    return Decision(reply=wire.OFFER_DONE, changes=(mark,), effects=(effect,))


def _known(facts: Facts) -> Connection:
    """Who asks (OFFER-5, SEC-2)."""
    if facts.me is None:
        raise UnknownSid
    return facts.me


def _answerable(me: Connection, pairs: tuple[Pair, ...]) -> Pair:
    """Find the latest offer to me that can be answered (ANSWER-4, ANSWER-8).

    If the answer names a sender, the pairs are those with that sender alone (ANSWER-7).
    """
    offers = [pair for pair in pairs if pair.reciever == me.login]
    answerable = [pair for pair in offers if (pair.state, Event.ANSWER) in PAIR]
    if answerable:
        return max(answerable, key=lambda pair: pair.seq)
    if offers:
        raise AlreadyAnswered
    raise NoOffer
