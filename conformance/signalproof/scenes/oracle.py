"""What the model says of a random scene, compared with what came of it.

After every step each event that the scene has caused so far is judged: at whom it arrived, how often and with what
text. Hasty steps do not wait for their events; these are awaited, and their order judged, at the next calm one.
"""

from __future__ import annotations

from collections.abc import Sequence

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.cast.settling import late_breaches
from signalproof.errors import NonConformance
from signalproof.judge.posting import Posting, Received
from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.wire import ANSWER, CANDIDATE
from signalproof.scenes.manners import EXTRAS, Manner
from signalproof.scenes.model import Due, Negotiation
from signalproof.scenes.roster import Roster

__all__ = ["Oracle"]


class Oracle(Roster):
    """The judge of a scene: it knows from the model what every request has to come to."""

    def __init__(self, scene: Cast) -> None:
        super().__init__(scene)
        self._correlates = "correlation" in scene.target.profiles
        self._about: dict[Posting, Negotiation] = {}
        self._pending: list[Posting] = []

    def _judge(self, posting: Posting, due: Due, manner: Manner | None = None) -> None:
        """Compare the reply with what was due."""
        with self.scene.in_case(str(manner or "")):
            if due.accepted:
                self.scene.accepted(posting, due.requirement)
            elif due.accepted is False or not posting.accepted:
                self.scene.refused(posting, due.requirement)
        if posting.accepted and due.audience.targets:
            self._pending.append(posting)

    async def _after(self, manner: Manner) -> None:
        if not manner.hasty:
            await self._calm()

    async def _calm(self) -> None:
        """Wait for the events of the steps so far, then judge their order and all that arrived."""
        pending, self._pending = self._pending, []
        for posting in pending:
            for target in posting.targets:
                if isinstance(target, Participant) and target.live:
                    self._judge_fields(posting, await target.hears(posting))
        self._judge_order(pending)
        self._compare()

    def _expect(self, requirement: str, kept: bool, *, expected: str, received: str) -> None:
        """Expect something that no later step depends on: a breach that the baseline lists does not end the scene."""
        found = NonConformance(requirement, expected=expected, received=received)
        if not kept and not self.scene.pass_over(found):
            self.scene.breach(found)

    def _judge_fields(self, posting: Posting, received: Received) -> None:
        """Judge what else an event holds: nothing that nobody knows, the offer's id, and its author (CORR-4)."""
        self._expect(
            "HTTP-6",
            not EXTRAS["unknown"] & received.fields.keys(),
            expected=f"{received.event} without the unknown field of the request",
            received=f"the keys {', '.join(received.fields)}",
        )
        if not self._correlates:
            return
        author_key = posting.kind.author_key
        self._expect(
            "CORR-4",
            posting.kind not in {ANSWER, CANDIDATE} or author_key in received.fields,
            expected=f"{author_key} in {received.event}",
            received=f"the keys {', '.join(received.fields)}",
        )
        negotiation = self._about.get(posting)
        if negotiation is not None:
            given = received.fields.get("offer_id")
            if posting is negotiation.offer:
                self.model.identified(negotiation, str(given))
            self._expect(
                "CORR-1",
                given == negotiation.offer_id != "",
                expected=f"the offer_id of the offer in {received.event}: {negotiation.offer_id!r}",
                received=repr(given),
            )

    def _judge_order(self, sent: list[Posting]) -> None:
        """Judge the order of events whose requests followed each other (ORDER-1)."""
        for device in self.present:
            last: Posting | None = None
            for posting in sorted((p for p in sent if p.at(device)), key=lambda posting: posting.sent_at):
                if last is not None and last.replied_at < posting.sent_at:
                    self._expect(
                        "ORDER-1",
                        last.at(device)[0].at <= posting.at(device)[0].at,
                        expected=f"the {last.kind.name} before the {posting.kind.name} at {device.name}",
                        received="the other way round",
                    )
                last = posting

    def _compare(self) -> None:
        """Judge every event of the scene so far; what the baseline lists or breaks a SHOULD waits for the end."""
        if self._pending:
            return
        sids = frozenset(sid for c in self.scene.connections for sid in (c.sid, c.engine_sid) if sid)
        for found in late_breaches(self.scene, sids):
            must = any(catalogue()[i].level is Level.MUST for i in found.requirements)
            if must and not self.scene.in_baseline(found):
                self.scene.breach(found)

    def _race(self, both: Sequence[Posting], requirement: str) -> Posting:
        """Judge two like requests at the same moment, of which one has to be accepted; give that one."""
        accepted = [posting for posting in both if posting.accepted]
        self.scene.expect(
            requirement,
            len(accepted) == 1,
            expected=f"one of two {both[0].kind.name}s at the same moment to be accepted",
            received=" and ".join(p.reply.describe() for p in both if p.reply),
        )
        for posting in both:
            if not posting.accepted:
                self.scene.refused(posting, requirement)
        self._pending += accepted
        return accepted[0]
