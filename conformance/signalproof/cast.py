"""The participants of one check: brought on stage, watched until the run has settled, and sent home."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from time import perf_counter
from typing import NoReturn

from signalproof.connection import Stage
from signalproof.errors import NonConformance, NotTestable
from signalproof.expect import Expectations
from signalproof.identity import Identities
from signalproof.ledger import Ledger, Posting
from signalproof.participant import Connection
from signalproof.peer import Peer, fingerprint
from signalproof.reply import Outcome, read_reply
from signalproof.requirements import Level, catalogue
from signalproof.target import Target
from signalproof.transcript import Transcript
from signalproof.transport import Http, HttpFailure, HttpReply, RawSocket, SocketFailure
from signalproof.wire import ANSWER, CANDIDATE, KINDS_BY_EVENT, OFFER, Body, Marked, connect_auth, login_payload

__all__ = ["Call", "Cast"]

_TOKEN = re.compile(r"[A-Za-z0-9_\-]{12,}")


class Call:
    """Two real peers in a call that was set up through the target."""

    def __init__(self, offerer: Peer, answerer: Peer, offer: Posting, answer: Posting) -> None:
        self.offerer = offerer
        self.answerer = answerer
        self.offer = offer
        self.answer = answer


class Cast(Expectations):
    """Who takes part in one check, under names of its own, and what the check expects."""

    def __init__(
        self,
        *,
        number: int,
        requirements: Sequence[str],
        target: Target,
        http: Http,
        ledger: Ledger,
        identities: Identities,
    ) -> None:
        super().__init__(requirements)
        self.target = target
        self.connections: list[Connection] = []
        self.postings: list[Posting] = []
        self.transcript = Transcript()
        self.handshakes = 0
        self._number = number
        self._devices: Counter[str] = Counter()
        self._logins: dict[str, str] = {}
        self._identities = identities
        self._http = http
        self._ledger = ledger
        self._peers: list[Peer] = []
        self._raw_sockets: list[RawSocket] = []
        self._stage = Stage(
            target=target,
            http=http,
            ledger=ledger,
            transcript=self.transcript,
            expectations=self,
            connections=self.connections,
            postings=self.postings,
            check=number,
            redact=self.redact,
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

    async def connect(self, name: str, *, login: str | None = None) -> Connection:
        """Bring on a connection that has not logged in; `identity` is the login it is meant for."""
        identity = login or self.login(name)
        token = await self._identities.token(identity)
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
        return await device.log_in(connection.login)

    def _unused(self, name: str) -> str:
        """Number the second and later connections of a name: woman, woman#2."""
        name = name.partition("#")[0]
        self._devices[name] += 1
        return name if self._devices[name] == 1 else f"{name}#{self._devices[name]}"

    async def exchange(self, man: Connection, woman: Connection) -> Posting:
        """Do one whole offer and answer; the control of many checks. Gives the offer."""
        offer = await man.offer(woman)
        await woman.hears(offer)
        answer = await woman.answer(offer, named=True)
        await man.hears(answer)
        return offer

    async def offer_until_gone(self, left: Connection, witness: Connection) -> Posting:
        """Offer with the sid of a connection that has left, until that is refused or 1 s has passed (LOGIN-7).

        Gives the last posting, for the check to expect its refusal.
        """
        deadline = perf_counter() + 1 + self.target.round_trip
        posting = await left.try_offer(witness)
        while posting.accepted and perf_counter() < deadline:
            posting = await left.try_offer(witness)
        return posting

    # ── real peers ─────────────────────────────────────────────────────────────────────────────

    def peer(self, connection: Connection, *, media: bool = True) -> Peer:
        """Give `connection` a WebRTC peer whose states stand in the ladder."""
        peer = Peer(lambda state: self.transcript.note(connection.name, state), media=media)
        self._peers.append(peer)
        return peer

    async def call(self, man: Connection, woman: Connection, *, media: bool = True) -> Call:
        """Set up a call between real peers and wait until both are connected (MEDIA-1, MEDIA-2)."""
        return await self.connect_peers(man, self.peer(man, media=media), woman, self.peer(woman, media=media))

    async def connect_peers(self, man: Connection, offerer: Peer, woman: Connection, answerer: Peer) -> Call:
        """Exchange offer and answer of two peers through the target; also a renegotiation."""
        offer = await man.offer(woman, carrying=await offerer.offer(self._ledger.new_marker()))
        heard = await woman.hears(offer)
        text = str(heard.fields[OFFER.text_key])
        self._same_fingerprint(text, offerer, man)
        carrying = await answerer.answer(text, self._ledger.new_marker())
        answer = await woman.answer(offer, named=True, carrying=carrying)
        heard = await man.hears(answer)
        text = str(heard.fields[ANSWER.text_key])
        self._same_fingerprint(text, answerer, woman)
        await offerer.accept(text)
        await asyncio.gather(offerer.connected(self.target.timeout), answerer.connected(self.target.timeout))
        self.handshakes += 1
        return Call(offerer, answerer, offer, answer)

    async def trickle_call(
        self, man: Connection, woman: Connection, *, media: bool = False, early: bool = False
    ) -> Call:
        """Set up a call whose descriptions hold no candidates: both sides post theirs one by one (ICE-10).

        With `early` the answerer posts its candidates before its answer, if the target takes them there.
        """
        offerer, answerer = self.peer(man, media=media), self.peer(woman, media=media)
        offer = await man.offer(woman, carrying=await offerer.offer(self._ledger.new_marker(), trickle=True))
        heard = await woman.hears(offer)
        carrying = await answerer.answer(str(heard.fields[OFFER.text_key]), self._ledger.new_marker(), trickle=True)
        await self._trickle(man, offerer, woman, answerer)
        waiting = answerer.candidates(self._ledger.new_marker)
        posted: list[Posting] = []
        if early:
            posted = [await woman.try_candidate([man], login=man.login, carrying=text) for text in waiting]
            waiting = [text for text, posting in zip(waiting, posted, strict=True) if not posting.accepted]
            for posting in posted:
                if not posting.accepted:
                    self.refused(posting, "ICE-5")
        answer = await woman.answer(offer, named=True, carrying=carrying)
        heard = await man.hears(answer)
        await offerer.accept(str(heard.fields[ANSWER.text_key]))
        for posting in posted:
            if posting.accepted:
                await offerer.add_candidate(str((await man.hears(posting)).fields[CANDIDATE.text_key]))
        for text in waiting:
            await self._pass_on(woman, text, man, offerer)
        await asyncio.gather(offerer.connected(self.target.timeout), answerer.connected(self.target.timeout))
        self.handshakes += 1
        return Call(offerer, answerer, offer, answer)

    async def _trickle(self, author: Connection, source: Peer, hearer: Connection, sink: Peer) -> None:
        for text in source.candidates(self._ledger.new_marker):
            await self._pass_on(author, text, hearer, sink)

    async def _pass_on(self, author: Connection, text: Marked, hearer: Connection, sink: Peer) -> None:
        posting = await author.candidate([hearer], login=hearer.login, carrying=text)
        await sink.add_candidate(str((await hearer.hears(posting)).fields[CANDIDATE.text_key]))

    async def restart_ice(self, man: Connection, woman: Connection, call: Call) -> None:
        """Restart ICE of a connected call by a re-offer."""
        carrying = await call.offerer.restart_offer(self._ledger.new_marker())
        offer = await man.offer(woman, carrying=carrying)
        heard = await woman.hears(offer)
        text = str(heard.fields[OFFER.text_key])
        carrying = await call.answerer.restart_answer(text, self._ledger.new_marker())
        answer = await woman.answer(offer, named=True, carrying=carrying)
        heard = await man.hears(answer)
        try:
            async with asyncio.timeout(self.target.timeout):
                await call.offerer.restart_accept(str(heard.fields[ANSWER.text_key]))
        except (TimeoutError, ConnectionError) as error:
            self.breach(
                NonConformance(
                    "MEDIA-4",
                    expected="the restarted ICE session to connect",
                    received=str(error) or "no path",
                )
            )

    def _same_fingerprint(self, text: str, peer: Peer, author: Connection) -> None:
        self.expect(
            "MEDIA-2",
            fingerprint(text) == peer.fingerprint,
            expected=f"the DTLS fingerprint of {author.name}: {peer.fingerprint}",
            received=str(fingerprint(text)),
        )

    # ── requests outside the ordinary ──────────────────────────────────────────────────────────

    async def http(
        self, method: str, path: str, *, body: Body | None = None, headers: dict[str, str] | None = None
    ) -> HttpReply:
        """Send any HTTP request; a missing reply breaches HTTP-12."""
        content_type = {"content-type": body.content_type} if body and body.content_type else {}
        self.transcript.add("kit", "server", f"{method} {path}")
        try:
            reply = await self._http.request(
                method,
                path,
                headers={**content_type, **(headers or {})},
                content=body.content if body else None,
            )
        except HttpFailure as failure:
            raise NonConformance("HTTP-12", expected=f"a reply to {method} {path}", received=str(failure)) from failure
        self.transcript.add("server", "kit", f"HTTP {reply.status}")
        return reply

    async def pause(self, seconds: float) -> None:
        """Let time pass, for the few requirements that are about time; nothing else may use it."""
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await asyncio.wait([never], timeout=seconds)

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
            listed = set(await self.online())
            if present <= listed and not absent & listed:
                self.evidence += 1
                return
            if perf_counter() > deadline:
                break
            await self.pause(0.05)
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

    async def connect_packet(self, name: str) -> str:
        """Give the Socket.IO CONNECT packet that a raw socket has to send for `name`, with its token if need be."""
        token = await self._identities.token(self.login(name))
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
            received=self.redact(str(answer))[:80],
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
        return login

    def marked(self, kind: str, template: Callable[[str], str] | None = None) -> Marked:
        """Make a text to be forwarded; see `Connection.marked`."""
        return self.connections[0].marked(kind, template)

    def redact(self, text: str) -> str:
        """Put names in place of the sids of this check."""
        for connection in self.connections:
            for sid in (connection.sid, connection.engine_sid):
                if sid:
                    text = text.replace(sid, f"<sid of {connection.name}>")
        return text

    # ── afterwards ─────────────────────────────────────────────────────────────────────────────

    async def close_peers(self) -> None:
        """Close what uses the processor; sockets stay open and recorded until the run has settled."""
        await asyncio.gather(*(peer.close() for peer in self._peers), return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in self._raw_sockets), return_exceptions=True)

    async def vacate(self) -> None:
        """Free the logins for the next check: leave, and wait until the target has noticed (LOGIN-7)."""
        await self.close()
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
                await asyncio.gather(*(connection.close() for connection in self.connections), return_exceptions=True)

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

    def settle(self, all_sids: frozenset[str]) -> list[NonConformance]:
        """Sort the late breaches: warnings are kept, breaches of a MUST are given back."""
        breaches: list[NonConformance] = []
        for found in self.late_breaches(all_sids):
            levels = {catalogue()[requirement].level for requirement in found.requirements}
            (breaches if Level.MUST in levels else self.warnings).append(found)
        return breaches
