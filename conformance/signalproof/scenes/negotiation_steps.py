"""The steps of a random scene that negotiate: offers, answers and candidates."""

from __future__ import annotations

import asyncio

from signalproof.cast.participant import Participant
from signalproof.judge.posting import Audience, Posting
from signalproof.protocol.wire import ANSWER, CANDIDATE, OFFER
from signalproof.scenes.manners import Manner
from signalproof.scenes.model import Negotiation
from signalproof.scenes.oracle import Oracle
from signalproof.scenes.roster import USERS

__all__ = ["NegotiationSteps"]

PLAIN = Manner()


class NegotiationSteps(Oracle):
    """A scene in which users offer, answer and post candidates."""

    # ── offers ─────────────────────────────────────────────────────────────────────────────────

    async def offers(self, device: Participant, to: str, manner: Manner) -> None:
        """Post an offer to a login."""
        due = self.model.offer(device, to)
        text = manner.marked(OFFER, self.scene.new_marker())
        # No marker, or the ledger would take the answer, which holds it too, for another offer.
        offer_id = f"id-{text.marker.partition('-')[2]}" if manner.own_id and self._correlates else ""
        varied = manner.variation("offer", self.scene.login(USERS[-1]), {"offer_id": offer_id} if offer_id else {})
        posting = await device.try_offer(to, draft=device.draft(OFFER, text, due.audience), **varied)
        self._judge(posting, due, manner)
        if posting.accepted:
            self._offered(posting, to, offer_id)
        await self._after(manner)

    def _offered(self, posting: Posting, to: str, offer_id: str = "") -> None:
        self._about[posting] = self.model.offered(posting, to, offer_id)

    async def offers_cross(self, device: Participant, other: Participant) -> None:
        """Two connections of different users offer to each other at the same moment (ANSWER-11)."""
        if device.login == other.login:
            return
        pairs = [(device, other.login), (other, device.login)]
        due = [self.model.offer(author, to) for author, to in pairs]
        both = await asyncio.gather(*(author.try_offer(to) for author, to in pairs))
        for posting, each, (_, to) in zip(both, due, pairs, strict=True):
            self._judge(posting, each)
            self._offered(posting, to)
        await self._calm()

    # ── answers ────────────────────────────────────────────────────────────────────────────────

    async def answers(
        self,
        device: Participant,
        sender: str | None,
        manner: Manner,
        *,
        offer_id: str | None = None,
        junk: str | None = None,
    ) -> None:
        """Post an answer that names a sender, an offer, both or none; `junk` is its `reciever_login` (ANSWER-9)."""
        due = self.model.answer(device, sender, offer_id)
        if due is None:
            return
        negotiation = self.model.pick(device, sender, offer_id)
        fields = {"offer_id": offer_id, "reciever_login": junk}
        given = {name: value for name, value in fields.items() if value is not None}
        posting = await self._try_answer(device, negotiation, sender, due.audience, manner=manner, fields=given)
        self._judge(posting, due, manner)
        if negotiation is not None and posting.accepted:
            self.model.answered(device, negotiation)
            self._about[posting] = negotiation
        await self._after(manner)

    async def _try_answer(
        self,
        device: Participant,
        negotiation: Negotiation | None,
        sender: str | None,
        audience: Audience,
        *,
        manner: Manner = PLAIN,
        fields: dict[str, str] | None = None,
    ) -> Posting:
        return await device.try_answer(
            self._latest_offer(device) if negotiation is None else negotiation.offer,
            named=sender if sender is not None else False,
            carrying=manner.marked(ANSWER, self.scene.new_marker()),
            audience=audience,
            **manner.variation("answer", self.scene.login(USERS[-1]), fields),
        )

    def _latest_offer(self, device: Participant) -> Posting:
        """Give the offer that an answer to nothing is about: the latest one of the scene, or one never posted."""
        offers = [posting for posting in self.scene.postings if posting.kind is OFFER]
        return offers[-1] if offers else device.draft_offer(device)

    async def answers_twice(self, device: Participant, other: Participant) -> None:
        """Two connections of a user, or one twice, answer the same offer at the same moment (ANSWER-6)."""
        negotiation = self.model.pick(device, None)
        due = self.model.answer(device, None)
        if negotiation is None or due is None or other.login != device.login:
            return
        sender, authors = negotiation.sender, (device, other)
        both = await asyncio.gather(
            *(self._try_answer(author, negotiation, sender, due.audience) for author in authors)
        )
        winner = self._race(both, "ANSWER-6")
        self.model.answered(authors[both.index(winner)], negotiation)
        self._about[winner] = negotiation
        await self._calm()

    # ── candidates ─────────────────────────────────────────────────────────────────────────────

    async def posts_candidate(self, device: Participant, peer: str | None, manner: Manner) -> None:
        """Post a candidate, with or without the peer's login."""
        due = self.model.candidate(device, peer)
        if due is None:
            return
        varied = manner.variation("candidate", self.scene.login(USERS[-1]))
        varied["malformed"] = True  # any text is forwarded, a candidate or not
        posting = await device.try_candidate(
            due.audience.targets,
            tolerated=due.audience.tolerated,
            login=peer,
            carrying=manner.marked(CANDIDATE, self.scene.new_marker()),
            **varied,
        )
        self._judge(posting, due, manner)
        await self._after(manner)
