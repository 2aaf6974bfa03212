"""The acts of a random scene: each does one thing at the target and compares what came of it with the model.

Where the specification leaves the outcome of an act open, it is not played, or both outcomes are allowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from signalproof.cast.participant import Participant
from signalproof.cast.request import Variation
from signalproof.judge.ledger import Posting
from signalproof.protocol.wire import (
    ANSWER,
    CANDIDATE,
    OFFER,
    Kind,
    Marked,
    candidate,
    login_payload,
    session_description,
)
from signalproof.scenes.model import Due, Negotiation
from signalproof.scenes.oracle import USERS, Comparison
from signalproof.scenes.variations import MARKER, Act, Flaw, fill, foreign_fields, with_charset

__all__ = ["Acts"]

DEVICES = 3
"""How many connections a user has at most."""


class Acts(Comparison):
    """A scene and what its users do."""

    # ── coming and going ───────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Bring on the users."""
        for device in await self.scene.enter(*USERS):
            self._take(device)

    async def comes(self, user: str) -> None:
        """Log in one more connection of a user, if there are not many yet."""
        if len(self.model.live(self.scene.login(user))) >= DEVICES:
            return
        await self._calm()
        self._take(await self.scene.enter_one(user))
        self._compare()

    async def leaves(self, device: Participant) -> None:
        """Disconnect, and post with the old sid until that is refused (LOGIN-7)."""
        witness = next((other for other in self.present if other.login != device.login), None)
        if witness is None:
            return
        await self._calm()
        await device.leave()
        before = len(self.scene.postings)
        last = await self.scene.offer_until_gone(device, witness)
        for posting in self.scene.postings[before:]:
            if posting.accepted:
                self._offered(posting, witness.login)
                self._pending.append(posting)
        self.present.remove(device)
        self.model.leaves(device)
        self.scene.refused(last, "LOGIN-7")
        await self._calm()

    async def logs_in_again(self, device: Participant, login: str, *, sound: bool) -> None:
        """Repeat `login` on a connection: with the same login, another one, or one that is not valid."""
        if not sound:
            ack = await device.try_log_in(login_payload("line\nfeed"), requirement="LOGIN-3")
            self.scene.refused_ack("LOGIN-3", ack)
        elif login == device.login:
            await device.log_in(login, requirement="LOGIN-6")
        else:
            self.scene.refused_ack("LOGIN-6", await device.try_log_in(login_payload(login), requirement="LOGIN-6"))
        self._compare()

    async def reads_online(self) -> None:
        """Compare `/online` with who is here."""
        online = set(self.model.online())
        away = {self.scene.login(user) for user in USERS} - online
        await self.scene.presence.until(online, absent=away)

    # ── offer and answer ───────────────────────────────────────────────────────────────────────

    def _text(self, act: Act, kind: Kind, name: Literal["offer", "answer"] = "offer") -> Marked:
        marker = self.scene.new_marker()
        if kind is CANDIDATE:
            text = act.candidate or act.text or candidate(MARKER)
        else:
            text = act.text.replace('"offer"', f'"{name}"') or session_description(name, MARKER)
        return Marked(marker, fill(text.replace(MARKER, marker), kind))

    def _varied(self, kind: str, act: Act, **fields: object) -> Variation:
        """Say how an act differs from the plainest way to post it."""
        varied: Variation = {"encoding": act.encoding, "fields": fields}
        if act.charset:
            varied["recode"] = with_charset
        if act.extra:
            varied["fields"] = foreign_fields(kind, act.extra, self.scene.login(USERS[-1])) | fields
            varied["malformed"] = True
        return varied

    async def offers(self, device: Participant, to: str, act: Act) -> None:
        """Post an offer to a login."""
        due = self.model.offer(device, to)
        text = self._text(act, OFFER)
        # No marker, or the ledger would take the answer, which holds it too, for another offer.
        offer_id = f"id-{text.marker.partition('-')[2]}" if act.named and self._correlates else ""
        varied = self._varied("offer", act, **({"offer_id": offer_id} if offer_id else {}))
        posting = await device.try_offer(to, carrying=text, **varied)
        self._judge(posting, due, act)
        if posting.accepted:
            self._offered(posting, to, offer_id)
        await self._after(act)

    def _offered(self, posting: Posting, to: str, offer_id: str = "") -> None:
        self._about[posting] = self.model.offered(posting, to, offer_id)

    async def offers_cross(self, device: Participant, other: Participant) -> None:
        """Two connections of different users offer to each other at the same moment (ANSWER-11)."""
        if device.login == other.login:
            return
        pairs = [(device, other.login), (other, device.login)]
        due = [self.model.offer(author, to) for author, to in pairs]
        both = await asyncio.gather(*(author.try_offer(to) for author, to in pairs))
        for posting, expected, (_, to) in zip(both, due, pairs, strict=True):
            self._judge(posting, expected)
            self._offered(posting, to)
        await self._calm()

    async def answers(
        self, device: Participant, sender: str | None, act: Act, *, offer_id: str | None = None, junk: str | None = None
    ) -> None:
        """Post an answer that names a sender, an offer, both or none; `junk` is its `reciever_login` (ANSWER-9)."""
        due = self.model.answer(device, sender, offer_id)
        if due is None:
            return
        negotiation = self.model.pick(device, sender, offer_id)
        fields = {"offer_id": offer_id, "reciever_login": junk}
        posting = await self._try_answer(
            device, negotiation, sender, act, **{k: v for k, v in fields.items() if v is not None}
        )
        self._judge(posting, due, act)
        if negotiation is not None and posting.accepted:
            self.model.answered(device, negotiation)
            self._about[posting] = negotiation
        await self._after(act)

    async def _try_answer(
        self, device: Participant, negotiation: Negotiation | None, sender: str | None, act: Act, **fields: object
    ) -> Posting:
        return await device.try_answer(
            self._latest_offer(device) if negotiation is None else negotiation.offer,
            named=sender if sender is not None else False,
            carrying=self._text(act, ANSWER, "answer"),
            **self._varied("answer", act, **fields),
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
        both = await asyncio.gather(*(self._try_answer(a, negotiation, sender, Act()) for a in authors))
        winner = self._race(both, due, "ANSWER-6")
        self.model.answered(authors[both.index(winner)], negotiation)
        self._about[winner] = negotiation
        await self._calm()

    # ── candidates and calls ───────────────────────────────────────────────────────────────────

    async def posts_candidate(self, device: Participant, peer: str | None, act: Act) -> None:
        """Post a candidate, with or without the peer's login."""
        due = self.model.candidate(device, peer)
        if due is None:
            return
        varied = self._varied("candidate", act)
        varied["malformed"] = True  # any text is forwarded, a candidate or not
        posting = await device.try_candidate(
            due.targets, tolerated=due.tolerated, login=peer, carrying=self._text(act, CANDIDATE), **varied
        )
        self._judge(posting, due, act)
        await self._after(act)

    async def rings(self, device: Participant, callee: str, act: Act) -> None:
        """Call a user."""
        due = self.model.ring(device, callee)
        posting = await device.try_ring(callee, **self._varied("call", act))
        self._judge(posting, due, act)
        if posting.accepted:
            self.model.rang(posting, callee)
        elif posting.reply is not None:
            self._expect(
                "CALL-2b",
                posting.reply.status == 200,
                expected="the refusal of a well-formed call with HTTP 200",
                received=posting.reply.describe(),
            )
        await self._calm()

    async def declines(self, device: Participant, caller: str, act: Act) -> None:
        """Decline a call, that rings or not."""
        if caller == device.login:
            return
        posting = await device.try_decline(caller, **self._varied("decline", act))
        self._judge(posting, self.model.decline(posting, caller), act)
        self.model.declined(posting, caller)
        await self._calm()

    async def declines_twice(self, device: Participant, other: Participant, caller: str) -> None:
        """Two connections of a user, or one twice, decline the same call at the same moment (CALL-5)."""
        if other.login != device.login or (caller, device.login) not in self.model.ringing:
            return
        both = await asyncio.gather(*(author.try_decline(caller) for author in (device, other)))
        due = [self.model.decline(posting, caller) for posting in both]
        if all(each.accepted for each in due):
            self._race(both, due[0], "CALL-5")
        else:  # its time was over meanwhile
            for posting, each in zip(both, due, strict=True):
                self._judge(posting, each)
        self.model.declined(both[0], caller)
        await self._calm()

    async def says(self, device: Participant, status: str, act: Act) -> None:
        """Say `free` or `beasy`."""
        posting = await device.try_status(status, **self._varied("status", act))
        self._judge(posting, Due(True, "CALL-4"), act)
        self.model.says(device.login, status)
        await self._calm()

    async def refreshes(self, device: Participant, peer: str, act: Act) -> None:
        """Ask a user to negotiate anew."""
        due = self.model.refresh(device, peer)
        if due is None:
            return
        posting = await device.try_refresh(peer, **self._varied("refresh", act))
        self._judge(posting, due, act)
        await self._calm()

    # ── what is wrong ──────────────────────────────────────────────────────────────────────────

    async def spoils(self, device: Participant, to: str | None, flaw: Flaw) -> None:
        """Post a request that has to be refused and to change nothing; it names the login `to`, if any."""
        other = next((each for each in self.present if each.login != device.login), None)
        if other is None:
            return
        to = other.login if to is None and flaw.kind != "answer" else to
        if flaw.peer is not None:
            to = flaw.peer(to or other.login)
        posting = await self._request(device, flaw.kind, to, {**flaw.vary(device, other), "malformed": True})
        with self._case(flaw.name):
            reply = self.scene.refused(posting, flaw.requirement)
            self.scene.expect(
                flaw.requirement,
                reply.status in flaw.statuses,
                expected=f"HTTP {'401' if len(flaw.statuses) == 1 else '4xx'}",
                received=reply.describe(),
            )
        self._compare()

    async def _request(self, device: Participant, kind: str, to: str | None, variation: Variation) -> Posting:
        """Post a request of any kind, with what is wrong with it."""
        peer = to or ""
        requests: Mapping[str, Callable[[], Awaitable[Posting]]] = {
            "offer": lambda: device.try_offer(peer, **variation),
            "answer": lambda: device.try_answer(
                self._latest_offer(device), named=False if to is None else to, **variation
            ),
            "candidate": lambda: device.try_candidate([], login=to, **variation),
            "call": lambda: device.try_ring(peer, **variation),
            "decline": lambda: device.try_decline(peer, **variation),
            "status": lambda: device.try_status("beasy", **variation),
            "refresh": lambda: device.try_refresh(peer, **variation),
        }
        return await requests[kind]()
