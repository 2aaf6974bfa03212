"""Every posting of a run, and which of them each event belongs to.

Every request that may raise an event is a `Posting` and carries a marker of its own inside the text
that the server forwards. Every event that any connection of the run receives is brought here and laid
to the posting whose marker it carries, whichever check that posting belongs to. When the run has
settled, each posting is judged: delivered exactly once to each connection it was meant for, unchanged,
to nobody else, and not at all when it was refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from time import perf_counter

from signalproof.judge.attendance import Attendance
from signalproof.judge.diagnosis import Diagnosis
from signalproof.judge.posting import DELIVERY_SECONDS, Listener, Posting, Received
from signalproof.judge.steps import Steps
from signalproof.text.marker import find_marker, make_marker
from signalproof.text.redact import Pseudonyms

__all__ = ["Ledger"]

SILENCES = 8
"""Waits in vain after which a run in which no event has come at all loses its patience."""
IMPATIENT = 0.25
"""How many seconds it then waits for each event."""


class Ledger:
    """All postings of a run: those whose text carries a marker, and those that raise an event without text.

    `sids` are those of all connections, in the order in which they came; `pseudonyms` stand in for secrets;
    `last_posting_at` is a `perf_counter` reading; `largest_taken` is, for each path, the size in bytes of the largest
    body that was accepted there so far.
    """

    def __init__(self) -> None:
        self.run = "".join(secrets.choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(4))
        self._marked: dict[str, Posting] = {}
        self._plain: list[Posting] = []
        self._malformed: list[Posting] = []
        self._count = 0
        self.diagnosis = Diagnosis()
        self.steps = Steps()
        self.sids: list[str] = []
        self.pseudonyms = Pseudonyms()
        self.last_posting_at = 0.0
        self.largest_taken: dict[str, int] = {}
        self.attendance = Attendance()
        self._events = 0
        self._silences = 0

    def new_marker(self) -> str:
        """Make a marker that no other text of this run carries."""
        self._count += 1
        return make_marker(self.run, self._count)

    def knows(self, marker: str) -> bool:
        """Whether a marker is one of this run."""
        return marker.startswith(make_marker(self.run, 0)[:-5])

    def open(self, posting: Posting) -> Posting:
        """Enter a posting, before its request is sent."""
        self.last_posting_at = perf_counter()
        if posting.marker in posting.text:
            self._marked[posting.marker] = posting
        elif posting.kind.event:
            self._plain.append(posting)
        return posting

    def patience(self, timeout: float) -> float:
        """Give how long to wait for an event: not for long where many waits have seen no event of any kind."""
        return timeout if self._events or self._silences < SILENCES else min(timeout, IMPATIENT)

    def lost(self, connection: Listener) -> None:
        """Have whoever waits for an event at a connection know that it has ended."""
        for posting in (*self._marked.values(), *self._plain):
            if connection in posting.targets:
                posting.wake()

    def silence(self) -> None:
        """Count a wait that ended without its event."""
        self._silences += 1

    def record(self, received: Received) -> Posting | None:
        """Lay an event to its posting; give None when no posting of this run explains it."""
        self._events += 1
        posting = (
            self._marked.get(find_marker(received.args) or "")
            or self._of_plain(received)
            or self._of_malformed(received, hopeful=True)
            or self._of_malformed(received)
            or self._of_another_name(received)
        )
        if posting is not None:
            posting.received(received)
        return posting

    def malformed(self, posting: Posting) -> None:
        """Note that a posting is sent malformed, or with another's sid: its event may lack the marker or the author."""
        posting.malformed = True
        self._malformed.append(posting)

    def relieve(self, posting: Posting) -> None:
        """Lay what came too often, or elsewhere, to an accepted request that names nobody, for that may go anywhere.

        Only where nothing tells whose event it is: neither a text nor an author. Call it when all replies have come.
        """
        if posting.kind.text_key or posting.to_nobody:
            return
        for received in posting.surplus():
            wide = (p for p in reversed(self._malformed) if p.to_nobody and p.accepted and p.kind is posting.kind)
            if posting.kind.author_key in received.fields:
                return
            if other := next((p for p in wide if 0 <= received.at - p.sent_at <= DELIVERY_SECONDS), None):
                posting.heard.remove(received)
                other.heard.append(received)

    def _of_malformed(self, received: Received, *, hopeful: bool = False) -> Posting | None:
        """Find the malformed posting that an event without a marker must have come from: the latest of its author.

        One that was refused is no likely cause, and with `hopeful` none is that was not accepted. Where the author
        has none, it is the latest of the check, as without a sid there is no author; and where the check has none, or
        the event names another check's author, the latest of the run that names nobody: it may reach everybody.
        """
        fitting = [
            posting
            for posting in reversed(self._malformed)
            if posting.kind.event == received.event
            and posting.author.login
            and not (posting.in_vain if hopeful else posting.refused)
        ]
        own = [posting for posting in fitting if received.connection.check == posting.author.check]
        recent = [p for p in fitting if not p.kind.text_key and 0 <= received.at - p.sent_at <= DELIVERY_SECONDS]
        to_everybody = [p for p in filter(received.can_be_of, recent) if p.to_nobody]
        return (
            next(filter(received.can_be_of, own), None)
            or next((p for p in to_everybody if p.kind.author_key in received.fields), None)
            or next((posting for posting in own if posting in recent), None)
            or next(iter(to_everybody), None)
        )

    def _of_another_name(self, received: Received) -> Posting | None:
        """Find the posting of an event that names another author: one of the same check that lacks such an event."""
        own = [p for p in self._plain if p.kind.event == received.event and p.author.check == received.connection.check]
        return _lacking((posting for posting in own if not posting.in_vain), received)

    def replied(self, posting: Posting) -> None:
        """Lay the events of a posting that turns out to be refused to another one that must have raised them.

        Of two like requests at one moment, the event of the accepted one can come before the refusal of the other.
        """
        if not posting.in_vain or not (posting in self._plain or posting.malformed):
            return
        for received in list(posting.heard):
            if find_marker(received.args) == posting.marker:
                continue
            others = [other for other in self._plain if other.explains(received) and not other.in_vain]
            other = _lacking(others, received)
            if other is None and posting.malformed:
                other = self._of_malformed(received, hopeful=True)
            if other is not None:
                posting.heard.remove(received)
                other.received(received)

    def _of_plain(self, received: Received) -> Posting | None:
        """Find the posting of an event without a marker, such as `calling`, by what else it says.

        Of several it is the first that this connection still has to hear of, a sound one before all others and one in
        vain last; else it is one too many, and goes to the last, or to another malformed one if the last was malformed
        and in vain.
        """
        candidates = [posting for posting in self._plain if posting.explains(received)]
        likely = sorted(candidates, key=lambda posting: (posting.in_vain, posting.malformed))
        found = _lacking(likely, received)
        if found is not None or not candidates:
            return found
        last = candidates[-1]
        instead = self._of_malformed(received, hopeful=True) if last.in_vain and last.malformed else None
        return instead or last


def _lacking(postings: Iterable[Posting], received: Received) -> Posting | None:
    """Give the first posting that this connection still has to hear of, if there is one."""
    at = received.connection
    return next((p for p in postings if at in p.targets | p.audience.tolerated and not p.at(at)), None)
