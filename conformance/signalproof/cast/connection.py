"""One Socket.IO connection and the HTTP requests made with its sid: what it sent and what it heard."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Self, Unpack

from signalproof.cast import label
from signalproof.cast.inquiry import why_not
from signalproof.cast.request import Request, Variation, compose, require_sound
from signalproof.cast.stage import Stage
from signalproof.errors import KitError, NonConformance, NotTestable, Step
from signalproof.judge import hints
from signalproof.judge.expectations import STAYS, Expectations
from signalproof.judge.posting import FORM, Audience, Awaited, Listener, Posting, Received
from signalproof.judge.reply import Reply, no_reply, read_reply
from signalproof.judge.transcript import SERVER, Channel
from signalproof.net.failures import HttpFailure, SocketFailure
from signalproof.net.sockets import Socket
from signalproof.protocol.schemas import violation
from signalproof.protocol.wire import (
    KINDS_BY_EVENT,
    Fields,
    Kind,
    Marked,
    candidate,
    connect_auth,
    login_payload,
    session_description,
)
from signalproof.text.binary import as_text, holds_bytes
from signalproof.text.marker import find_marker
from signalproof.text.redact import cut

__all__ = ["Connection", "is_accepted"]

MOST_EVENTS = 1_000
"""Events that one connection takes, ten times what any check raises there; what comes after is not recorded."""
MOST_FOREIGN_EVENTS = 50
"""Events that the specification does not know of which one connection takes note; they do not count as others do."""
ID = 40
"""Characters of an offer's id that are shown."""
NAME = 100
"""Characters of an event's name that are shown: those of the specification are short."""


class Connection:
    """A Socket.IO connection and the HTTP requests made with its sid."""

    def __init__(self, name: str, stage: Stage, *, identity: str, token: str | None) -> None:
        self.name = name
        self.identity = identity
        self.login = ""
        self._token = token
        self.live_since = float("inf")
        self.heard: list[Received] = []
        self.strays: list[Received] = []
        self._foreign = 0
        self._overheard = ""
        self.lost = ""
        self._lost_at: float | None = None
        self.sid = ""
        self.engine_sid = ""
        self._stage = stage
        self.agent = stage.http.user_agent()
        self._socket = Socket(stage.target, self.agent, self._on_event, self._on_close)

    @property
    def expectations(self) -> Expectations:
        """What the check expects."""
        return self._stage.expectations

    @property
    def check(self) -> int:
        """The number of the check it takes part in."""
        return self._stage.check

    @property
    def authorization(self) -> dict[str, str]:
        """The header that proves the user to HTTP endpoints (AUTH-3); none without authentication."""
        return {} if self._token is None else {"authorization": f"Bearer {self._token}"}

    @property
    def secrets(self) -> dict[str, str]:
        """What must not be shown of this connection, and what stands in for it."""
        found = {self.sid: f"<sid of {self.name}>", self.engine_sid: f"<Engine.IO sid of {self.name}>"}
        found[self._token or ""] = f"<token of {self.name}>"
        return found

    @property
    def live(self) -> bool:
        """Whether the connection is logged in and open."""
        return bool(self.login) and self._socket.connected

    @property
    def connected(self) -> bool:
        """Whether the connection is open."""
        return self._socket.connected

    @property
    def ending(self) -> str:
        """What became of the socket, in words: closed, or given up at a limit of the kit's own."""
        return self._socket.overrun or self.lost or "a closed socket"

    # ── the socket ─────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, without logging in (LOGIN-1)."""
        try:
            await self._socket.connect(connect_auth(self._token))
        except SocketFailure as failure:
            self._stage.transcript.note(self.name, f"cannot connect: {failure}")
            self._stage.expectations.breach(
                NonConformance(
                    "LOGIN-1",
                    expected="a Socket.IO connection over WebSocket",
                    received=str(failure),
                    late=failure.late,
                )
            )
        self.sid, self.engine_sid = self._socket.sid, self._socket.engine_sid
        self._stage.ledger.sids.append(self.sid)
        for secret in filter(None, (self.sid, self.engine_sid)):
            self._stage.ledger.pseudonyms.of("sid", secret)
        self._stage.transcript.add(self.name, SERVER, "connects")

    async def try_log_in(
        self, *arguments: object, shown: str | None = None, requirement: str = "LOGIN-2", overtaken: bool = False
    ) -> tuple[object, ...]:
        """Emit `login` with any arguments and give the arguments of the acknowledgement.

        A missing acknowledgement breaches `requirement`. With `overtaken` a good login is sent after it: where that one
        is acknowledged, the first was not late for want of room.
        """
        stage = self._stage
        stage.transcript.add(self.name, SERVER, shown or f"login {_short(arguments)}", content=arguments)
        try:
            ack = await self._socket.request("login", *arguments, timeout=stage.target.timeout)
        except SocketFailure as failure:
            stage.transcript.note(self.name, f"no acknowledgement: {failure}")
            late = failure.late and not (overtaken and await self._acknowledges_a_good_login())
            stage.expectations.breach(
                NonConformance(requirement, expected="an acknowledgement of `login`", received=str(failure), late=late)
            )
            raise KitError(f"{requirement} has to be a MUST") from failure
        stage.transcript.add(SERVER, self.name, f"ack {_short(ack)}", content=ack)
        return ack

    async def _acknowledges_a_good_login(self) -> bool:
        stage = self._stage
        stage.transcript.add(self.name, SERVER, f"login as {self.name.partition('#')[0]}")
        try:
            ack = await self._socket.request("login", login_payload(self.identity), timeout=stage.target.timeout)
        except SocketFailure:
            return False
        stage.transcript.add(SERVER, self.name, f"ack {_short(ack)}", content=ack)
        self.believed(self.identity)
        return True

    async def log_in(self, login: str, *, requirement: str = "LOGIN-2") -> Self:
        """Log in and expect success."""
        payload = login_payload(login)
        ack = await self.try_log_in(payload, shown=f"login as {self.name.partition('#')[0]}", requirement=requirement)
        accepted = is_accepted(ack)
        if not accepted:
            require_sound("LoginRequest", payload)
        self._stage.expectations.expect(
            requirement,
            accepted,
            expected='`login` to be acknowledged with {"status":0} or nothing',
            received=_short(ack),
            hint=hints.for_namesake(login),
        )
        return self.believed(login)

    def believed(self, login: str) -> Self:
        """Count the connection as live under `login`, which it keeps if it has one already."""
        if not self.login:
            self.login = login
            self.live_since = perf_counter()
            self._stage.ledger.attendance.came(self)
        return self

    async def emit(self, event: str, *arguments: object) -> None:
        """Emit any event, without waiting for an acknowledgement."""
        self._stage.transcript.add(self.name, SERVER, f"{event} {_short(arguments)}", content=arguments)
        try:
            await self._socket.emit(event, *arguments)
        except SocketFailure as failure:
            self._stage.transcript.note(self.name, f"cannot emit: {failure}")

    async def leave(self) -> None:
        """Disconnect gracefully, as part of the check."""
        self._stage.transcript.add(self.name, SERVER, "disconnects")
        await self.close()

    async def close(self) -> None:
        """Disconnect gracefully."""
        await self._socket.close()
        self._stage.ledger.attendance.left(self, perf_counter())

    def _on_close(self) -> None:
        overrun, lost = self._socket.overrun, self._socket.lost
        if lost and not self.lost:
            seconds = perf_counter() - self._stage.transcript.began
            self.lost = f"{self.name}'s connection {lost} at {seconds:.1f} s, unasked"
            self._stage.ledger.lost(self)
        moment = self._stage.transcript.note(self.name, f"disconnected: {overrun}" if overrun else "disconnected")
        if self.lost and self._lost_at is None:
            self._lost_at = moment

    def _on_event(self, event: str, arguments: tuple[object, ...], at: float, asks: bool) -> None:
        if len(self.heard) == MOST_EVENTS:
            return
        binary = holds_bytes(arguments)
        if binary:
            # What it would say as text: only so it can be told whose it is.
            arguments = as_text(arguments)
        if event not in KINDS_BY_EVENT and find_marker(arguments) is None:
            # Events that the specification does not know are legal (spec/versioning.md), and may come in any number.
            self._foreign += 1
            if self._foreign > MOST_FOREIGN_EVENTS:
                return
        if len(event) > NAME:
            event = f"an event with a name of {len(event)} characters"
        received = Received(self, event, arguments, at, binary=binary, asks=asks)
        self.heard.append(received)
        posting = self._stage.ledger.record(received)
        if posting is None:
            self.strays.append(received)
        self._show_event(received, posting)
        if len(self.heard) == MOST_EVENTS:
            self._overheard = f"it takes {MOST_EVENTS:,} events"
            self._stage.transcript.note(self.name, f"takes no more than {MOST_EVENTS:,} events")

    def _show_event(self, received: Received, posting: Posting | None) -> None:
        stage, detail = self._stage, ""
        what = ", unexplained" if received.event in KINDS_BY_EVENT else ""
        if posting is not None:
            author = posting.author
            what = f" from {'' if author.check == self.check else 'another '}{author.name}"
            detail = label.of_event(received.fields, posting.kind.author_key, author.login, stage.who)
        detail = ", ".join(filter(None, (detail, self._shown_id(received.fields))))
        stage.transcript.add(
            SERVER,
            self.name,
            f"{received.event}{what}",
            at=received.at,
            content=received.args,
            detail=detail,
            case=posting.case if posting else "",
        )

    def _shown_id(self, fields: object) -> str:
        """Show the `offer_id` of a message in a check that is about such ids."""
        matters = any(requirement.startswith("CORR-") for requirement in self.expectations.requirements)
        if not matters or not isinstance(fields, Mapping) or "offer_id" not in fields:
            return ""
        return f"offer_id={_short((fields['offer_id'],), ID)}"

    # ── requests ───────────────────────────────────────────────────────────────────────────────

    async def hears(self, posting: Posting, *, requirement: str | None = None, hint: str | None = None) -> Received:
        """Wait for the event of `posting` here, examine it, and give it.

        Its absence, or a fault in it, breaches `requirement` beside the one that demands it; `hint` is the likely cause
        of its absence, where nothing that was seen says more.
        """
        stage = self._stage
        patience = stage.ledger.patience(stage.target.timeout)
        received = await posting.wait_at(self, patience)
        kind = posting.kind
        if received is None and self.lost:
            # What the event did not come for: nobody can tell whether it was sent.
            stage.expectations.breach(
                NonConformance(
                    *filter(None, (requirement, "LOGIN-11")),
                    expected=f"{self.name} to stay connected, and {kind.event} there",
                    received=self.lost,
                    step=STAYS,
                    at=self._lost_at,
                )
            )
        step = stage.expectations.step(posting, Step(f"raises {kind.event}", kind.once), failed=received is None)
        if received is None and (limit := self._socket.overrun or self._overheard):
            # A limit of the kit's own says nothing of the target.
            raise NotTestable(f"{self.name} did not take all that came: {limit}")
        if received is None:
            stage.ledger.silence()
            moment = stage.transcript.note(self.name, f"waits {patience:.3g} s for {kind.event} in vain")
            others = sorted({other.event for other in self.heard[-4:]})
            shown = [f"another {event}" if event == kind.event else event for event in others]
            stage.expectations.breach(
                NonConformance(
                    *dict.fromkeys((requirement or kind.once, kind.once)),
                    expected=f"{kind.event} at {self.name} within {patience:.3g} s",
                    received=f"only {', '.join(shown)}" if others else "nothing",
                    hint=hints.for_unheard(others) or posting.why_not or self._why_unheard(posting) or hint,
                    step=step,
                    awaited=Awaited(posting, self),
                    at=moment,
                )
            )
            raise KitError(f"{kind.once} has to be a MUST")
        faults = posting.faults_of(received)
        broken = {fault.requirements[0] for fault in faults}
        steps = {
            own: stage.expectations.step(posting, Step(f"{kind.event} keeps {own}", own), failed=own in broken)
            for own in filter(None, dict.fromkeys((kind.once, kind.text, kind.author)))
        }
        for fault in faults:
            # The form says nothing of what the check is about.
            of_form = fault.requirements == (FORM,)
            found = fault if of_form else fault.under(requirement, step=steps.get(fault.requirements[0]))
            if posting.is_usable(received):
                stage.expectations.note(found)
            else:
                stage.expectations.breach(found)
        stage.expectations.proven(posting)
        return received

    def _why_unheard(self, posting: Posting) -> str | None:
        """Tell from who heard an event in this connection's stead: the user's newest connection and nobody else."""
        newest = max(self.live_with(self.login), key=lambda device: device.live_since, default=self)
        heard = {received.connection for received in posting.heard}
        return hints.one_row("user") if newest is not self and heard == {newest} else None

    def marked(self, kind: str, template: Callable[[str], str] | None = None) -> Marked:
        """Make a text to be forwarded: a small description, or `template` applied to a new marker."""
        marker = self._stage.ledger.new_marker()
        plain = template in {None, candidate}
        return Marked(marker, template(marker) if template else session_description(kind, marker), ordinary=plain)

    def unmarked(self) -> Marked:
        """Stand for the text of a request whose event carries none."""
        return Marked(self._stage.ledger.new_marker(), "", ordinary=True)

    def live_with(self, login: str) -> frozenset[Listener]:
        """Give the connections of this check that are live under `login`."""
        return frozenset(c for c in self._stage.connections if c.live and c.login == login)

    @property
    def siblings(self) -> frozenset[Listener]:
        """The other live connections of the same user."""
        return self.live_with(self.login) - {self}

    def draft(self, kind: Kind, marked: Marked, audience: Audience) -> Posting:
        """Enter a posting into the ledger, before its request is sent."""
        posting = Posting(
            kind=kind,
            author=self,
            text=marked.text,
            marker=marked.marker,
            audience=audience,
            ordinary=marked.ordinary,
            case=self.expectations.case,
        )
        self._stage.postings.append(posting)
        return self._stage.ledger.open(posting)

    async def send(self, posting: Posting, base: Fields, *, peer: str = "", **variation: Unpack[Variation]) -> Posting:
        """Send the request of a posting to the user named `peer`, and read the reply into it.

        `base` are its ordinary fields.
        """
        request = compose(posting.kind, base, self.authorization, variation)
        posting.ordinary &= request.ordinary
        posting.borrowed = bool(request.fields) and request.fields.get("sid") != self.sid
        named = request.fields.get("reciever_login", request.fields.get("login"))
        posting.to_nobody = not isinstance(named, str)
        if posting.borrowed or not request.sound:
            self._stage.ledger.malformed(posting)
        reply = await self._exchange(posting, request, *label.label(request, peer, self._stage.who))
        posting.why = hints.for_accepted(request.fields, self.engine_sid, names_sid=self._names_sid(request.fields))
        posting.by_id = "offer_id" in request.fields
        posting.why_not = await why_not(self._stage, self, request, reply)
        if posting.in_vain and (namesake := hints.for_namesake(request.fields.get("reciever_login"))):
            posting.why_not = namesake
        return posting

    def _names_sid(self, fields: Fields) -> bool:
        """Whether a request names a sid in place of a login."""
        named = (fields.get(key) for key in hints.LOGIN_KEYS)
        return any(len(str(login)) == len(self.sid) and login in self._stage.ledger.sids for login in named)

    async def _exchange(self, posting: Posting, request: Request, shown: str, detail: str) -> Reply:
        stage, body = self._stage, request.body
        largest = stage.ledger.largest_taken
        size = len(body.content)

        def on_turn() -> None:
            posting.sent_at = stage.transcript.add(
                self.name, SERVER, shown, channel=Channel.HTTP, content=body.content, detail=detail
            )

        try:
            raw = await self.agent.request(
                request.method, request.path, headers=request.headers, content=body.content, on_turn=on_turn
            )
        except HttpFailure as failure:
            posting.reply = reply = no_reply(str(failure), late=failure.late)
        else:
            posting.reply = reply = read_reply(raw, posting.kind.accepted_schema)
            if raw.repeated:
                stage.transcript.note(self.name, "met a connection that was being closed, and asked again")
        posting.replied_at = perf_counter()
        if not posting.accepted:
            request.require_sound()
        stage.ledger.replied(posting)
        answer = reply.raw.body if reply.raw else b""
        told = label.of_reply(reply.status, request.path, size, largest) or self._shown_id(reply.body)
        at = posting.replied_at
        stage.transcript.add(SERVER, self.name, reply.text, at=at, channel=Channel.HTTP, content=answer, detail=told)
        if posting.accepted:
            largest[request.path] = max(size, largest.get(request.path, 0))
        named = (request.fields.get(key) for key in hints.LOGIN_KEYS)
        stage.expectations.came(reply, at=at, hint=next(filter(None, map(hints.for_namesake, named)), None))
        return reply


def is_accepted(ack: tuple[object, ...]) -> bool:
    """Whether an acknowledgement of `login` is a success."""
    return not ack or ack == (None,) or (len(ack) == 1 and violation("LoginAccepted", ack[0]) is None)


def _short(values: tuple[object, ...], limit: int = 80) -> str:
    return cut(", ".join(json.dumps(value, ensure_ascii=False, default=repr) for value in values), limit)
