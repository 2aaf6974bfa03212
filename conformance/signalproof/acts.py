"""The acts of a random scene: each does one thing at the target and compares what came of it with the model.

After every act each event that the scene has caused so far is judged: at whom it arrived, how often and with
what text. Hasty acts do not wait for their events; these are awaited, and their order judged, at the next calm one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from signalproof.cast import Cast
from signalproof.connection import Variation
from signalproof.ledger import Posting, Received
from signalproof.model import Due, Model, Negotiation
from signalproof.participant import Connection
from signalproof.reply import Outcome
from signalproof.requirements import Level, catalogue
from signalproof.variety import EXTRAS, MARKER, Act, Flaw, fill, foreign_fields, with_charset
from signalproof.wire import ANSWER, CANDIDATE, OFFER, Kind, Marked, candidate, login_payload, session_description

__all__ = ["USERS", "Acts"]

USERS = ("man", "woman", "rival")
"""The users of a scene, each with one connection at its start."""
DEVICES = 3
"""How many connections a user has at most."""


class Acts:
    """One scene and its model."""

    def __init__(self, scene: Cast) -> None:
        self.scene = scene
        self.model = Model()
        self.model.ringing_seconds = scene.target.limits.get("ringing_seconds", self.model.ringing_seconds)
        self.present: list[Connection] = []
        self._correlates = "correlation" in scene.target.profiles
        self._about: dict[Posting, Negotiation] = {}
        self._pending: list[Posting] = []

    # ── coming and going ───────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Bring on the users."""
        for device in await self.scene.enter(*USERS):
            self._take(device)

    def _take(self, device: Connection) -> None:
        self.present.append(device)
        self.model.comes(device)

    # ── who acts ───────────────────────────────────────────────────────────────────────────────

    def device(self, number: int) -> Connection:
        """Give one of the connections that are live, by any number."""
        return self.present[number % len(self.present)]

    def login(self, number: int) -> str:
        """Give the login of one of the users, or one that nobody has, by any number."""
        names = (*USERS, None)
        name = names[number % len(names)]
        return self.scene.nobody if name is None else self.scene.login(name)

    def peer(self, device: Connection, number: int) -> str:
        """Give the login of another user who is online, if there is one."""
        others = [login for login in self.model.online() if login != device.login]
        return others[number % len(others)] if others else self.scene.nobody

    def answerer(self, number: int) -> tuple[Connection, str | None]:
        """Give a connection to which there is an offer, unanswered if possible, and the sender; or any connection."""
        negotiations = [*self.model.negotiations.values()]
        found = [n for n in negotiations if n.answerer is None] or negotiations
        if not found:
            return self.device(number), None
        negotiation = found[number % len(found)]
        devices = [device for device in self.present if device.login == negotiation.reciever]
        return devices[number % len(devices)], negotiation.sender

    def negotiator(self, number: int) -> tuple[Connection, str | None]:
        """Give a connection that takes part in a negotiation, and its peer's login; or any connection."""
        found = [
            (device, peer)
            for n in self.model.negotiations.values()
            for device, peer in ((n.offer.author, n.reciever), (n.answerer, n.sender))
            if isinstance(device, Connection) and device in self.present
        ]
        return found[number % len(found)] if found else (self.device(number), None)

    def callee(self, number: int) -> tuple[Connection, str]:
        """Give a connection that is being called, and the caller; or any connection and user."""
        ringing = sorted(self.model.ringing)
        if not ringing:
            return self.device(number), self.login(number)
        caller, callee = ringing[number % len(ringing)]
        return next(device for device in self.present if device.login == callee), caller

    def another(self, device: Connection) -> Connection:
        """Give the newest connection of the same user, be it the same one."""
        return next(each for each in reversed(self.present) if each.login == device.login)

    def offer_id(self, device: Connection, number: int, *, apt: bool) -> str:
        """Give the id of an offer to this user that is not answered, if apt, or of any offer; or one of none."""
        offers = self.model.open_offers(device.login) if apt else self.model.history
        known = [each.offer_id for each in offers if each.offer_id]
        return known[number % len(known)] if known else "unknown"

    async def comes(self, user: str) -> None:
        """Log in one more connection of a user, if there are not many yet."""
        if len(self.model.live(self.scene.login(user))) >= DEVICES:
            return
        await self._calm()
        self._take(await self.scene.enter_one(user))
        self._compare()

    async def leaves(self, device: Connection) -> None:
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

    async def logs_in_again(self, device: Connection, login: str, *, sound: bool) -> None:
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
        await self.scene.until_online(online, absent=away)

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

    async def offers(self, device: Connection, to: str, act: Act) -> None:
        """Post an offer to a login."""
        due = self.model.offer(device, to)
        text = self._text(act, OFFER)
        # No marker, or the ledger would take the answer, which holds it too, for another offer.
        offer_id = f"id-{text.marker.partition('-')[2]}" if act.named and self._correlates else ""
        varied = self._varied("offer", act, **({"offer_id": offer_id} if offer_id else {}))
        posting = await device.try_offer(to, carrying=text, **varied)
        if to == device.login:
            posting.elsewhere = "OFFER-11"
        self._judge(posting, due)
        if posting.accepted:
            self._offered(posting, to, offer_id)
        await self._after(act)

    def _offered(self, posting: Posting, to: str, offer_id: str = "") -> None:
        self._about[posting] = self.model.offered(posting, to, offer_id)

    async def offers_cross(self, device: Connection, other: Connection) -> None:
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
        self, device: Connection, sender: str | None, act: Act, *, offer_id: str | None = None, junk: str | None = None
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
        posting.tolerated = due.tolerated
        self._judge(posting, due)
        if negotiation is not None and posting.accepted:
            self.model.answered(device, negotiation)
            self._about[posting] = negotiation
        await self._after(act)

    async def _try_answer(
        self, device: Connection, negotiation: Negotiation | None, sender: str | None, act: Act, **fields: object
    ) -> Posting:
        return await device.try_answer(
            self._latest_offer(device) if negotiation is None else negotiation.offer,
            named=sender if sender is not None else False,
            carrying=self._text(act, ANSWER, "answer"),
            **self._varied("answer", act, **fields),
        )

    def _latest_offer(self, device: Connection) -> Posting:
        """Give the offer that an answer to nothing is about: the latest one of the scene, or one never posted."""
        offers = [posting for posting in self.scene.postings if posting.kind is OFFER]
        return offers[-1] if offers else device.draft_offer(device)

    async def answers_twice(self, device: Connection, other: Connection) -> None:
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
            posting.targets, posting.tolerated = due.targets, due.tolerated
            if not posting.accepted:
                self.scene.refused(posting, requirement)
        self._pending += accepted
        return accepted[0]

    # ── candidates and calls ───────────────────────────────────────────────────────────────────

    async def posts_candidate(self, device: Connection, peer: str | None, act: Act) -> None:
        """Post a candidate, with or without the peer's login."""
        due = self.model.candidate(device, peer)
        if due is None:
            return
        varied = self._varied("candidate", act)
        varied["malformed"] = True  # any text is forwarded, a candidate or not
        posting = await device.try_candidate(
            due.targets, tolerated=due.tolerated, login=peer, carrying=self._text(act, CANDIDATE), **varied
        )
        self._judge(posting, due)
        await self._after(act)

    async def rings(self, device: Connection, callee: str, act: Act) -> None:
        """Call a user."""
        due = self.model.ring(device, callee)
        posting = await device.try_ring(callee, **self._varied("call", act))
        if callee == device.login:
            posting.elsewhere = "CALL-14"
        self._judge(posting, due)
        if posting.accepted:
            self.model.rang(posting, callee)
        elif posting.reply is not None:
            self.scene.expect(
                "CALL-2b",
                posting.reply.status == 200,
                expected="the refusal of a well-formed call with HTTP 200",
                received=posting.reply.describe(),
            )
        await self._calm()

    async def declines(self, device: Connection, caller: str, act: Act) -> None:
        """Decline a call, that rings or not."""
        if caller == device.login:
            return
        posting = await device.try_decline(caller, **self._varied("decline", act))
        self._judge(posting, self.model.decline(posting, caller))
        self.model.declined(posting, caller)
        await self._calm()

    async def declines_twice(self, device: Connection, other: Connection, caller: str) -> None:
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

    async def says(self, device: Connection, status: str, act: Act) -> None:
        """Say `free` or `beasy`."""
        posting = await device.try_status(status, **self._varied("status", act))
        self._judge(posting, Due(True, "CALL-4"))
        self.model.says(device.login, status)
        await self._calm()

    async def refreshes(self, device: Connection, peer: str, act: Act) -> None:
        """Ask a user to negotiate anew."""
        due = self.model.refresh(device, peer)
        if due is None:
            return
        posting = await device.try_refresh(peer, **self._varied("refresh", act))
        self._judge(posting, due)
        await self._calm()

    # ── what is wrong ──────────────────────────────────────────────────────────────────────────

    async def spoils(self, device: Connection, to: str | None, flaw: Flaw) -> None:
        """Post a request that has to be refused and to change nothing; it names the login `to`, if any."""
        other = next((each for each in self.present if each.login != device.login), None)
        if other is None:
            return
        to = other.login if to is None and flaw.kind != "answer" else to
        if flaw.peer is not None:
            to = flaw.peer(to or other.login)
        posting = await self._request(device, flaw.kind, to, {**flaw.vary(device, other), "malformed": True})
        posting.targets = frozenset()
        reply = self.scene.refused(posting, flaw.requirement)
        self.scene.expect(
            flaw.requirement,
            reply.status in flaw.statuses,
            expected=f"HTTP {'401' if len(flaw.statuses) == 1 else '4xx'}, for {flaw.name}",
            received=reply.describe(),
        )
        self._compare()

    async def _request(self, device: Connection, kind: str, to: str | None, variation: Variation) -> Posting:
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

    # ── comparing ──────────────────────────────────────────────────────────────────────────────

    def _judge(self, posting: Posting, due: Due) -> None:
        """Compare the reply with what was due."""
        posting.targets = due.targets
        if due.accepted:
            self.scene.accepted(posting, due.requirement)
        elif due.accepted is False or (posting.reply is not None and posting.reply.outcome is not Outcome.ACCEPTED):
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
                if isinstance(target, Connection) and target.live:
                    self._judge_fields(posting, await target.hears(posting))
        self._judge_order(pending)
        self._compare()

    def _judge_fields(self, posting: Posting, received: Received) -> None:
        """Judge what else an event holds: nothing that nobody knows, the offer's id, and its author (CORR-4)."""
        self.scene.expect(
            "HTTP-6",
            not EXTRAS["unknown"] & received.fields.keys(),
            expected=f"{received.event} without the unknown field of the request",
            received=f"the keys {', '.join(received.fields)}",
        )
        if not self._correlates:
            return
        author_key = posting.kind.author_key
        self.scene.expect(
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
            self.scene.expect(
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
                    self.scene.expect(
                        "ORDER-1",
                        last.at(device)[0].at <= posting.at(device)[0].at,
                        expected=f"the {last.kind.name} before the {posting.kind.name} at {device.name}",
                        received="the other way round",
                    )
                last = posting

    def _compare(self) -> None:
        """Judge every event of the scene so far; what breaks a SHOULD is left to the end of the run."""
        if self._pending:
            return
        sids = frozenset(sid for c in self.scene.connections for sid in (c.sid, c.engine_sid) if sid)
        for found in self.scene.late_breaches(sids):
            if any(catalogue()[i].level is Level.MUST for i in found.requirements):
                self.scene.breach(found)
