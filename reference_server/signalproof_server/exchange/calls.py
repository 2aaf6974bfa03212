"""Ringing: calls, declines, the user's status, and the request to start again."""

from __future__ import annotations

from signalproof_server import wire
from signalproof_server.config import Limits
from signalproof_server.errors import Busy, NoOffer, NotRinging, Offline, SelfAddressed
from signalproof_server.exchange.logins import known
from signalproof_server.states import RINGING, RingEvent, RingState
from signalproof_server.values import Call, Decision, Decline, Facts, PutCall, PutStatus, Refresh, SetStatus

__all__ = ["accepted", "call", "decline", "refresh", "set_status"]


def call(facts: Facts, request: Call, limits: Limits) -> Decision:
    """Ring on each connection of the callee, once more if it rings already (CALL-1, CALL-2, CALL-3)."""
    me = known(facts, request)
    if request.login == me.login:
        raise SelfAddressed("A user cannot call itself.")
    if not facts.peer:
        raise Offline
    if facts.peer_busy:
        raise Busy
    state = _state(facts, caller=me.login, callee=request.login)
    put = PutCall(
        caller=me.login,
        callee=request.login,
        state=RINGING[state, RingEvent.CALL],
        expires=facts.now + limits.ringing_seconds,
    )
    effects = (wire.calling(connection.sid, me.login) for connection in facts.peer)
    return Decision(reply=wire.CALL_DONE, changes=(put,), effects=tuple(effects))


def decline(facts: Facts, request: Decline) -> Decision:
    """Tell the caller's connections, while it rings (CALL-5, CALL-7)."""
    me = known(facts, request)
    caller = request.reciever_login
    step = _state(facts, caller=caller, callee=me.login), RingEvent.DECLINE
    if step not in RINGING:
        raise NotRinging
    put = PutCall(caller=caller, callee=me.login, state=RINGING[step])
    effects = (wire.decline(connection.sid, me.login) for connection in facts.peer)
    return Decision(reply=wire.DONE_MESSAGE, changes=(put,), effects=tuple(effects))


def accepted(facts: Facts, *, callee: str, caller: str) -> tuple[PutCall, ...]:
    """Change what an offer of the callee to the caller changes: it accepts a call that rings (CALL-6)."""
    step = _state(facts, caller=caller, callee=callee), RingEvent.OFFER
    return (PutCall(caller=caller, callee=callee, state=RINGING[step]),) if step in RINGING else ()


def set_status(facts: Facts, request: SetStatus) -> Decision:
    """Remember the status of the user, whichever connection sets it (CALL-4)."""
    me = known(facts, request)
    return Decision(reply=wire.DONE_MESSAGE, changes=(PutStatus(login=me.login, busy=request.busy),))


def refresh(facts: Facts, request: Refresh) -> Decision:
    """Ask each connection of a peer with whom there is a negotiation, in whichever direction (CALL-10)."""
    known(facts, request)
    if not facts.pairs:
        raise NoOffer("There is no negotiation with this user.")
    effects = (wire.refresh(connection.sid) for connection in facts.peer)
    return Decision(reply=wire.DONE_MESSAGE, effects=tuple(effects))


def _state(facts: Facts, *, caller: str, callee: str) -> RingState:
    """Tell how far the call is now; nothing runs when it expires, so that is found out here (CALL-11)."""
    for ring in facts.rings:
        if (ring.caller, ring.callee) == (caller, callee):
            expired = ring.expires <= facts.now
            return RINGING.get((ring.state, RingEvent.EXPIRE), ring.state) if expired else ring.state
    return RingState.IDLE
