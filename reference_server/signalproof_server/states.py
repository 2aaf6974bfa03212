"""The state machines, as data: of a pair (sender login, reciever login) and of a call (caller, callee).

Each ordered pair has its own machine, so a crossed offer or call or another device disturbs nothing
(OFFER-10, ANSWER-11, CALL-7, CALL-9). A step that a table does not hold is refused and changes nothing.
Leaving is no step of a table: what is about a login is forgotten with its last connection, and what is not
kept is `idle` (ANSWER-10, CALL-4).
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["PAIR", "RINGING", "Event", "RingEvent", "RingState", "State"]


class State(StrEnum):
    """How far a negotiation is."""

    IDLE = "idle"
    OFFERED = "offered"
    STABLE = "stable"


class Event(StrEnum):
    """What moves it."""

    OFFER = "offer"
    ANSWER = "answer"


PAIR: dict[tuple[State, Event], State] = {
    (State.IDLE, Event.OFFER): State.OFFERED,
    (State.OFFERED, Event.OFFER): State.OFFERED,  # supersedes (OFFER-9)
    (State.OFFERED, Event.ANSWER): State.STABLE,
    (State.STABLE, Event.OFFER): State.OFFERED,  # renegotiation, ICE restart (MEDIA-3, MEDIA-4)
}


class RingState(StrEnum):
    """How far a call is."""

    IDLE = "idle"
    RINGING = "ringing"
    ACCEPTED = "accepted"


class RingEvent(StrEnum):
    """What moves it; `offer` is the callee's offer to the caller, `expire` the passing of time."""

    CALL = "call"
    OFFER = "offer"
    DECLINE = "decline"
    EXPIRE = "expire"


RINGING: dict[tuple[RingState, RingEvent], RingState] = {
    (RingState.IDLE, RingEvent.CALL): RingState.RINGING,
    (RingState.RINGING, RingEvent.CALL): RingState.RINGING,  # rings again, and for the whole time
    (RingState.RINGING, RingEvent.OFFER): RingState.ACCEPTED,  # (CALL-6)
    (RingState.RINGING, RingEvent.DECLINE): RingState.IDLE,  # (CALL-5, CALL-8)
    (RingState.RINGING, RingEvent.EXPIRE): RingState.IDLE,  # (CALL-11)
    (RingState.ACCEPTED, RingEvent.CALL): RingState.RINGING,  # the next call
}
