"""The acts of a random scene: each does one thing at the target and compares what came of it with the model.

After every act each event that the scene has caused so far is judged: at whom it arrived, how often and with
what text. Hasty acts do not wait for their events; these are awaited, and their order judged, at the next calm one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from signalproof.cast import Cast
from signalproof.connection import OMIT, Variation
from signalproof.ledger import Posting
from signalproof.model import Due, Model, Negotiation
from signalproof.participant import Connection
from signalproof.reply import Outcome
from signalproof.requirements import Level, catalogue
from signalproof.schemas import definitions
from signalproof.wire import (
    ANSWER,
    CALL,
    CANDIDATE,
    DECLINE,
    OFFER,
    REFRESH,
    STATUS,
    Body,
    Encoding,
    Marked,
    candidate,
    login_payload,
    session_description,
)

__all__ = ["MARKER", "TEXTS", "USERS", "WRONG", "Act", "Acts", "Flaw", "flaws", "required_fields"]

USERS = ("man", "woman", "rival")
"""The users of a scene, each with one connection at its start."""
DEVICES = 2
"""How many connections a user has at most."""
MARKER = "<marker>"
"""Where the marker belongs in a text."""
TEXTS = {
    "white space": f' {{ "type" : "offer",\t"sdp" : "s={MARKER}\\r\\n" }}\r\n\n ',
    "escapes": f'{{"sdp":"s={MARKER} \\u00e9\\u0041\\/","type":"offer"}}',
    "unicode": f'{{"type":"offer","sdp":"{MARKER} é😀\u2028 e\u0301 \ufeff"}}',
    "signs": f'{{"type":"offer","sdp":"{MARKER} <b>&amp;\'+%2B a=b&c;\\\\ 100% \\"x\\""}}',
    "long": f'{{"type":"offer","sdp":"{MARKER} {"line " * 600}"}}',
}
"""JSON texts of session descriptions that servers in the wild have changed on the way."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a request: a field (`value`, or `OMIT`), a sid taken from elsewhere, or the whole body.

    `kind` names the request; `ability` the profile that has it.
    """

    kind: str
    name: str
    requirement: str
    field: str = ""
    value: object = OMIT
    body: Body | None = None
    sid: str = ""

    @property
    def ability(self) -> str:
        """The profile whose request it is."""
        return {"offer": "core", "answer": "core", "candidate": "ice"}.get(self.kind, "call")


WRONG: dict[str, object] = {"a number": 7, "null": None, "a list": ["x"], "an object": {"x": 1}, "true": True}
_KINDS = {kind.name: kind for kind in (OFFER, ANSWER, CANDIDATE, CALL, DECLINE, STATUS, REFRESH)}
_SID_RULE = {"offer": "OFFER-5", "answer": "OFFER-5", "candidate": "ICE-6"}


def required_fields(kind: str) -> tuple[str, ...]:
    """Give the required fields of a request, from its schema."""
    return tuple(definitions()[_KINDS[kind].request_schema]["required"])


def _flaws(kind: str) -> Iterator[Flaw]:
    fields = required_fields(kind)
    for field in fields:
        yield Flaw(kind, f"{field} is missing", "HTTP-5", field)
        for name, value in WRONG.items():
            yield Flaw(kind, f"{field} is {name}", "HTTP-5", field, value)
    for word in ("receiver", "SENDER", "") if "type" in fields else ():
        yield Flaw(kind, f"type is {word!r}", "OFFER-8", "type", word)
    for word in ("busy", "FREE", "") if kind == "status" else ():
        yield Flaw(kind, f"status is {word!r}", "CALL-4", "status", word)
    for sid in ("unknown", "that of Engine.IO", "a login", "empty"):
        yield Flaw(kind, f"the sid is {sid}", _SID_RULE.get(kind, "CALL-13"), sid=sid)
    for body in (b"", b"{", b"[]", b"\xff{}"):
        yield Flaw(kind, f"the body is {body!r}", "HTTP-4", body=Body(body, Encoding.JSON.value))
    yield Flaw(kind, "the body is plain text", "HTTP-7", body=Body(b"sid=1", "text/plain"))


@cache
def flaws() -> tuple[Flaw, ...]:
    """Give the flaws of all requests."""
    return tuple(flaw for kind in _KINDS for flaw in _flaws(kind))


@dataclass(frozen=True, slots=True)
class Act:
    """How an offer, answer or candidate is posted: its text, its encoding, and whether its events are awaited.

    `text` has `MARKER` in the place of the marker; an empty one stands for the ordinary text.
    """

    text: str = ""
    encoding: Encoding = Encoding.JSON
    hasty: bool = False


class Acts:
    """One scene and its model."""

    def __init__(self, scene: Cast) -> None:
        self.scene = scene
        self.model = Model()
        self.present: list[Connection] = []
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
                self.model.offered(posting, witness.login)
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

    def _text(self, act: Act, kind: str = "offer") -> Marked:
        marker = self.scene.new_marker()
        if not act.text:
            return Marked(marker, session_description(kind, marker))
        return Marked(marker, act.text.replace(MARKER, marker).replace('"offer"', f'"{kind}"'))

    async def offers(self, device: Connection, to: str, act: Act) -> None:
        """Post an offer to a login."""
        due = self.model.offer(device, to)
        posting = await device.try_offer(to, carrying=self._text(act), encoding=act.encoding)
        if to == device.login:
            posting.elsewhere = "OFFER-11"
        self._judge(posting, due)
        if posting.accepted:
            self.model.offered(posting, to)
        await self._after(act)

    async def offers_cross(self, device: Connection, other: Connection) -> None:
        """Two connections of different users offer to each other at the same moment (ANSWER-11)."""
        if device.login == other.login:
            return
        pairs = [(device, other.login), (other, device.login)]
        due = [self.model.offer(author, to) for author, to in pairs]
        both = await asyncio.gather(*(author.try_offer(to) for author, to in pairs))
        for posting, expected, (_, to) in zip(both, due, pairs, strict=True):
            self._judge(posting, expected)
            self.model.offered(posting, to)
        await self._calm()

    async def answers(self, device: Connection, sender: str | None, act: Act, junk: str | None = None) -> None:
        """Post an answer, with or without `sender_login`; `junk` stands in `reciever_login` (ANSWER-9)."""
        due = self.model.answer(device, sender)
        if due is None:
            return
        negotiation = self.model.pick(device, sender)
        posting = await self._try_answer(device, negotiation, sender, act, junk)
        posting.tolerated = due.tolerated
        self._judge(posting, due)
        if negotiation is not None and posting.accepted:
            self.model.answered(device, negotiation)
        await self._after(act)

    async def _try_answer(
        self, device: Connection, negotiation: Negotiation | None, sender: str | None, act: Act, junk: str | None = None
    ) -> Posting:
        return await device.try_answer(
            self._latest_offer(device) if negotiation is None else negotiation.offer,
            named=sender if sender is not None else False,
            carrying=self._text(act, "answer"),
            encoding=act.encoding,
            fields={} if junk is None else {"reciever_login": junk},
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
        sender = negotiation.sender
        authors = (device, other)
        both = await asyncio.gather(*(self._try_answer(a, negotiation, sender, Act()) for a in authors))
        accepted = [posting for posting in both if posting.accepted]
        self.scene.expect(
            "ANSWER-6",
            len(accepted) == 1,
            expected="one of two answers at the same moment to be accepted",
            received=" and ".join(p.reply.describe() for p in both if p.reply),
        )
        for posting in both:
            posting.targets, posting.tolerated = due.targets, due.tolerated
            if posting.accepted:
                self.model.answered(authors[both.index(posting)], negotiation)
            else:
                self.scene.refused(posting, "ANSWER-6")
        self._pending += accepted
        await self._calm()

    # ── candidates and calls ───────────────────────────────────────────────────────────────────

    async def posts_candidate(self, device: Connection, peer: str | None, act: Act) -> None:
        """Post a candidate, with or without the peer's login."""
        due = self.model.candidate(device, peer)
        if due is None:
            return
        plain = not act.text
        posting = await device.try_candidate(
            due.targets,
            tolerated=due.tolerated,
            login=peer,
            carrying=device.marked("candidate", candidate) if plain else self._text(act),
            encoding=act.encoding,
            malformed=not plain,  # any text is forwarded, a candidate or not
        )
        self._judge(posting, due)
        await self._after(act)

    async def rings(self, device: Connection, callee: str) -> None:
        """Call a user."""
        due = self.model.ring(device, callee)
        if due is None:
            return
        posting = await device.try_ring(callee)
        self._judge(posting, due)
        if posting.accepted:
            self.model.ringing.add((device.login, callee))
        elif posting.reply is not None:
            self.scene.expect(
                "CALL-2b",
                posting.reply.status == 200,
                expected="the refusal of a well-formed call with HTTP 200",
                received=posting.reply.describe(),
            )
        await self._calm()

    async def declines(self, device: Connection, caller: str) -> None:
        """Decline a call, that rings or not."""
        due = self.model.decline(device, caller)
        posting = await device.try_decline(caller)
        self._judge(posting, due)
        self.model.ringing.discard((caller, device.login))
        await self._calm()

    async def says(self, device: Connection, status: str) -> None:
        """Say `free` or `beasy`."""
        posting = await device.try_status(status)
        self._judge(posting, Due(True, "CALL-4"))
        self.model.says(device.login, status)
        await self._calm()

    async def refreshes(self, device: Connection, peer: str) -> None:
        """Ask a user to negotiate anew."""
        due = self.model.refresh(device, peer)
        if due is None:
            return
        posting = await device.try_refresh(peer)
        self._judge(posting, due)
        await self._calm()

    # ── what is wrong ──────────────────────────────────────────────────────────────────────────

    async def spoils(self, device: Connection, flaw: Flaw, to: str) -> None:
        """Post a request that has to be refused and to change nothing."""
        fields: dict[str, object] = {flaw.field: flaw.value} if flaw.field else {}
        if flaw.sid:
            fields = {"sid": self._strange_sid(device, flaw.sid)}
        variation: Variation = {"body": flaw.body} if flaw.body else {"fields": fields, "malformed": True}
        posting = await self._request(device, flaw.kind, to, variation)
        posting.targets = frozenset()
        self.scene.refused(posting, flaw.requirement, client_error=not flaw.sid)
        self._compare()

    def _strange_sid(self, device: Connection, which: str) -> str:
        if which == "that of Engine.IO" and device.engine_sid != device.sid:
            return device.engine_sid
        if which == "a login":
            return device.login
        return "" if which == "empty" else f"{device.sid[:-1]}~"

    async def _request(self, device: Connection, kind: str, to: str, variation: Variation) -> Posting:
        """Post a request of any kind, with what is wrong with it."""
        requests: Mapping[str, Callable[[], Awaitable[Posting]]] = {
            "offer": lambda: device.try_offer(to, **variation),
            "answer": lambda: device.try_answer(self._latest_offer(device), named=to, **variation),
            "candidate": lambda: device.try_candidate([], login=to, **variation),
            "call": lambda: device.try_ring(to, **variation),
            "decline": lambda: device.try_decline(to, **variation),
            "status": lambda: device.try_status("beasy", **variation),
            "refresh": lambda: device.try_refresh(to, **variation),
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
                    await target.hears(posting)
        self._judge_order(pending)
        self._compare()

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
