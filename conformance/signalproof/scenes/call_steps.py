"""The steps of a random scene that are about calls: ringing, declining, being busy, and beginning anew."""

from __future__ import annotations

import asyncio

from signalproof.cast.participant import Participant
from signalproof.cast.request import Variation
from signalproof.scenes.manners import Manner
from signalproof.scenes.model import Due
from signalproof.scenes.oracle import Oracle
from signalproof.scenes.roster import USERS

__all__ = ["CallSteps"]


class CallSteps(Oracle):
    """A scene in which users call each other."""

    def _varied(self, kind: str, manner: Manner) -> Variation:
        return manner.variation(kind, self.scene.login(USERS[-1]))

    async def rings(self, device: Participant, callee: str, manner: Manner) -> None:
        """Call a user."""
        due = self.model.ring(device, callee)
        posting = await device.try_ring(callee, audience=due.audience, **self._varied("call", manner))
        self._judge(posting, due, manner)
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

    async def declines(self, device: Participant, caller: str, manner: Manner) -> None:
        """Decline a call, that rings or not."""
        if caller == device.login:
            return
        posting = await device.try_decline(caller, **self._varied("decline", manner))
        self._judge(posting, self.model.decline(posting, caller), manner)
        self.model.declined(posting, caller)
        await self._calm()

    async def declines_twice(self, device: Participant, other: Participant, caller: str) -> None:
        """Two connections of a user, or one twice, decline the same call at the same moment (CALL-5)."""
        if other.login != device.login or (caller, device.login) not in self.model.ringing:
            return
        both = await asyncio.gather(*(author.try_decline(caller) for author in (device, other)))
        due = [self.model.decline(posting, caller) for posting in both]
        if all(each.accepted for each in due):
            self._race(both, "CALL-5")
        else:  # its time was over meanwhile
            for posting, each in zip(both, due, strict=True):
                self._judge(posting, each)
        self.model.declined(both[0], caller)
        await self._calm()

    async def says(self, device: Participant, status: str, manner: Manner) -> None:
        """Say `free` or `beasy`."""
        posting = await device.try_status(status, **self._varied("status", manner))
        self._judge(posting, Due(True, "CALL-4"), manner)
        self.model.says(device.login, status)
        await self._calm()

    async def refreshes(self, device: Participant, peer: str, manner: Manner) -> None:
        """Ask a user to negotiate anew."""
        due = self.model.refresh(device, peer)
        if due is None:
            return
        posting = await device.try_refresh(peer, audience=due.audience, **self._varied("refresh", manner))
        self._judge(posting, due, manner)
        await self._calm()
