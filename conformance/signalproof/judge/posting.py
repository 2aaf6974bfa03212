"""One request that may raise an event: who has to hear it, who did, and what is wrong about that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from signalproof.errors import NonConformance
from signalproof.judge import hints
from signalproof.judge.reply import Outcome, Reply
from signalproof.protocol.schemas import violation
from signalproof.protocol.wire import Kind
from signalproof.text.redact import conceal

__all__ = ["DELIVERY_SECONDS", "FORM", "Audience", "Awaited", "Listener", "Posting", "Received"]

FORM = "ORDER-5"
"""The requirement on the form of every event."""
DELIVERY_SECONDS = 5.0
"""How many seconds after the reply an event may take (ORDER-3)."""


class Listener(Protocol):
    """A connection, as far as deliveries concern it: `live_since` is a `perf_counter` reading."""

    @property
    def name(self) -> str:
        """The name in ladders."""

    @property
    def login(self) -> str:
        """The login bound to it, or an empty string."""

    @property
    def check(self) -> int:
        """The number of the check it takes part in."""

    @property
    def live(self) -> bool:
        """Whether it is bound and open."""

    @property
    def live_since(self) -> float:
        """When it was bound."""

    @property
    def lost(self) -> str:
        """What became of it, in a sentence, if the target ended it unasked; empty otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """One event at one connection; `at` is a `perf_counter` reading.

    `binary` says that it came with binary data, of which `args` hold the text, and `asks` that an acknowledgement was
    asked for.
    """

    connection: Listener
    event: str
    args: tuple[object, ...]
    at: float
    binary: bool = False
    asks: bool = False

    @property
    def payload(self) -> object:
        """The event's first argument, or None when it has none; there should be no other."""
        return self.args[0] if self.args else None

    @property
    def fields(self) -> Mapping[str, object]:
        """The payload's fields; none when it is no object."""
        return self.payload if isinstance(self.payload, dict) else {}

    @property
    def oddities(self) -> list[str]:
        """What is not as it should be about the form of the event, whatever it says (ORDER-5)."""
        odd = ["with binary data"] if self.binary else []
        odd += [f"with {len(self.args)} arguments"] if len(self.args) > 1 and isinstance(self.payload, dict) else []
        return [*odd, "with an acknowledgement asked for"] if self.asks else odd

    def can_be_of(self, posting: Posting) -> bool:
        """Whether it names the author of a posting, or nobody."""
        return self.fields.get(posting.kind.author_key, posting.author.login) == posting.author.login


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of a posting: `targets` have to, `tolerated` may against a SHOULD, `allowed` may.

    `elsewhere` names the requirement that a delivery to anybody else breaks, where it is not the ordinary one.
    """

    targets: frozenset[Listener] = frozenset()
    tolerated: frozenset[Listener] = frozenset()
    allowed: frozenset[Listener] = frozenset()
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """The event of a posting at one connection that has to hear it."""

    posting: Posting
    connection: Listener

    def delay(self) -> float | None:
        """Give the seconds from the reply to the first such event, or None while none has come."""
        moment = self.moment()
        return None if moment is None else moment - max(self.posting.replied_at, self.posting.sent_at)

    def moment(self) -> float | None:
        """Give when the first such event came, or None while none has come."""
        found = self.posting.at(self.connection)
        return found[0].at if found else None


@dataclass(slots=True, eq=False)
class Posting:
    """One request that may raise an event.

    `text` is the string the event has to carry (empty where there is none); `reply` is None until one came;
    `ordinary` says that nothing about it is special;
    `refusal` names the requirement under which the check demands a refusal. `why_not` is the likely cause should it
    not be accepted, `why` should it be, against what is expected; `by_id` says that it names an offer by its id,
    `malformed` that its event may lack the marker or the author, `borrowed` that its sid is not the author's, and
    `to_nobody` that it names nobody who has to hear it. `case` is that of the check in which it was drafted.
    """

    kind: Kind
    author: Listener
    text: str
    marker: str
    audience: Audience
    reply: Reply | None = None
    sent_at: float = 0.0
    replied_at: float = 0.0
    ordinary: bool = False
    refusal: str | None = None
    why_not: str | None = None
    why: str | None = None
    by_id: bool = False
    malformed: bool = False
    borrowed: bool = False
    to_nobody: bool = False
    case: str = ""
    heard: list[Received] = field(default_factory=list)
    _overlooked: int = 0
    _waiters: list[asyncio.Future[None]] = field(default_factory=list)
    _examined: dict[Received, list[NonConformance]] = field(default_factory=dict)

    @property
    def targets(self) -> frozenset[Listener]:
        """The connections that have to receive its event."""
        return self.audience.targets

    @property
    def accepted(self) -> bool:
        """Whether the target accepted the request."""
        return self.reply is not None and self.reply.outcome is Outcome.ACCEPTED

    @property
    def refused(self) -> bool:
        """Whether the target refused the request."""
        return self.reply is not None and self.reply.outcome is Outcome.REFUSED

    @property
    def in_vain(self) -> bool:
        """Whether a reply came that accepts nothing."""
        return self.reply is not None and not self.accepted

    @property
    def replied_as_live(self) -> bool:
        """Whether the reply shows that the target still knows the sid: anything but `unknown_sid`."""
        return self.reply is not None and self.reply.code != "unknown_sid"

    def received(self, received: Received) -> None:
        """Lay one event to this posting and wake whoever waits for it."""
        self.heard.append(received)
        self.wake()

    def wake(self) -> None:
        """Have whoever waits for an event look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def at(self, connection: Listener) -> list[Received]:
        """Give the events of this posting that `connection` received, in order."""
        return [received for received in self.heard if received.connection is connection]

    async def wait_at(self, connection: Listener, timeout: float) -> Received | None:
        """Give the first event of this posting at `connection`, or None after `timeout` seconds.

        At a connection that the target has ended nothing more comes.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not (found := self.at(connection)):
            if connection.lost:
                return None
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.append(waiter)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiter, max(deadline - loop.time(), 0))
            if loop.time() >= deadline and not self.at(connection):
                return None
        return found[0]

    def surplus(self) -> list[Received]:
        """Give the events that came where they were not meant for, and those that came too often."""
        firsts = [self.at(connection)[:1] for connection in self.targets | self.audience.allowed]
        due = {received for first in firsts for received in first}
        return [received for received in self.heard if received not in due]

    def overlook(self) -> None:
        """Judge none of the events that have come so far: they came in time, or are another requirement's matter."""
        self._overlooked = len(self.heard)

    def breaches(self) -> Iterator[NonConformance]:
        """Judge all deliveries of this posting; call it when nothing more can arrive.

        One that was accepted where a refusal was demanded has had its verdict.
        """
        if self.refusal is not None and self.accepted:
            return
        counts: dict[Listener, int] = {}
        for received in self.heard[self._overlooked :]:
            connection = received.connection
            counts[connection] = counts.get(connection, 0) + 1
            yield from self._breaches_of(received, counts[connection])
        if self.accepted:
            for connection in self.targets:
                if connection not in counts and connection.live_since < self.sent_at and connection.live:
                    yield NonConformance(
                        self.kind.once,
                        expected=f"{self.kind.event} at {connection.name}, exactly once",
                        received="the request was accepted, but the event never came",
                        awaited=Awaited(self, connection),
                        at=self.replied_at or None,
                    )

    def _breaches_of(self, received: Received, count: int) -> Iterator[NonConformance]:
        name = received.connection.name
        if self.refused or self.refusal is not None:
            why = "was refused" if self.refused else "has to be refused"
            yield NonConformance(
                self.refusal or self.kind.leak,
                expected=f"no event, for the {self.kind.name} {why}",
                received=f"{received.event} at {name} all the same",
                at=received.at,
            )
        elif received.connection in self.targets:
            if count > 1:
                yield NonConformance(
                    self.kind.once,
                    expected=f"{self.kind.event} at {name} exactly once",
                    received=f"it came {count} times",
                    at=received.at,
                )
            yield from self.faults_of(received)
        elif received.connection in self.audience.allowed:
            yield from self.faults_of(received)
        else:
            tolerated = received.connection in self.audience.tolerated
            yield NonConformance(
                (self.kind.tolerated if tolerated else "") or self.audience.elsewhere or self.kind.leak,
                expected=self._where(),
                received=f"{received.event}{' also' if self.targets else ''} at {name}",
                at=received.at,
                hint=hints.for_stranger(
                    received.event,
                    at=received.connection.login,
                    author=self.author.login,
                    meant_for=sorted({target.login for target in self.targets}),
                    own_connection=received.connection is self.author,
                    arrived=any(other.connection in self.targets for other in self.heard),
                    by_id=self.by_id,
                ),
            )

    def _where(self) -> str:
        if not self.targets:
            return f"no {self.kind.event} anywhere"
        return f"{self.kind.event} at {_names(self.targets)} and nowhere else"

    def faults_of(self, received: Received) -> list[NonConformance]:
        """Judge name, shape and content of one event at a connection that it was meant for; once."""
        if received not in self._examined:
            self._examined[received] = list(self._faults_of(received))
        return self._examined[received]

    def _faults_of(self, received: Received) -> Iterator[NonConformance]:
        kind = self.kind
        payload, fields = received.payload, received.fields
        name = received.connection.name
        odd = received.oddities
        form = hints.for_form(received.args, binary=received.binary, asks=received.asks) if odd else None
        if received.event != kind.event:
            yield NonConformance(
                kind.once,
                expected=f"the event {kind.event} at {name}",
                received=f"the event {received.event} instead",
                hint=hints.for_event_name(received.event),
                at=received.at,
            )
            return
        if kind.text_key and not isinstance(fields.get(kind.text_key), str):
            problem = violation(kind.event_schema, payload)
            yield NonConformance(
                kind.once,
                expected=f"a {kind.event} payload with the string {kind.text_key}",
                received=problem or f"a payload without the string {kind.text_key}",
                hint=form or hints.for_payload(payload, kind.text_key),
                at=received.at,
            )
            return
        if odd:
            yield NonConformance(
                FORM,
                expected=f"{kind.event} at {name} as text, with one argument and no acknowledgement asked for",
                received=f"it came, {' and '.join(odd)}",
                hint=form,
                at=received.at,
            )
        text = str(fields.get(kind.text_key))
        if kind.text_key and text != self.text:
            yield NonConformance(
                kind.text,
                expected=f"{kind.text_key} to be the posted text, character for character",
                received=_difference(self.text, text),
                hint=hints.for_text(self.text, text),
                at=received.at,
            )
        if not self.borrowed and fields.get(kind.author_key, self.author.login) != self.author.login:
            yield NonConformance(
                kind.author,
                expected=f"{kind.author_key} {self.author.login!r}, the login bound to the sid",
                received=repr(fields[kind.author_key]),
                hint=hints.for_login(self.author.login, fields[kind.author_key]),
                at=received.at,
            )
        elif problem := violation(kind.event_schema, payload):
            yield NonConformance(kind.once, expected=f"a valid {kind.event} payload", received=problem, at=received.at)

    def is_usable(self, received: Received) -> bool:
        """Whether an event is the one that was due, and its text can be read, whatever else is wrong with it."""
        text = received.fields.get(self.kind.text_key) if self.kind.text_key else ""
        return received.event == self.kind.event and isinstance(text, str)

    def explains(self, received: Received) -> bool:
        """Whether an event without a marker can come from this posting."""
        if received.event != self.kind.event:
            return False
        if not received.can_be_of(self):
            return False
        if self.kind.text_key and received.fields.get(self.kind.text_key) != self.text:
            return False
        return received.connection.check == self.author.check or self.author.login in str(received.args)


def _names(connections: frozenset[Listener]) -> str:
    return ", ".join(sorted(connection.name for connection in connections))


def _difference(expected: str, received: str) -> str:
    """Say where two texts part, without printing a description whole."""
    position = next(
        (i for i, (a, b) in enumerate(zip(expected, received, strict=False)) if a != b),
        min(len(expected), len(received)),
    )
    here = slice(position, position + 12)
    shown, wanted = conceal(received)[here], conceal(expected)[here]
    hidden = " (dots hide an address or a secret)" if "•" in shown + wanted else ""
    return (
        f"another text: {len(received)} characters instead of {len(expected)}, "
        f"first different at {position}: {shown!r} instead of {wanted!r}{hidden}"
    )
