"""The participants of one check: brought on stage, watched until the run has settled, and sent home."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import NoReturn, Self

from signalproof.cast.participant import Participant
from signalproof.cast.presence import Presence
from signalproof.cast.raw_access import RawAccess
from signalproof.cast.setting import Setting
from signalproof.cast.slow_access import SlowAccess
from signalproof.cast.stage import Stage
from signalproof.config.target import Target
from signalproof.errors import NonConformance, NotTestable, Step
from signalproof.judge.diagnosis import is_unknown_sid
from signalproof.judge.expectations import Expectations
from signalproof.judge.posting import Posting, Received
from signalproof.pause import pause
from signalproof.protocol.requirements import catalogue
from signalproof.protocol.wire import Marked
from signalproof.text.marker import find_marker
from signalproof.text.redact import Redactor, cut

__all__ = ["Company"]

LOGIN = 40
"""Characters of a login that is none of the check's which are shown."""
SCENES_FROM = 1_000_000
"""Numbers of scenes begin here; those of checks are below."""


class Company(Expectations):
    """Who takes part in one check, under names of its own, and what the check expects.

    `raw` is the way around the participants, `slow` the one of slow clients, and `presence` the list of who is online.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.requirements, setting.foundation, setting.in_baseline, crowded=setting.crowded)
        self.setting = setting
        self.scenes: list[Self] = []
        self.connections: list[Participant] = []
        self.postings: list[Posting] = []
        self.redact = Redactor(setting.ledger.pseudonyms, self._secrets, setting.target.shown)
        self.raw = RawAccess(self)
        self.slow = SlowAccess(self)
        self.presence = Presence(self)
        self._scenes_made = 0
        self._devices: Counter[str] = Counter()
        self._logins: dict[str, str] = {}
        self._ledger = setting.ledger
        self._identities = setting.identities
        self._stage = Stage(
            target=setting.target,
            http=setting.http,
            ledger=setting.ledger,
            transcript=self.transcript,
            expectations=self,
            connections=self.connections,
            postings=self.postings,
            check=setting.number,
            who=self.who,
        )

    @property
    def target(self) -> Target:
        """What is under test."""
        return self.setting.target

    # ── participants ───────────────────────────────────────────────────────────────────────────

    def login(self, name: str) -> str:
        """Give the login under which `name` appears in this check."""
        if name not in self._logins:
            self._logins[name] = self._identities.claim(f"sp.{self._ledger.run}.{self.setting.number}.{name}")
        return self._logins[name]

    @property
    def nobody(self) -> str:
        """A login that nobody ever has."""
        return f"sp.{self._ledger.run}.{self.setting.number}.nobody"

    async def token(self, login: str) -> str | None:
        """Get the token of a login, and let no report of the run tell it."""
        token = await self._identities.token(login)
        if token is not None:
            self._ledger.pseudonyms.of("token", token)
        return token

    async def connect(self, name: str, *, login: str | None = None) -> Participant:
        """Bring on a connection that has not logged in; `identity` is the login it is meant for."""
        identity = login or self.login(name)
        token = await self.token(identity)
        connection = Participant(self._unused(name), self._stage, identity=identity, token=token)
        self.connections.append(connection)
        await connection.open()
        return connection

    async def enter(self, *names: str) -> tuple[Participant, ...]:
        """Bring on users, each with one logged-in connection."""
        return tuple(await asyncio.gather(*map(self.enter_one, names)))

    async def enter_one(self, name: str) -> Participant:
        """Bring on one user with one logged-in connection."""
        connection = await self.connect(name)
        return await connection.log_in(connection.identity)

    async def another(self, connection: Participant) -> Participant:
        """Bring on one more connection of the same user."""
        device = await self.connect(connection.name, login=connection.login)
        return await device.log_in(connection.login, requirement="LOGIN-5")

    def _unused(self, name: str) -> str:
        """Number the second and later connections of a name: woman, woman#2."""
        name = name.partition("#")[0]
        self._devices[name] += 1
        return name if self._devices[name] == 1 else f"{name}#{self._devices[name]}"

    async def exchange(
        self, man: Participant, woman: Participant, *, elsewhere: str | None = None, requirement: str | None = None
    ) -> Posting:
        """Do one whole offer and answer; the control of many checks. Gives the offer."""
        offer = await man.offer(woman, elsewhere=elsewhere, requirement=requirement)
        await woman.hears(offer, requirement=requirement)
        answer = await woman.answer(offer, named=True, requirement=requirement)
        await man.hears(answer, requirement=requirement)
        return offer

    async def offer_until_gone(self, left: Participant, witness: Participant) -> Posting:
        """Offer with the sid of a connection that has left, once it is gone, or 1 s has passed (LOGIN-7).

        Gives the posting, for the check to expect its refusal.
        """
        deadline = perf_counter() + 1 + self.target.round_trip
        await self._until_gone(left, witness, deadline)
        posting = await left.try_offer(witness)
        while posting.accepted and posting.sent_at < deadline:
            posting = await left.try_offer(witness)
        return posting

    async def _until_gone(self, left: Participant, living: Participant, deadline: float) -> None:
        """Wait until the target answers a sid that has left in another way than a living one.

        Both offer to nobody: that is refused and changes nothing, even at a target that forgets nobody.
        """

        async def reply_to(connection: Participant) -> tuple[int, object]:
            reply = (await connection.try_offer(self.nobody)).reply
            return (reply.status, reply.body) if reply else (0, None)

        alive = await reply_to(living)
        while perf_counter() < deadline and await reply_to(left) == alive:
            await pause(0.02)

    async def until_known(self, *people: Participant) -> None:
        """Wait until the target knows whom it has acknowledged, so that a check can be about somebody else's login."""

        async def wait(one: Participant) -> None:
            deadline = perf_counter() + self.target.timeout
            posting = await one.try_offer(self.nobody)
            while posting.reply is not None and is_unknown_sid(posting.reply) and posting.sent_at < deadline:
                await pause(0.02)
                posting = await one.try_offer(self.nobody)

        await asyncio.gather(*map(wait, people))

    def new_marker(self) -> str:
        """Make a marker for a text that is to be forwarded."""
        return self._ledger.new_marker()

    def scene(self, patience: float | None = None) -> Self:
        """Make a company for one of many scenes of this check: other logins, and a transcript of its own.

        It is judged with the check, as long as it stays among its `scenes`, and shares its controls;
        `patience` (seconds) stands in for the target's time limit.
        """
        self._scenes_made += 1
        setting = replace(
            self.setting,
            number=self.setting.number * SCENES_FROM + self._scenes_made,
            target=self.target if patience is None else replace(self.target, timeout=patience),
            foundation=self.foundation,
        )
        scene = type(self)(setting)
        self.scenes.append(scene)
        return scene

    def count(self, scene: Self) -> None:
        """Count what a scene has shown as shown by the check."""
        self.evidence += scene.evidence
        self.warnings += scene.warnings

    async def keep_scene(self, kept: Self) -> None:
        """Send everybody home but those of one scene, and judge no other."""
        done = [scene for scene in self.scenes if scene is not kept]
        self.scenes[:] = [kept]
        await asyncio.gather(*(scene.close() for scene in done))

    async def show_scene(self, scene: Self) -> None:
        """Let one scene stand for the check: no other is judged, and its ladder is shown."""
        await self.keep_scene(scene)
        self.transcript = scene.transcript

    @property
    def invents(self) -> bool:
        """Whether any login can be used; if not, `vacate` gives logins back."""
        return self._identities.invents

    @property
    def everybody(self) -> list[Participant]:
        """All connections, those of its scenes included."""
        return [*self.connections, *(connection for scene in self.scenes for connection in scene.everybody)]

    def who(self, login: str) -> str:
        """Give the name of a user of this check by login; one that is nobody's here is quoted, with the names in it."""
        names = {
            connection.identity: connection.name.partition("#")[0]
            for connection in self.connections
            if connection.identity
        }
        names |= {known: name for name, known in self._logins.items()} | {self.nobody: "nobody"}
        if login in names:
            return names[login]
        part = max((known for known in names if known and known in login), key=len, default=None)
        return f"'{cut(login if part is None else login.replace(part, names[part]), LOGIN)}'"

    async def pause(self, seconds: float) -> None:
        """Let time pass, for the few requirements that are about time; nothing else may use it."""
        await pause(seconds)

    def is_anothers(self, stray: Received) -> bool:
        """Whether a stray event belongs to another run, under a login that both have."""
        marker = find_marker(stray.args)
        ours = self._ledger.run in stray.connection.login
        return marker is not None and not ours and not self._ledger.knows(marker)

    def sids_of_the_run(self) -> list[str]:
        """Give the sids of all connections of the run so far, in the order in which they came (LOGIN-9)."""
        return list(self._ledger.sids)

    def not_testable(self, reason: str) -> NoReturn:
        """End the check as not run, for a reason that lies with what the operator gave."""
        raise NotTestable(reason)

    async def token_of(self, connection: Participant, *, expired: bool = False) -> str | None:
        """Give a valid or an expired token of a connection's user, or None where there is none to be had."""
        source = self._identities.expired if expired else self._identities.token
        return await source(connection.identity)

    def marked(self, kind: str, template: Callable[[str], str] | None = None) -> Marked:
        """Make a text to be forwarded; see `Participant.marked`."""
        return self.connections[0].marked(kind, template)

    def _secrets(self) -> dict[str, str]:
        """Give what must not be shown of this check and of the run, and what stands in for it."""
        known = dict(self.target.secrets)
        for connection in self.everybody:
            known |= connection.secrets
        return known

    def step(self, posting: Posting, step: Step, *, failed: bool) -> Step | None:
        """Count how a step went, if it is an ordinary one of no random scene, and give it."""
        if posting.ordinary and self.setting.number < SCENES_FROM:
            self._ledger.steps.count(step.name, self.setting.number, failed=failed)
        return step

    def breach(self, found: NonConformance) -> None:
        """Take a breach, and say beside it whose connection the target had ended: what follows comes of that."""
        lost = [connection.lost for connection in self.connections if connection.lost]
        if lost and not any(sentence in found.received for sentence in lost):
            found.hint = " ".join(filter(None, (f"{lost[0]}.", found.hint)))
        super().breach(found)

    def concerns(self, found: NonConformance) -> bool:
        """Whether a breach is one of a profile that is being checked."""
        return any(i not in catalogue() or catalogue()[i].profile in self.target.profiles for i in found.requirements)

    # ── afterwards ─────────────────────────────────────────────────────────────────────────────

    async def quiet(self) -> None:
        """Close the raw sockets of the check; the others stay open and recorded until the run has settled."""
        self.slow.close()
        await self.raw.close()

    async def vacate(self) -> None:
        """Free the logins for the next check: leave, and wait until the target has noticed (LOGIN-7)."""
        await self.close()
        self._identities.release()
        left = list({connection.login: connection for connection in self.connections if connection.login}.values())
        if not left:
            return
        with contextlib.suppress(NonConformance):
            deadline = perf_counter() + 1 + self.target.round_trip
            for connection in left:
                while perf_counter() < deadline and (await connection.try_offer(connection)).replied_as_live:
                    await pause(0.02)

    async def close(self) -> None:
        """Send everybody home."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.gather(*(connection.close() for connection in self.everybody), return_exceptions=True)
