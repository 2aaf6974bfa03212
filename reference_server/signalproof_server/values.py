"""The frozen values that cross module borders: requests, facts, changes, effects, replies.

    wire ──request──▶ service ◀──facts── store
                      │   ▲
                      ▼   │ decision
                    exchange: decide(facts, request)
                      │
    store ◀──changes──┴──effects──▶ delivery ──▶ connections

A profile adds its request, its changes and, where needed, a field of `Facts`; nothing else moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from signalproof_server.states import State

__all__ = [
    "Answer",
    "Bind",
    "Change",
    "Connection",
    "Decision",
    "Emit",
    "Facts",
    "ForgetPairs",
    "Json",
    "Leave",
    "Login",
    "MarkAnswered",
    "Offer",
    "Pair",
    "PutOffer",
    "Reply",
    "Request",
    "Unbind",
]

Json = dict[str, object]


# Requests: what a client asks for, decoded and checked.


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The event `login`: bind this connection to a login (LOGIN-2)."""

    sid: str
    login: str

    @property
    def peer(self) -> str | None:
        """Nobody else is concerned."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The connection has gone (LOGIN-7); not on the wire, the socket edge makes it."""

    sid: str

    @property
    def peer(self) -> str | None:
        """Nobody in particular is concerned."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """POST `/offer` with `type` `sender`."""

    sid: str
    reciever_login: str
    offer: str = field(repr=False)

    @property
    def peer(self) -> str | None:
        """The login that the offer is for."""
        return self.reciever_login


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """POST `/offer` with `type` `reciever`; `sender_login` None means the latest offer (ANSWER-8)."""

    sid: str
    answer: str = field(repr=False)
    sender_login: str | None = None

    @property
    def peer(self) -> str | None:
        """The login whose offer is answered, if the answer names it (ANSWER-7)."""
        return self.sender_login


Request = Login | Leave | Offer | Answer


# Facts: the state that concerns one request.


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A live Socket.IO connection that has logged in."""

    sid: str
    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A negotiation: who offered to whom, and how far it is (OFFER-10). `idle` pairs are not kept."""

    sender: str
    reciever: str
    state: State
    offered_on: str | None
    """The sid that posted the offer; None once that connection has gone."""
    seq: int
    """Grows with every offer of anybody (ANSWER-8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the rules may know about one request, loaded by the store in one transaction."""

    me: Connection | None = None
    """The connection of the request's sid, if it has logged in and not left."""
    mine: tuple[Connection, ...] = ()
    """Every live connection of my login, mine included."""
    peer: tuple[Connection, ...] = ()
    """Every live connection of the login that the request names."""
    pairs: tuple[Pair, ...] = ()
    """The negotiations between me and the login named, or all of mine if none is named."""


# Changes: what the store does in the same transaction.


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Remember that the connection belongs to the login."""

    sid: str
    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbind:
    """Forget the connection."""

    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOffer:
    """Put the pair into `state`, offered by this connection, as the newest offer of all."""

    sender: str
    reciever: str
    offered_on: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkAnswered:
    """Put the pair into `state`: its offer has its answer."""

    sender: str
    reciever: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetPairs:
    """Forget every pair that the login is part of."""

    login: str


Change = Bind | Unbind | PutOffer | MarkAnswered | ForgetPairs


# Effects and replies: what the world sees after the transaction.


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Raise one event on one connection."""

    sid: str = field(repr=False)
    event: str
    payload: Json = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a request: a JSON object, and how HTTP wraps it."""

    body: Json
    http_status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from one request: the reply, the changes of state, the events to raise."""

    reply: Reply
    changes: tuple[Change, ...] = ()
    effects: tuple[Emit, ...] = ()
