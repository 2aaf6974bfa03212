"""A small model of the contract: what a server has to remember, and what it owes to the next request.

It knows nothing of HTTP or Socket.IO. Where the specification leaves the outcome open, or where it takes a
longer history than the model keeps, `Due.accepted` is None or there is no `Due` at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from signalproof.judge.posting import Audience, Listener, Posting

__all__ = ["Due", "Model", "Negotiation"]

CLOCK_DIFFERENCE_SECONDS = 0.1
"""By how much the clocks of kit and target may differ over the time of ringing."""
RINGING_SECONDS = 90.0
"""How long a call rings, where the target declares nothing else."""
NOBODY = Audience()
"""Who hears of a request that is refused."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a request has to come to.

    `accepted` is None where both outcomes are allowed; `requirement` is broken by the other one; `audience` hears of
    an accepted request.
    """

    accepted: bool | None
    requirement: str
    audience: Audience = NOBODY


@dataclass(slots=True, eq=False)
class Negotiation:
    """A current negotiation: the offer, the devices that heard it, and the device that answered.

    `certain` is false when the connection that offered has gone while its user stayed (ANSWER-13). `offer_id` is
    empty until it is known (CORR-1).
    """

    sender: str
    reciever: str
    offer: Posting
    heard_by: frozenset[Listener]
    answerer: Listener | None = None
    certain: bool = True
    offer_id: str = ""


@dataclass(slots=True)
class Model:
    """Who is here, what is offered, who rings whom and who is busy (spec/state.md)."""

    devices: dict[str, list[Listener]] = field(default_factory=dict)
    negotiations: dict[tuple[str, str], Negotiation] = field(default_factory=dict)
    ringing: dict[tuple[str, str], Posting] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    ringing_seconds: float = RINGING_SECONDS
    history: list[Negotiation] = field(default_factory=list)
    _posted: dict[Listener, list[Negotiation]] = field(default_factory=dict)

    # ── who is here ────────────────────────────────────────────────────────────────────────────

    def online(self) -> list[str]:
        """Give the logins that have a live connection."""
        return [login for login, devices in self.devices.items() if devices]

    def live(self, login: str) -> frozenset[Listener]:
        """Give the live connections of a login."""
        return frozenset(self.devices.get(login, ()))

    def comes(self, device: Listener) -> None:
        """Take a connection that has logged in."""
        self.devices.setdefault(device.login, []).append(device)

    def leaves(self, device: Listener) -> None:
        """Take a connection that has gone; with a user's last one all that concerns the user goes too."""
        login = device.login
        self.devices[login].remove(device)
        if self.devices[login]:
            for negotiation in self.negotiations.values():
                if negotiation.offer.author is device:
                    negotiation.certain = False
            return
        self.negotiations = {pair: n for pair, n in self.negotiations.items() if login not in pair}
        self.ringing = {pair: call for pair, call in self.ringing.items() if login not in pair}
        self.busy.discard(login)

    # ── offer and answer ───────────────────────────────────────────────────────────────────────

    def offer(self, device: Listener, to: str) -> Due:
        """Say what an offer has to come to."""
        if to == device.login:
            others = self.live(to) - {device}
            return Due(None if others else False, "OFFER-11", Audience(others, elsewhere="OFFER-11"))
        if not self.live(to):
            return Due(False, "OFFER-6")
        again = (device.login, to) in self.negotiations
        return Due(True, "OFFER-9" if again else "OFFER-1", Audience(self.live(to)))

    def offered(self, posting: Posting, to: str, offer_id: str = "") -> Negotiation:
        """Take an accepted offer; it accepts the call of a caller (CALL-6)."""
        sender = posting.author.login
        # A later key counts as more recent, so the pair moves to the end.
        self.negotiations.pop((sender, to), None)
        negotiation = self.negotiations[sender, to] = Negotiation(
            sender, to, posting, posting.targets, offer_id=offer_id
        )
        self.history.append(negotiation)
        self._posted.setdefault(posting.author, []).append(negotiation)
        self.ringing.pop((to, sender), None)
        return negotiation

    def identified(self, negotiation: Negotiation, offer_id: str) -> None:
        """Take the id that the target has given an offer, which stays (CORR-1)."""
        negotiation.offer_id = negotiation.offer_id or offer_id

    def open_offers(self, reciever: str) -> list[Negotiation]:
        """Give the unanswered negotiations of a reciever, the most recent one last."""
        return [n for n in self.negotiations.values() if n.reciever == reciever and n.answerer is None]

    def pick(self, device: Listener, sender: str | None, offer_id: str | None = None) -> Negotiation | None:
        """Give the negotiation that an answer is about: the most recent one that fits what the answer names."""
        unanswered = [n for n in self.open_offers(device.login) if sender in {None, n.sender}]
        return next((n for n in reversed(unanswered) if offer_id in {None, n.offer_id}), None)

    def answer(self, device: Listener, sender: str | None, offer_id: str | None = None) -> Due | None:
        """Say what an answer has to come to; None where an offering connection has gone meanwhile."""
        if not all(n.certain for n in self.open_offers(device.login)):
            return None
        negotiation = self.pick(device, sender, offer_id)
        if negotiation is None:
            if offer_id is not None:
                return Due(False, "CORR-2" if sender is None else "CORR-3")
            again = any(n.reciever == device.login and sender in {None, n.sender} for n in self.negotiations.values())
            return Due(False, "ANSWER-5" if again else "ANSWER-4" if sender is None else "ANSWER-7")
        rule = "ANSWER-7" if sender else "ANSWER-8" if len(self.open_offers(device.login)) > 1 else "ANSWER-1"
        offerer = negotiation.offer.author
        return Due(
            True,
            rule if offer_id is None else "CORR-3",
            Audience(frozenset({offerer}), self.live(offerer.login) - {offerer}),
        )

    def answered(self, device: Listener, negotiation: Negotiation) -> None:
        """Take an accepted answer."""
        negotiation.answerer = device
        self._posted.setdefault(device, []).append(negotiation)

    # ── candidates ─────────────────────────────────────────────────────────────────────────────

    def candidate(self, device: Listener, peer: str | None) -> Due | None:
        """Say what a candidate has to come to; None for early ones and other matters of several outcomes."""
        login = device.login
        if peer == login:
            return None
        posted = self._posted.get(device, [])
        current = [n for n in posted if self.negotiations.get((n.sender, n.reciever)) is n]
        if peer is None:
            negotiation = posted[-1] if posted and posted[-1] in current else None
        else:
            negotiation = next((n for n in reversed(current) if peer in {n.sender, n.reciever}), None)
        if negotiation is None:
            return None if self._may_be_early(device, peer) else Due(False, "ICE-3" if peer else "ICE-6")
        if negotiation.sender == negotiation.reciever or not negotiation.certain:
            return None
        return self._forwarded(device, negotiation)

    def _may_be_early(self, device: Listener, peer: str | None) -> bool:
        """Whether a candidate of no negotiation can be one of the next, or of a device that lost the race."""
        if any(
            n.reciever == device.login and device is not n.answerer and peer in {None, n.sender}
            for n in self.negotiations.values()
        ):
            return True
        return not self._posted.get(device) and (peer is None or bool(self.live(peer)))

    def _forwarded(self, device: Listener, negotiation: Negotiation) -> Due | None:
        if device is not negotiation.offer.author:
            return Due(True, "ICE-1", Audience(frozenset({negotiation.offer.author})))
        here = self.live(negotiation.reciever)
        if negotiation.answerer is None:
            targets = negotiation.heard_by & here
        else:
            targets = frozenset({negotiation.answerer}) & here
        tolerated = here - targets if negotiation.answerer is not None else frozenset()
        return Due(True, "ICE-1", Audience(targets, tolerated)) if targets else None

    # ── calls ──────────────────────────────────────────────────────────────────────────────────

    def ring(self, device: Listener, callee: str) -> Due:
        """Say what a call has to come to."""
        if callee == device.login:
            others = self.live(callee) - {device}
            outcome = None if others and callee not in self.busy else False
            return Due(outcome, "CALL-14", Audience(others, elsewhere="CALL-14"))
        if not self.live(callee):
            return Due(False, "CALL-2")
        if callee in self.busy:
            return Due(False, "CALL-3")
        return Due(True, "CALL-1", Audience(self.live(callee)))

    def rang(self, posting: Posting, callee: str) -> None:
        """Take an accepted call; whether one to oneself can be declined is left open."""
        if callee != posting.author.login:
            self.ringing[posting.author.login, callee] = posting

    def decline(self, posting: Posting, caller: str) -> Due:
        """Say what declining a call had to come to, now that there is a reply to it.

        While it rings it can be declined; when its time is over it should not (CALL-11).
        """
        call = self.ringing.get((caller, posting.author.login))
        if call is None:
            return Due(False, "CALL-5")
        rings = posting.replied_at < call.sent_at + self.ringing_seconds - CLOCK_DIFFERENCE_SECONDS
        return Due(True if rings else None, "CALL-5", Audience(self.live(caller)))

    def declined(self, posting: Posting, caller: str) -> None:
        """Take a decline, accepted or not: nothing rings after it."""
        self.ringing.pop((caller, posting.author.login), None)

    def refresh(self, device: Listener, peer: str) -> Due | None:
        """Say what a refresh has to come to."""
        login = device.login
        between = [n for n in self.negotiations.values() if {n.sender, n.reciever} == {login, peer}]
        if peer == login or not all(n.certain for n in between):
            return None
        return Due(bool(between), "CALL-10", Audience(self.live(peer)) if between else NOBODY)

    def says(self, login: str, status: str) -> None:
        """Take an accepted status."""
        (self.busy.add if status == "beasy" else self.busy.discard)(login)
