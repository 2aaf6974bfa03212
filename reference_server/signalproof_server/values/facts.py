"""Facts: the state that concerns one request, and its circumstances."""

from __future__ import annotations

from dataclasses import dataclass, field

from signalproof_server.states import RingState, State

__all__ = ["Connection", "Facts", "Held", "Pair", "Ring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A live Socket.IO connection that has logged in."""

    sid: str
    login: str
    posted: int | None = None
    """The place, in the order of all descriptions, of the one that it posted last (ICE-3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A negotiation: who offered to whom, and how far it is (OFFER-10). `idle` pairs are not kept."""

    sender: str
    reciever: str
    state: State
    offered_on: str | None
    """The sid that posted the offer; None once that connection has gone."""
    seq: int
    """The place of the offer in the order of all descriptions (ANSWER-8)."""
    offer_id: str
    """The name of the offer (CORR-1)."""
    superseded_id: str | None = None
    """The name of the offer before it; older ones are forgotten (CORR-2)."""
    answered_on: str | None = None
    """The sid that posted the answer; None without an answer, or once that connection has gone (ICE-7)."""
    answered_seq: int | None = None
    """The place of the answer in the order of all descriptions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A candidate that waits for the next description of its connection (ICE-4, ICE-5)."""

    ice: str = field(repr=False)
    peer: str | None
    """The only user to whom that description may go; None: anybody."""
    until: float
    """When it is given up, by the clock of `Facts.now`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A call: who rings whom, and how far it is (CALL-7). `idle` ones are not kept."""

    caller: str
    callee: str
    state: RingState
    expires: float
    """When it stops to ring by itself, by the clock of `Facts.now` (CALL-11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the rules may know about one request.

    The store loads the state in one transaction; the service adds what only the moment knows.
    """

    me: Connection | None = None
    """The connection of the request's sid, if it has logged in and not left."""
    mine: tuple[Connection, ...] = ()
    """Every live connection of my login, mine included."""
    peer: tuple[Connection, ...] = ()
    """Every live connection of the login named, or of all to whom I have offered if none is named."""
    pairs: tuple[Pair, ...] = ()
    """The negotiations between me and the login named, or all of mine if none is named."""
    held: tuple[Held, ...] = ()
    """The candidates that wait for my connection's next description, in their order."""
    rings: tuple[Ring, ...] = ()
    """The calls between me and the login named."""
    peer_busy: bool = False
    """Whether the login named does not want to be called (CALL-3)."""

    now: float = 0.0
    """When the request is carried out, in seconds of a clock that only grows."""
    fresh_id: str = ""
    """A name that no offer has, for an offer that comes without one (CORR-1)."""
