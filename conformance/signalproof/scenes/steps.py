"""The steps of a random scene: each does one thing at the target and compares what came of it with the model.

Where the specification leaves the outcome of a step open, it is not taken, or both outcomes are allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from signalproof.cast.participant import Participant
from signalproof.cast.request import Variation
from signalproof.judge.posting import Posting
from signalproof.protocol.wire import login_payload
from signalproof.scenes.call_steps import CallSteps
from signalproof.scenes.flaws import Flaw
from signalproof.scenes.negotiation_steps import NegotiationSteps
from signalproof.scenes.roster import USERS

__all__ = ["Steps"]

DEVICES_PER_USER = 3
"""How many connections a user has at most."""


class Steps(NegotiationSteps, CallSteps):
    """A scene and all that its users do."""

    # ── coming and going ───────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Bring on the users."""
        for device in await self.scene.enter(*USERS):
            self._take(device)

    async def comes(self, user: str) -> None:
        """Log in one more connection of a user, if there are not many yet."""
        if len(self.model.live(self.scene.login(user))) >= DEVICES_PER_USER:
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

    # ── what is wrong ──────────────────────────────────────────────────────────────────────────

    async def posts_flawed(self, device: Participant, to: str | None, flaw: Flaw) -> None:
        """Post a request that has to be refused and to change nothing; it names the login `to`, if any."""
        other = next((each for each in self.present if each.login != device.login), None)
        if other is None:
            return
        to = other.login if to is None and flaw.kind != "answer" else to
        if flaw.peer is not None:
            to = flaw.peer(to or other.login)
        posting = await self._request(device, flaw.kind, to, {**flaw.vary(device, other), "malformed": True})
        with self.scene.in_case(flaw.name):
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
