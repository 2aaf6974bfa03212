"""Changes: what the store does in the transaction that loaded the facts."""

from __future__ import annotations

from dataclasses import dataclass, field

from signalproof_server.states import RingState, State

__all__ = [
    "Bind",
    "Change",
    "ForgetCalls",
    "ForgetHeld",
    "ForgetPairs",
    "Hold",
    "MarkAnswered",
    "PutCall",
    "PutOffer",
    "PutStatus",
    "ReleaseHeld",
    "Unbind",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Remember that the connection belongs to the login."""

    sid: str
    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbind:
    """Forget the connection, and the candidates that wait for its next description."""

    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOffer:
    """Put the pair into `state`, offered by this connection, as the newest description of all."""

    sender: str
    reciever: str
    offered_on: str
    offer_id: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkAnswered:
    """Put the pair into `state`: its offer has its answer, the newest description of all."""

    sender: str
    reciever: str
    answered_on: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetPairs:
    """Forget every pair that the login is part of."""

    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Hold a candidate for the connection's next description, behind those that it holds already."""

    sid: str
    ice: str = field(repr=False)
    peer: str | None
    awaited: str | None
    """The sender of the offer that an answer of this connection may be about to answer."""
    now: float
    """Candidates whose time is over by now are forgotten."""
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHeld:
    """Forget the candidates that have waited for this connection's description to this user."""

    sid: str
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetHeld:
    """Forget the candidates that would have followed an answer to this sender."""

    awaited: str
    login: str | None
    """The user who would have answered; None: anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutCall:
    """Put the call into `state`; an `idle` one is forgotten."""

    caller: str
    callee: str
    state: RingState
    expires: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCalls:
    """Forget every call that the login is part of."""

    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutStatus:
    """Remember whether the user wants to be called."""

    login: str
    busy: bool


Change = (
    Bind
    | Unbind
    | PutOffer
    | MarkAnswered
    | ForgetPairs
    | Hold
    | ReleaseHeld
    | ForgetHeld
    | PutCall
    | ForgetCalls
    | PutStatus
)
