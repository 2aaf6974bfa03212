"""ICE candidates: to which peer, to which of its connections, and what becomes of early ones.

A candidate belongs to a negotiation in which its connection has posted the offer or the answer. Before that
it is early, and held for the next description of its connection; all others are refused, never dropped
(ICE-4, ICE-5, ICE-6). Nothing looks into a candidate (ICE-1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signalproof_server import wire
from signalproof_server.config import Limits
from signalproof_server.errors import AlreadyAnswered, NoOffer, Offline, SelfAddressed
from signalproof_server.exchange.logins import known
from signalproof_server.states import PAIR, Event, State
from signalproof_server.values import Candidate, Connection, Decision, Emit, Facts, Held, Hold, Pair

__all__ = ["candidate", "released"]


def candidate(facts: Facts, request: Candidate, limits: Limits) -> Decision:
    """Forward it, hold it, or refuse it."""
    me = known(facts, request)
    if request.login == me.login:
        raise SelfAddressed("A user cannot send candidates to itself.")
    pair = _negotiation(me, facts.pairs, request.login)
    if pair is None:
        return _hold(facts, me, request, limits)
    targets = _targets(me, pair, facts.peer)
    if not targets:
        raise Offline("The connection that the candidate is for has gone.")
    effects = (wire.ice_candidate(sid, me.login, request.ice) for sid in targets)
    return Decision(reply=wire.DONE, effects=tuple(effects))


def released(facts: Facts, me: Connection, peer: str, targets: Sequence[str]) -> Iterator[Emit]:
    """Raise what has waited for this connection's description to this peer (ICE-4, ICE-5)."""
    held = [one for one in _alive(facts) if one.peer in (None, peer)]
    return (wire.ice_candidate(sid, me.login, one.ice) for sid in targets for one in held)


def _negotiation(me: Connection, pairs: Sequence[Pair], login: str | None) -> Pair | None:
    """Find the negotiation that a candidate of mine belongs to (ICE-3).

    If the candidate names a peer, the pairs are those with that peer alone. If not, it can only mean the
    description that this connection posted last; one that has ended since is not replaced by an older one.
    """
    posted = {pair.seq: pair for pair in pairs if pair.sender == me.login and pair.offered_on == me.sid}
    posted |= {
        pair.answered_seq: pair
        for pair in pairs
        if pair.answered_seq is not None and pair.reciever == me.login and pair.answered_on == me.sid
    }
    latest = max(posted, default=None) if login is not None else me.posted
    return posted.get(latest) if latest is not None else None


def _targets(me: Connection, pair: Pair, peer: Sequence[Connection]) -> list[str]:
    """Find the peer's connections that can use a candidate of mine (ICE-7)."""
    if pair.sender != me.login:
        return [] if pair.offered_on is None else [pair.offered_on]
    if pair.state is State.STABLE:
        return [] if pair.answered_on is None else [pair.answered_on]
    return [connection.sid for connection in peer if connection.login == pair.reciever]


def _hold(facts: Facts, me: Connection, request: Candidate, limits: Limits) -> Decision:
    """Hold an early candidate for the next description of its connection."""
    if request.login is not None and not facts.peer:
        raise Offline
    offers = [pair for pair in facts.pairs if pair.reciever == me.login]
    unanswered = [pair for pair in offers if (pair.state, Event.ANSWER) in PAIR]
    if not unanswered:
        # Nothing to answer; so it is early only before the first offer of its connection.
        if any(pair.answered_on != me.sid for pair in offers):
            raise AlreadyAnswered
        if me.posted is not None:
            raise NoOffer("There is no negotiation that the candidate belongs to.")
    if sum(one.peer == request.login for one in _alive(facts)) >= limits.held_candidates:
        raise NoOffer("The candidate is early, and the server holds no more of them.")
    hold = Hold(
        sid=me.sid,
        ice=request.ice,
        peer=request.login,
        awaited=max(unanswered, key=lambda pair: pair.seq).sender if unanswered else None,
        now=facts.now,
        until=facts.now + limits.held_seconds,
    )
    return Decision(reply=wire.DONE, changes=(hold,))


def _alive(facts: Facts) -> list[Held]:
    return [one for one in facts.held if one.until > facts.now]
