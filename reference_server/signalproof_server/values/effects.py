"""Effects and replies: what the world sees after the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from signalproof_server.values.changes import Change

__all__ = ["Decision", "Emit", "Json", "Reply"]

Json = dict[str, object]


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
