"""The state machine of a pair (sender login, reciever login), as data.

Each ordered pair has its own machine, so a crossed offer or another device disturbs nothing (OFFER-10,
ANSWER-11). A step that the table does not hold is refused and changes nothing.
"""

from enum import StrEnum
from typing import Final

__all__ = ["PAIR", "Event", "State"]


class State(StrEnum):
    """How far a negotiation is."""

    IDLE = "idle"
    OFFERED = "offered"
    STABLE = "stable"


class Event(StrEnum):
    """What moves it; `leave` is the last connection of either login leaving."""

    OFFER = "offer"
    ANSWER = "answer"
    LEAVE = "leave"


PAIR: Final[dict[tuple[State, Event], State]] = {
    (State.IDLE, Event.OFFER): State.OFFERED,
    (State.OFFERED, Event.OFFER): State.OFFERED,  # supersedes (OFFER-9)
    (State.OFFERED, Event.ANSWER): State.STABLE,
    (State.STABLE, Event.OFFER): State.OFFERED,  # renegotiation, ICE restart (MEDIA-3, MEDIA-4)
    (State.IDLE, Event.LEAVE): State.IDLE,
    (State.OFFERED, Event.LEAVE): State.IDLE,  # (ANSWER-10)
    (State.STABLE, Event.LEAVE): State.IDLE,
}
