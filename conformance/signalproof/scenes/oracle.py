"""One random scene: who is in it, what the model says of it, and the comparison of the two.

After every act each event that the scene has caused so far is judged: at whom it arrived, how often and with what
text. Hasty acts do not wait for their events; these are awaited, and their order judged, at the next calm one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.cast.settling import late_breaches
from signalproof.errors import NonConformance
from signalproof.judge.ledger import Posting, Received
from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.wire import ANSWER, CANDIDATE
from signalproof.scenes.model import Due, Model, Negotiation
from signalproof.scenes.variations import EXTRAS, Act

__all__ = ["USERS", "Comparison"]

USERS = ("man", "woman", "rival")
"""The users of a scene, each with one connection at its start."""


class Comparison:
    """A scene and its model."""

    def __init__(self, scene: Cast) -> None:
        self.scene = scene
        self.model = Model()
        self.model.ringing_seconds = scene.target.limits.get("ringing_seconds", self.model.ringing_seconds)
        self.present: list[Participant] = []
        self._correlates = "correlation" in scene.target.profiles
        self._about: dict[Posting, Negotiation] = {}
        self._pending: list[Posting] = []

    def _take(self, device: Participant) -> None:
        self.present.append(device)
        self.model.comes(device)

    # ── who acts ───────────────────────────────────────────────────────────────────────────────

    def device(self, number: int) -> Participant:
        """Give one of the connections that are live, by any number."""
        return self.present[number % len(self.present)]

    def login(self, number: int) -> str:
        """Give the login of one of the users, or one that nobody has, by any number."""
        names = (*USERS, None)
        name = names[number % len(names)]
        return self.scene.nobody if name is None else self.scene.login(name)

    def peer(self, device: Participant, number: int) -> str:
        """Give the login of another user who is online, if there is one."""
        others = [login for login in self.model.online() if login != device.login]
        return others[number % len(others)] if others else self.scene.nobody

    def answerer(self, number: int) -> tuple[Participant, str | None]:
        """Give a connection to which there is an offer, unanswered if possible, and the sender; or any connection."""
        negotiations = [*self.model.negotiations.values()]
        found = [n for n in negotiations if n.answerer is None] or negotiations
        if not found:
            return self.device(number), None
        negotiation = found[number % len(found)]
        devices = [device for device in self.present if device.login == negotiation.reciever]
        return devices[number % len(devices)], negotiation.sender

    def negotiator(self, number: int) -> tuple[Participant, str | None]:
        """Give a connection that takes part in a negotiation, and its peer's login; or any connection."""
        found = [
            (device, peer)
            for n in self.model.negotiations.values()
            for device, peer in ((n.offer.author, n.reciever), (n.answerer, n.sender))
            if isinstance(device, Participant) and device in self.present
        ]
        return found[number % len(found)] if found else (self.device(number), None)

    def callee(self, number: int) -> tuple[Participant, str]:
        """Give a connection that is being called, and the caller; or any connection and user."""
        ringing = sorted(self.model.ringing)
        if not ringing:
            return self.device(number), self.login(number)
        caller, callee = ringing[number % len(ringing)]
        return next(device for device in self.present if device.login == callee), caller

    def another(self, device: Participant) -> Participant:
        """Give the newest connection of the same user, be it the same one."""
        return next(each for each in reversed(self.present) if each.login == device.login)

    def offer_id(self, device: Participant, number: int, *, apt: bool) -> str:
        """Give the id of an offer to this user that is not answered, if apt, or of any offer; or one of none."""
        offers = self.model.open_offers(device.login) if apt else self.model.history
        known = [each.offer_id for each in offers if each.offer_id]
        return known[number % len(known)] if known else "unknown"

    # ── comparing ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _case(self, case: str) -> Iterator[None]:
        """Let a breach say what was particular about the request, which its ladder does not show."""
        self.scene.case = case
        try:
            yield
        finally:
            self.scene.case = ""

    def _judge(self, posting: Posting, due: Due, act: Act | None = None) -> None:
        """Compare the reply with what was due."""
        with self._case(str(act or "")):
            if due.accepted:
                self.scene.accepted(posting, due.requirement)
            elif due.accepted is False or not posting.accepted:
                self.scene.refused(posting, due.requirement)
        if posting.accepted and due.targets:
            self._pending.append(posting)

    async def _after(self, act: Act) -> None:
        if not act.hasty:
            await self._calm()

    async def _calm(self) -> None:
        """Wait for the events of the acts so far, then judge their order and all that arrived."""
        pending, self._pending = self._pending, []
        for posting in pending:
            for target in posting.targets:
                if isinstance(target, Participant) and target.live:
                    self._judge_fields(posting, await target.hears(posting))
        self._judge_order(pending)
        self._compare()

    def _expect(self, requirement: str, kept: bool, *, expected: str, received: str) -> None:
        """Expect something that no later act depends on, so that a known breach does not end the scene."""
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
            if posting is negotiation.offer and not negotiation.offer_id:
                negotiation.offer_id = str(given)
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
        """Judge every event of the scene so far; what is known or breaks a SHOULD is left to the end of the run."""
        if self._pending:
            return
        sids = frozenset(sid for c in self.scene.connections for sid in (c.sid, c.engine_sid) if sid)
        for found in late_breaches(self.scene, sids):
            must = any(catalogue()[i].level is Level.MUST for i in found.requirements)
            if must and not self.scene.in_baseline(found):
                self.scene.breach(found)

    def _race(self, both: Sequence[Posting], due: Due, requirement: str) -> Posting:
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
