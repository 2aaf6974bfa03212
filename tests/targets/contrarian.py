"""A conformant server that does the opposite wherever the specification leaves a choice.

`python contrarian.py [--auth-secret-file FILE]` serves VCSP/1 with the profiles core, ice, call, presence,
correlation and, with a secret, auth. The first line on standard output is the base URL. It is written from the
specification alone and shares no code with the reference server. All state lives in memory.

Free choices, made the unusual way: refusals are 4xx wherever they may be, their `status` is negative and their
`message` in Esperanto; successes have no `status` where they need none; every reply and event has further fields;
events come after the reply, 30 to 80 ms late; Socket.IO has an origin and a path prefix of its own and no
long-polling; sids are UUIDs with hyphens; acknowledgements of `login` are empty; early candidates are refused;
self-offers and self-calls reach the user's other connections; an answer for a connection that has gone reaches
the user's others, and candidates before the answer reach late devices too; U+0000, texts that are no description,
bodies without a content type, broken percent escapes and tokens without `exp` are refused; replies are chunked, and
a connection ends with a refusal; `decline` does not say who.

Choices against a SHOULD: no `code` in refusals (HTTP-14), 400 for a content type, a size and a method (HTTP-7b,
HTTP-9b, HTTP-10b), no CORS headers (HTTP-11), error messages that quote the request (SEC-3), answers also on the
sender's other connections (ANSWER-3), candidates after the answer also on the reciever's other ones (ICE-7).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import re
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import jwt
import socketio
from aiohttp import web

BASE, LIVE = "/api/retadreso/v1", "/live"
MAX_BODY = 2 * 1024 * 1024
DELAY = (0.03, 0.08)
RINGING_SECONDS = 9
TYPES = {"offer": ["offer"], "answer": ["answer", "pranswer"]}
BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
HEADERS = {"CONTENT-TYPE": "Application/JSON;charset=UTF-8", "x-Contrarian": "jes"}

Fields = dict[str, Any]


class Refusal(Exception):
    """A refusal, with a message for people and its HTTP status; 400 says that the request cannot be read."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(eq=False)
class Device:
    """One connection: its user, the negotiations it posted in (the last one last), and what it still has to hear."""

    sid: str
    subject: str | None
    login: str | None = None
    posted: list[Negotiation] = field(default_factory=list)
    outbox: asyncio.Queue[tuple[float, str, Fields]] = field(default_factory=asyncio.Queue)
    due: float = 0.0
    worker: asyncio.Task[None] | None = None


@dataclass(eq=False)
class Negotiation:
    """An accepted offer and, later, its answer."""

    sender: str
    reciever: str
    offer_id: str
    offerer: Device
    number: int
    answerer: Device | None = None
    answer_went_to: list[Device] = field(default_factory=list)


class World:
    """Who is there, who negotiates with whom, and who rings whom."""

    def __init__(self, emit: Callable[..., Awaitable[None]]) -> None:
        self.devices: dict[str, Device] = {}
        self.users: dict[str, list[Device]] = {}
        self.busy: set[str] = set()
        self.pairs: dict[tuple[str, str], Negotiation] = {}
        self.ringing: dict[tuple[str, str], float] = {}
        self._emit = emit
        self._count = 0

    def bind(self, device: Device, login: str) -> None:
        """Give a connection its login, once; raise `Refusal` for another one."""
        if device.login is None:
            device.login, device.worker = login, asyncio.ensure_future(self._deliver(device))
            self.users.setdefault(login, []).append(device)
        elif device.login != login:
            raise Refusal("Ĉi tiu konekto jam havas nomon.", 401)

    def leave(self, sid: str, *_: object) -> None:
        """Forget a connection and, with a user's last one, all that concerns the user."""
        device = self.devices.pop(sid, None)
        if device is None or device.login is None or device.worker is None:
            return
        device.worker.cancel()
        login = device.login
        self.users[login].remove(device)
        if not self.users[login]:
            del self.users[login]
            self.busy.discard(login)
            self.pairs = {pair: value for pair, value in self.pairs.items() if login not in pair}
            self.ringing = {pair: value for pair, value in self.ringing.items() if login not in pair}

    def online(self, login: str) -> list[Device]:
        """Give the live connections of a user."""
        return list(self.users.get(login, ()))

    def alive(self, device: Device) -> bool:
        """Whether a connection is live."""
        return self.devices.get(device.sid) is device

    def tell(self, devices: Iterable[Device], event: str, payload: Fields) -> None:
        """Queue an event for each connection, in order and a little late."""
        for device in devices:
            device.due = max(device.due, time.monotonic() + random.uniform(*DELAY))
            extra = {"x_numero": self._count, "x_ekstra": {"kial": ["ĉar", "ni", "povas"], "nenio": None}}
            device.outbox.put_nowait((device.due, event, {**extra, **payload}))

    async def _deliver(self, device: Device) -> None:
        while True:
            due, event, payload = await device.outbox.get()
            await asyncio.sleep(max(due - time.monotonic(), 0))
            await self._emit(event, payload, to=device.sid)

    def offer_or_answer(self, device: Device, user: str, fields: Fields) -> Fields:
        """Serve `/offer`."""
        return (self.offer if fields["type"] == "sender" else self.answer)(device, user, fields)

    def offer(self, device: Device, user: str, fields: Fields) -> Fields:
        """Forward an offer; it supersedes the pair's last one and accepts a call."""
        reciever = fields["reciever_login"]
        targets = [other for other in self.online(reciever) if other is not device]
        if not targets:
            raise Refusal(f"Neniu {reciever!a} estas ĉi tie.", 404)
        self._count += 1
        offer_id = fields.get("offer_id") or str(uuid.uuid4())
        negotiation = self.pairs[user, reciever] = Negotiation(user, reciever, offer_id, device, self._count)
        device.posted.append(negotiation)
        self._take_call(caller=reciever, callee=user)
        event = {"offer_id": offer_id, "sender_offer": fields["offer"], "sender_login": user}
        self.tell(targets, "sender_offer", event)
        return {"offer": "ok", "offer_id": offer_id}

    def answer(self, device: Device, user: str, fields: Fields) -> Fields:
        """Forward an answer to the offer that it picks."""
        login, offer_id = fields.get("sender_login"), fields.get("offer_id")
        fitting = [
            other
            for other in self.pairs.values()
            if other.reciever == user and other.answerer is None
            if login in {None, other.sender} and offer_id in {None, other.offer_id}
        ]
        negotiation = max(fitting, key=lambda other: other.number, default=None)
        if negotiation is None:
            raise Refusal("Ne estas propono respondebla.", 409)
        others = [other for other in self.online(negotiation.sender) if other not in {negotiation.offerer, device}]
        first = [negotiation.offerer] if self.alive(negotiation.offerer) else []
        if not first and not others:
            raise Refusal("Tiu aparato jam foriris.", 410)
        negotiation.answerer, negotiation.answer_went_to = device, first + others
        device.posted.append(negotiation)
        event = {"offer_id": negotiation.offer_id, "reciever_login": user, "reciever_answer": fields["answer"]}
        self.tell(negotiation.answer_went_to, "reciever_answer", event)
        return {"offer": "ok", "x_paro": [negotiation.sender, user]}

    def candidate(self, device: Device, user: str, fields: Fields) -> Fields:
        """Forward a candidate to the peer of its negotiation; refuse it when there is none, early or late."""
        negotiation = self._negotiation_of(device, fields.get("login"))
        if negotiation is None:
            raise Refusal("Ĉi tiu kandidato apartenas al neniu interparolo.", 409)
        targets = [other for other in self._targets(device, negotiation) if self.alive(other)]
        if not targets:
            raise Refusal("La alia aparato jam foriris.", 410)
        self.tell(targets, "ice_candidate", {"ice": fields["ice"], "login": user})
        return {"ice": {"x_ricevita": True}}

    def _negotiation_of(self, device: Device, login: str | None) -> Negotiation | None:
        for negotiation in reversed(device.posted):
            sender, reciever = pair = negotiation.sender, negotiation.reciever
            current = self.pairs.get(pair) is negotiation
            if login is None:
                return negotiation if current else None
            if current and login == (reciever if device.login == sender else sender):
                return negotiation
        return None

    def _targets(self, device: Device, negotiation: Negotiation) -> list[Device]:
        if device is not negotiation.offerer:
            return negotiation.answer_went_to
        if negotiation.answerer is not None and not self.alive(negotiation.answerer):
            return []
        return [other for other in self.online(negotiation.reciever) if other is not device]

    def call(self, device: Device, user: str, fields: Fields) -> Fields:
        """Ring a user; refusals have HTTP status 200 here (CALL-2b)."""
        callee = fields["login"]
        targets = [other for other in self.online(callee) if other is not device]
        if not targets:
            raise Refusal(f"Oni ne povas voki {callee!a}.", 200)
        if callee in self.busy:
            raise Refusal("La uzanto estas okupata.", 200)
        self.ringing[user, callee] = time.monotonic() + RINGING_SECONDS
        self.tell(targets, "calling", {"login": user})
        return {"message": "sonoras"}

    def decline(self, device: Device, user: str, fields: Fields) -> Fields:
        """End a call that rings."""
        caller = fields["reciever_login"]
        if not self._take_call(caller=caller, callee=user):
            raise Refusal("Tiu ne vokas vin.", 409)
        self.tell(self.online(caller), "decline", {"decline": "no"})
        return {"message": "rifuzita"}

    def status(self, device: Device, user: str, fields: Fields) -> Fields:
        """Note whether a user can be called."""
        (self.busy.add if fields["status"] == "beasy" else self.busy.discard)(user)
        return {"message": "notita"}

    def refresh(self, device: Device, user: str, fields: Fields) -> Fields:
        """Ask a peer to negotiate again."""
        peer = fields["login"]
        if (user, peer) not in self.pairs and (peer, user) not in self.pairs:
            raise Refusal("Vi ne interparolas kun tiu.", 409)
        self.tell(self.online(peer), "refresh", {"refresh": "gogo"})
        return {"message": "petita"}

    def _take_call(self, *, caller: str, callee: str) -> bool:
        return self.ringing.pop((caller, callee), 0.0) > time.monotonic()


def not_json(text: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`."""
    raise ValueError(text)


def read_json(text: str) -> Any:
    """Read JSON text as RFC 8259 has it; digits without end are no reason to fail."""
    return json.loads(text, parse_constant=not_json, parse_int=float)


def read_body(kind: str, body: bytes) -> Fields:
    """Decode a body in either encoding."""
    try:
        text = body.decode("utf-8")
        if kind == "application/json":
            fields = read_json(text)
        elif BROKEN_ESCAPE.search(text):
            raise Refusal("Procentsigno sen du ciferoj.")
        else:
            fields = dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except (ValueError, RecursionError) as error:
        raise Refusal(f"Nelegebla peto: {body[:60]!r} ({type(error).__name__})") from None
    if not isinstance(fields, dict):
        raise Refusal("La peto devas esti objekto.")
    return fields


def text_of(fields: Fields, name: str, *, optional: bool = False) -> str | None:
    """Give a field, which has to be a string of whole code points."""
    if optional and name not in fields:
        return None
    value = fields.get(name)
    if not isinstance(value, str):
        raise Refusal(f"Mankas la teksto {name!r}.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise Refusal(f"Duono de signo en {name!r}.")
    return value


def check_description(name: str, text: str) -> None:
    """Refuse what is no session description for this request."""
    try:
        description = read_json(text)
    except RecursionError:
        return
    except ValueError:
        description = None
    sound = isinstance(description, dict) and isinstance(description.get("sdp"), str)
    if not sound or description.get("type") not in TYPES[name] or "\0" in text:
        raise Refusal(f"Ĉi tio ne estas priskribo: {text[:200]!r}")


def offer_or_answer(fields: Fields) -> None:
    """Check the fields of `/offer`."""
    name = {"sender": "offer", "reciever": "answer"}.get(text_of(fields, "type") or "")
    if name is None:
        raise Refusal(f"Nekonata tipo {fields['type']!r}.")
    text_of(fields, "sender_login", optional=True) if name == "answer" else text_of(fields, "reciever_login")
    offer_id = text_of(fields, "offer_id", optional=True)
    if offer_id is not None and not 1 <= len(offer_id) <= 64:
        raise Refusal("La nomo de la propono havu 1 ĝis 64 signojn.")
    check_description(name, text_of(fields, name) or "")


def ice(fields: Fields) -> None:
    """Check the fields of `/ice`."""
    text_of(fields, "login", optional=True)
    if "\0" in (text_of(fields, "ice") or ""):
        raise Refusal(f"Nula signo: {fields['ice'][:200]!r}")


def status(fields: Fields) -> None:
    """Check the fields of `/status`."""
    if text_of(fields, "status") not in {"free", "beasy"}:
        raise Refusal(f"Nekonata stato {fields['status']!r}.")


def valid_login(value: object) -> bool:
    """Whether a value is a login."""
    sound = isinstance(value, str) and 1 <= len(value) <= 80
    return sound and not any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in str(value))


class Server:
    """Both edges of the world: HTTP and Socket.IO."""

    def __init__(self, secret: str | None) -> None:
        self.secret = secret
        self.socket_url = ""
        self.sio = socketio.AsyncServer(
            async_mode="aiohttp",
            async_handlers=False,  # so that events of a connection are served in order
            cors_allowed_origins="*",
            ping_interval=0.5,
            ping_timeout=1.5,
            transports=["websocket"],
        )
        self.sio.eio.generate_id = lambda: str(uuid.uuid4())
        self.sio.on("connect", self.on_connect)
        self.sio.on("login", self.on_login)
        self.world = World(self.sio.emit)
        self.sio.on("disconnect", self.world.leave)
        login, reciever_login = (partial(text_of, name=name) for name in ("login", "reciever_login"))
        self.endpoints: dict[str, tuple[Callable[[Fields], object], Callable[[Device, str, Fields], Fields]]] = {
            "offer": (offer_or_answer, self.world.offer_or_answer),
            "ice": (ice, self.world.candidate),
            "call": (login, self.world.call),
            "decline": (reciever_login, self.world.decline),
            "status": (status, self.world.status),
            "refresh": (login, self.world.refresh),
        }

    def subject(self, token: object) -> str:
        """Give the login that a token proves."""
        options: Any = {"require": ["exp", "sub"], "verify_iat": False, "verify_aud": False, "verify_iss": False}
        with contextlib.suppress(jwt.InvalidTokenError, ValueError):
            claims = jwt.decode(str(token), str(self.secret), algorithms=["HS256"], leeway=30, options=options)
            if valid_login(claims["sub"]):
                return str(claims["sub"])
        raise Refusal("Montru validan ĵetonon.", 401)

    def bearer(self, request: web.Request) -> str | None:
        """Give the user whose token a request carries; None where tokens mean nothing."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return None if self.secret is None else self.subject(token.strip() if scheme.lower() == "bearer" else "")

    async def on_connect(self, sid: str, _: object, auth: object = None) -> None:
        """Let a connection in, with a valid token where one is asked for."""
        subject = None
        if self.secret is not None:
            try:
                subject = self.subject(auth.get("token") if isinstance(auth, dict) else None)
            except Refusal as refusal:
                raise socketio.exceptions.ConnectionRefusedError(refusal.message) from None
        self.world.devices[sid] = Device(sid, subject)

    async def on_login(self, sid: str, *arguments: object) -> Fields | None:
        """Bind a connection to a login; the acknowledgement of a success is empty."""
        device = self.world.devices.get(sid)
        argument = arguments[0] if arguments else None
        login = argument.get("login") if isinstance(argument, dict) else None
        try:
            if device is None or not valid_login(login) or device.subject not in {None, login}:
                raise Refusal("Tia nomo ne eblas.")
            self.world.bind(device, str(login))
        except Refusal as refusal:
            return {"message": refusal.message, "status": -2, "x_ekstra": []}
        return None

    async def handle(self, request: web.Request) -> web.Response:
        """Answer any request to an endpoint."""
        body, name = await whole_body(request), request.path.rpartition("/")[2]
        try:
            subject = None if name == "vcsp" else self.bearer(request)
            known = name in self.endpoints
            return reply(self.post(name, request, body, subject) if known else self.look(name, request))
        except Refusal as refusal:
            return refuse(refusal)

    def post(self, name: str, request: web.Request, body: bytes | None, subject: str | None) -> Fields:
        """Check a request in the order that auth.md gives, and carry it out."""
        if request.method != "POST":
            raise Refusal(f"Ne eblas {request.method} ĉi tie.")
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in {"application/json", "application/x-www-form-urlencoded"}:
            raise Refusal(f"Nekonata enhavo {kind!r}.")
        if body is None or "Content-Encoding" in request.headers:
            raise Refusal("La peto estas tro longa aŭ kunpremita.")
        (check, act), fields = self.endpoints[name], read_body(kind, body)
        sid = text_of(fields, "sid")
        check(fields)
        device = self.world.devices.get(str(sid))
        if device is None or device.login is None:
            raise Refusal(f"Mi ne konas la konekton {sid!a}.", 200 if name == "call" else 404)
        if subject is not None and subject != device.login:
            raise Refusal("Tiu konekto ne estas via.", 401)
        return act(device, device.login, fields)

    def look(self, name: str, request: web.Request) -> Fields:
        """Give what is to be read: who is online, or the discovery document, with members of its own."""
        if request.method not in {"GET", "HEAD"}:
            raise Refusal(f"Ne eblas {request.method} ĉi tie.")
        if name == "online":
            return {"payload": sorted(self.world.users, reverse=True), "status": 0}
        profiles = ["x-telepatio", "correlation", "presence", "call", "ice", "core", *(["auth"] if self.secret else [])]
        limits = {"x_sonĝoj": 7, "held_candidates": 0, "held_seconds": 0, "ringing_seconds": RINGING_SECONDS}
        about = {"socket_url": self.socket_url, "version": "1.0", "protocol": "vcsp", "x_verkinto": {"nomo": "Nemo"}}
        return {**about, "profiles": profiles, "limits": limits}

    async def run(self) -> None:
        """Serve on two free ports until the process is ended."""
        http, live = web.Application(), web.Application()
        for name in (*self.endpoints, "online", ".well-known/vcsp"):
            http.router.add_route("*", f"{BASE}/{name}", self.handle)
        self.sio.attach(live, socketio_path=f"{LIVE}/socket.io")
        self.socket_url = f"http://127.0.0.1:{await listen(live)}{LIVE}/"
        sys.stdout.write(f"http://127.0.0.1:{await listen(http)}{BASE}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def whole_body(request: web.Request) -> bytes | None:
    """Read the body; None if it is over the limit, which is read nevertheless."""
    content, size = bytearray(), 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        content += chunk if size <= MAX_BODY else b""
    return bytes(content) if size <= MAX_BODY else None


def reply(fields: Fields, http_status: int = 200) -> web.Response:
    """Make a reply, laid out and labelled in an unusual way."""
    extra = {"x_ekstra": {"tempo": time.time(), "listo": [None, True]}}
    text = json.dumps({**extra, **fields}, indent=3, ensure_ascii=http_status == 200) + "\r\n"
    response = web.Response(status=http_status, body=text.encode("utf-8", "backslashreplace"), headers=HEADERS)
    response.enable_chunked_encoding()
    return response


def refuse(refusal: Refusal) -> web.Response:
    """Make a reply that refuses."""
    response = reply({"message": refusal.message, "status": -refusal.status}, refusal.status)
    response.force_close()
    if refusal.status == 401:
        response.headers["Www-AUTHENTICATE"] = "Bearer"
    return response


async def listen(app: web.Application) -> int:
    """Serve an application on a free port and give that."""
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--auth-secret-file", type=Path, help="ask for HS256 tokens signed with this secret")
    parser.add_argument("--verbose", action="store_true", help="log, on standard error")
    options = parser.parse_args()
    if not options.verbose:
        logging.disable()  # hostile frames make its libraries talk, and a full pipe would stop the process
    secret = options.auth_secret_file.read_text(encoding="utf-8").strip() if options.auth_secret_file else None
    asyncio.run(Server(secret).run())


if __name__ == "__main__":
    main()
