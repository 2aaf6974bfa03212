"""The participants of one check: brought on stage, watched until the run has settled, and sent home."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from time import perf_counter
from typing import NoReturn, Self, TypedDict, Unpack

from signalproof.cast.connection import Stage
from signalproof.cast.participant import Connection
from signalproof.config.identity import Identities
from signalproof.config.target import Target
from signalproof.errors import NonConformance, NotTestable
from signalproof.judge.expectations import Expectations
from signalproof.judge.ledger import Ledger, Posting
from signalproof.judge.reply import Outcome, read_reply
from signalproof.judge.transcript import Channel, Transcript
from signalproof.net.failures import HttpFailure, SocketFailure
from signalproof.net.http import Http, HttpReply
from signalproof.net.raw_socket import RawSocket
from signalproof.pause import pause
from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.wire import KINDS_BY_EVENT, Body, Marked, connect_auth, login_payload
from signalproof.text.redact import Redactor, cut

__all__ = ["Company", "Setting"]

_TOKEN = re.compile(r"[A-Za-z0-9_\-]{12,}")


class Setting(TypedDict):
    """What a company is given: the number and requirements of its check, and what the run shares."""

    number: int
    requirements: Sequence[str]
    target: Target
    http: Http
    ledger: Ledger
    identities: Identities


class Company(Expectations):
    """Who takes part in one check, under names of its own, and what the check expects."""

    def __init__(self, **setting: Unpack[Setting]) -> None:
        number, target, http = setting["number"], setting["target"], setting["http"]
        super().__init__(setting["requirements"])
        self._setting = setting
        self._scenes_made = 0
        self.scenes: list[Self] = []
        ledger = self._ledger = setting["ledger"]
        self.target = target
        self.connections: list[Connection] = []
        self.postings: list[Posting] = []
        self.transcript = Transcript()
        self._number = number
        self._devices: Counter[str] = Counter()
        self._logins: dict[str, str] = {}
        self._identities = setting["identities"]
        self._http = http
        self._raw_sockets: list[RawSocket] = []
        self._silent: dict[str, RawSocket] = {}
        self.redact = Redactor(ledger.pseudonyms, self._secrets, target.shown)
        self._stage = Stage(
            target=target,
            http=http,
            ledger=ledger,
            transcript=self.transcript,
            expectations=self,
            connections=self.connections,
            postings=self.postings,
            check=number,
            who=self._who,
        )

    # ── participants ───────────────────────────────────────────────────────────────────────────

    def login(self, name: str) -> str:
        """Give the login under which `name` appears in this check."""
        if name not in self._logins:
            self._logins[name] = self._identities.claim(f"sp.{self._ledger.run}.{self._number}.{name}")
        return self._logins[name]

    @property
    def nobody(self) -> str:
        """A login that nobody ever has."""
        return f"sp.{self._ledger.run}.{self._number}.nobody"

    async def _token(self, login: str) -> str | None:
        """Get the token of a login, and let no report of the run tell it."""
        token = await self._identities.token(login)
        if token is not None:
            self._ledger.pseudonyms.of("token", token)
        return token

    async def connect(self, name: str, *, login: str | None = None) -> Connection:
        """Bring on a connection that has not logged in; `identity` is the login it is meant for."""
        identity = login or self.login(name)
        token = await self._token(identity)
        connection = Connection(self._unused(name), self._stage, identity=identity, token=token)
        self.connections.append(connection)
        await connection.open()
        return connection

    async def enter(self, *names: str) -> tuple[Connection, ...]:
        """Bring on users, each with one logged-in connection."""
        return tuple(await asyncio.gather(*map(self.enter_one, names)))

    async def enter_one(self, name: str) -> Connection:
        """Bring on one user with one logged-in connection."""
        connection = await self.connect(name)
        return await connection.log_in(connection.identity)

    async def another(self, connection: Connection) -> Connection:
        """Bring on one more connection of the same user."""
        device = await self.connect(connection.name, login=connection.login)
        return await device.log_in(connection.login, requirement="LOGIN-5")

    def _unused(self, name: str) -> str:
        """Number the second and later connections of a name: woman, woman#2."""
        name = name.partition("#")[0]
        self._devices[name] += 1
        return name if self._devices[name] == 1 else f"{name}#{self._devices[name]}"

    async def exchange(
        self, man: Connection, woman: Connection, *, elsewhere: str | None = None, requirement: str | None = None
    ) -> Posting:
        """Do one whole offer and answer; the control of many checks. Gives the offer."""
        offer = await man.offer(woman, elsewhere=elsewhere, requirement=requirement)
        await woman.hears(offer, requirement=requirement)
        answer = await woman.answer(offer, named=True, requirement=requirement)
        await man.hears(answer, requirement=requirement)
        return offer

    async def offer_until_gone(self, left: Connection, witness: Connection) -> Posting:
        """Offer with the sid of a connection that has left, until that is refused, or was sent after 1 s (LOGIN-7).

        Gives the last posting, for the check to expect its refusal.
        """
        deadline = perf_counter() + 1 + self.target.round_trip
        posting = await left.try_offer(witness)
        while posting.accepted and posting.sent_at < deadline:
            posting = await left.try_offer(witness)
        return posting

    def new_marker(self) -> str:
        """Make a marker for a text that is to be forwarded."""
        return self._ledger.new_marker()

    def scene(self, patience: float | None = None) -> Self:
        """Make a company for one of many scenes of this check: other logins, and a transcript of its own.

        It is judged with the check, as long as it stays among its `scenes`, and shares its controls;
        `patience` (seconds) stands in for the target's time limit.
        """
        self._scenes_made += 1
        target = self.target if patience is None else replace(self.target, timeout=patience)
        setting = self._setting.copy()
        setting["number"], setting["target"] = self._number * 1_000_000 + self._scenes_made, target
        scene = type(self)(**setting)
        scene._refusals, scene._controls = self._refusals, self._controls
        scene.is_known, scene.passed_over = self.is_known, self.passed_over
        self.scenes.append(scene)
        return scene

    @property
    def invents(self) -> bool:
        """Whether any login can be used; if not, `vacate` gives logins back."""
        return self._identities.invents

    @property
    def everybody(self) -> list[Connection]:
        """All connections, those of its scenes included."""
        return [*self.connections, *(connection for scene in self.scenes for connection in scene.everybody)]

    # ── requests outside the ordinary ──────────────────────────────────────────────────────────

    async def http(
        self, method: str, path: str, *, body: Body | None = None, headers: dict[str, str] | None = None
    ) -> HttpReply:
        """Send any HTTP request; a missing reply breaches HTTP-12."""
        content_type = {"content-type": body.content_type} if body and body.content_type else {}
        content = body.content if body else b""
        self.transcript.add("kit", "server", f"{method} {path}", channel=Channel.HTTP, content=content)
        try:
            reply = await self._http.request(
                method,
                path,
                headers={**content_type, **(headers or {})},
                content=body.content if body else None,
            )
        except HttpFailure as failure:
            raise NonConformance("HTTP-12", expected=f"a reply to {method} {path}", received=str(failure)) from failure
        self.transcript.add("server", "kit", f"HTTP {reply.status}", channel=Channel.HTTP, content=reply.body)
        return reply

    async def pause(self, seconds: float) -> None:
        """Let time pass, for the few requirements that are about time; nothing else may use it."""
        await pause(seconds)

    async def until_online(
        self,
        present: Set[str],
        *,
        absent: Set[str] = frozenset(),
        within: float = 1.0,
        requirement: str = "PRES-2",
    ) -> None:
        """Read `/online` until it holds `present` and not `absent`, for at most `within` seconds and a round trip."""
        deadline = perf_counter() + within + self.target.round_trip
        while True:
            asked_at = perf_counter()
            listed = set(await self.online())
            if present <= listed and not absent & listed:
                self.evidence += 1
                return
            if asked_at > deadline:
                break
            await self.pause(max(within / 50, 0.05))
        self.breach(
            NonConformance(
                requirement,
                expected=f"/online to be up to date within {within:g} s",
                received="; ".join(
                    [f"{self._who(login)} is missing" for login in sorted(present - listed)]
                    + [f"{self._who(login)} is still listed" for login in sorted(absent & listed)]
                ),
            )
        )

    def _who(self, login: str) -> str:
        """Give the name of a user of this check, by login."""
        if login == self.nobody:
            return "nobody"
        return next((name for name, known in self._logins.items() if known == login), "somebody")

    async def online(self) -> list[str]:
        """Read who is online: `GET /online` (PRES-1)."""
        headers = self.connections[0].authorization
        reply = read_reply(await self.http("GET", "/online", headers=headers), "OnlineAccepted")
        self.expect(
            "PRES-1",
            reply.outcome is Outcome.ACCEPTED,
            expected="the list of logins from GET /online",
            received=reply.describe(),
        )
        return [str(login) for login in reply.body["payload"]]

    async def raw_socket(self) -> RawSocket:
        """Open a WebSocket on which any frame can be sent; failure breaches LOGIN-1."""
        try:
            socket = await RawSocket.open(self.target, self._http)
        except SocketFailure as failure:
            raise NonConformance(
                "LOGIN-1", expected="a WebSocket without polling first", received=str(failure)
            ) from failure
        self._raw_sockets.append(socket)
        return socket

    async def raw_handshake(self, name: str) -> tuple[str | bytes | None, str | bytes | None]:
        """Open a WebSocket and CONNECT on it; give the open packet and the answer; silence breaches LOGIN-1."""
        socket = await self.raw_socket()
        try:
            opened = await socket.receive(self.target.timeout)
            await socket.send(await self.connect_packet(name))
            return opened, await socket.receive(self.target.timeout)
        except SocketFailure as failure:
            raise NonConformance("LOGIN-1", expected="the Engine.IO handshake", received=str(failure)) from failure

    async def connect_packet(self, name: str) -> str:
        """Give the Socket.IO CONNECT packet that a raw socket has to send for `name`, with its token if need be."""
        token = await self._token(self.login(name))
        return "40" if token is None else f"40{json.dumps(connect_auth(token))}"

    async def expect_connect_error(self, auth: object, requirement: str) -> None:
        """Expect that a CONNECT with the payload `auth` is answered with CONNECT_ERROR or a closed transport."""
        socket = await self.raw_socket()
        answer: object = None
        try:
            await socket.receive(self.target.timeout)
            await socket.send("40" if auth is None else f"40{json.dumps(auth)}")
            answer = await socket.receive(self.target.timeout)
        except SocketFailure as failure:
            answer = str(failure)
        self.expect(
            requirement,
            isinstance(answer, str) and answer.startswith("44"),
            expected="CONNECT_ERROR (44…) for a connection without a valid token",
            received=cut(str(answer), 80),
        )

    def sids_of_the_run(self) -> list[str]:
        """Give the sids of all connections of the run so far, in the order in which they came (LOGIN-9)."""
        return list(self._ledger.sids)

    def not_testable(self, reason: str) -> NoReturn:
        """End the check as not run, for a reason that lies with what the operator gave."""
        raise NotTestable(reason)

    async def token_of(self, connection: Connection, *, expired: bool = False) -> str | None:
        """Give a valid or an expired token of a connection's user, or None where there is none to be had."""
        source = self._identities.expired if expired else self._identities.token
        return await source(connection.identity)

    async def silent_connection(self, name: str) -> str:
        """Log in on a socket that will answer no ping, as a device that drops off the network; give its login."""
        socket, login = await self.raw_socket(), self.login(name)
        packets = (await self.connect_packet(name), f"420{json.dumps(['login', login_payload(login)])}")
        for packet in packets:
            await socket.receive(self.target.timeout)
            await socket.send(packet)
        await socket.receive(self.target.timeout)
        self.transcript.note(name, "logs in, then falls silent")
        self._silent[login] = socket
        return login

    async def until_noticed(self, login: str) -> None:
        """Wait until the target lets go of a silent connection, or has had the time to."""
        await self._silent[login].dropped(self.target.limits["silent_loss_seconds"])

    def marked(self, kind: str, template: Callable[[str], str] | None = None) -> Marked:
        """Make a text to be forwarded; see `Connection.marked`."""
        return self.connections[0].marked(kind, template)

    def _secrets(self) -> dict[str, str]:
        """Give what must not be shown of this check and of the run, and what stands in for it."""
        known = dict(self.target.secrets)
        for connection in self.everybody:
            known |= connection.secrets
        return known

    def concerns(self, found: NonConformance) -> bool:
        """Whether a breach is one of a profile that is being checked."""
        return any(i not in catalogue() or catalogue()[i].profile in self.target.profiles for i in found.requirements)

    # ── afterwards ─────────────────────────────────────────────────────────────────────────────

    async def quiet(self) -> None:
        """Close the raw sockets of the check; the others stay open and recorded until the run has settled."""
        await asyncio.gather(*(socket.close() for socket in self._raw_sockets), return_exceptions=True)

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
                    await self.pause(0.02)

    async def close(self) -> None:
        """Send everybody home."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.gather(*(connection.close() for connection in self.everybody), return_exceptions=True)

    def late_breaches(self, all_sids: frozenset[str]) -> Iterator[NonConformance]:
        """Judge everything that this check caused, once nothing more can arrive."""
        for posting in self.postings:
            yield from posting.breaches()
        for connection in self.connections:
            for stray in connection.strays:
                if kind := KINDS_BY_EVENT.get(stray.event):
                    yield NonConformance(
                        kind.text or kind.leak,
                        expected=f"every {stray.event} to come from a request, with the text that was posted",
                        received=f"one at {connection.name} that no request explains",
                    )
            for received in connection.heard:
                exposed = (set(_TOKEN.findall(str(received.args))) & all_sids) - {connection.sid}
                if exposed:
                    yield NonConformance(
                        "SEC-1",
                        expected="no sid in what another user receives",
                        received=f"another connection's sid in {received.event} at {connection.name}",
                    )
        for scene in self.scenes:
            yield from scene.late_breaches(all_sids)

    def settle(self, all_sids: frozenset[str]) -> list[NonConformance]:
        """Sort the late breaches: warnings are kept, breaches of a MUST are given back."""
        breaches: list[NonConformance] = []
        for found in filter(self.concerns, self.late_breaches(all_sids)):
            levels = {catalogue()[requirement].level for requirement in found.requirements}
            (breaches if Level.MUST in levels else self.warnings).append(found)
        return breaches
