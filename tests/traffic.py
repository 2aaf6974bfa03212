"""Records all that passes through the reference server, and holds it against the published documents.

Both ways: what the server sends has the shapes that are published, and it takes a request as well-formed if and
only if the published shapes do, apart from what they cannot say (lone surrogates, sizes).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalproof_server.app import Assembly
from signalproof_server.engine import Sio
from signalproof_server.service import Service
from signalproof_server.socket import SocketEdge

DIST = Path(__file__).resolve().parents[1] / "schemas" / "v1" / "dist"
OPENAPI: Final = json.loads((DIST / "openapi.json").read_text(encoding="utf-8"))
DEFS: Final = json.loads((DIST / "vcsp.json").read_text(encoding="utf-8"))["$defs"]
EVENTS: Final = {
    event: schema["$ref"].rpartition("/")[2] for event, schema in DEFS["ServerEvents"]["properties"].items()
}
ACCEPTED: Final = {
    "/offer": "OfferAccepted",
    "/ice": "IceAccepted",
    "/call": "CallAccepted",
    "/decline": "PlainAccepted",
    "/status": "PlainAccepted",
    "/refresh": "PlainAccepted",
    "/online": "OnlineAccepted",
    "/.well-known/vcsp": "Discovery",
}
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
BODILESS: Final = {"HEAD", "OPTIONS"}
MALFORMED: Final = {"bad_request", "unsupported_media"}
PACKET: Final = re.compile(r"4([0-6])(?:/[^,\[{]*,)?(\d*)(.*)", re.DOTALL)

Complaints = Iterator[str]


# ── recording ──────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Exchange:
    """One HTTP request and its reply."""

    method: str
    path: str
    media: str
    body: bytes = b""
    status: int = 0
    reply_media: str = ""
    reply: bytes = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket message of a connection."""

    connection: int
    from_server: bool
    data: str | bytes


@dataclass(slots=True)
class Tap:
    """Everything that passed through one server, in order."""

    exchanges: list[Exchange] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    connections: int = 0

    def assembly(self) -> type[Assembly]:
        """Make a variant of the server that is sound and recorded."""
        tap = self

        class Edge(SocketEdge):
            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                """Record the messages of a WebSocket."""
                tap.connections += 1
                await super().__call__(scope, *tap.listen(tap.connections, receive, send))

        class Tapped(Assembly):
            def http(self, service: Service) -> ASGIApp:
                """Record requests and replies."""
                app = super().http(service)

                async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
                    await app(scope, *tap.exchange(scope, receive, send))

                return recorded

            def sockets(self, sio: Sio, service: Service) -> SocketEdge:
                """Record frames."""
                return Edge(sio, service, self.settings, self.log)

        return Tapped

    def exchange(self, scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Record one request and its reply."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        media = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        record = Exchange(scope["method"], scope["path"], media)

        async def receiving() -> Message:
            message = await receive()
            record.body += message.get("body", b"")
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                record.reply_media = dict(message["headers"]).get(b"content-type", b"").decode()
            record.reply += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.exchanges.append(record)
            await send(message)

        return receiving, sending

    def listen(self, connection: int, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Record the frames of one connection."""

        def record(message: Message, kind: str, *, from_server: bool) -> None:
            data = message.get("text") if message.get("text") is not None else message.get("bytes")
            if message["type"] == kind and data is not None:
                self.frames.append(Frame(connection, from_server, data))

        async def receiving() -> Message:
            message = await receive()
            record(message, "websocket.receive", from_server=False)
            return message

        async def sending(message: Message) -> None:
            record(message, "websocket.send", from_server=True)
            await send(message)

        return receiving, sending


# ── validating ─────────────────────────────────────────────────────────────────────────────────


def _pattern(_: Validator, regex: str, instance: object, __: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Match as ECMA-262 does: `$` only at the very end."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", regex), instance):
        yield ValidationError(f"{instance!r} does not match {regex!r}")


Wire: type[Validator] = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


@cache
def validator(name: str, *, closed: bool = True) -> Validator:
    """Make the validator of a definition; what is not `closed` takes unknown fields, as servers do (HTTP-6)."""
    definitions = (
        DEFS if closed else json.loads(json.dumps(DEFS).replace('"additionalProperties": false', '"$comment": ""'))
    )
    return Wire({"$ref": f"#/$defs/{name}", "$defs": definitions})


def wrong(name: str, message: object) -> str | None:
    """Say how a message breaks a definition; None if it does not."""
    error = next(iter(validator(name).iter_errors(message)), None)  # type: ignore[arg-type]
    return None if error is None else f"{name}: {error.message[:200]}"


def encodable(value: object) -> bool:
    """Whether all strings of a value are Unicode: JSON can write lone surrogates, which no schema forbids."""
    return not re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False))


class Unreadable(ValueError):
    """Bytes that are no JSON text or form."""


def parse(text: str | bytes) -> Any:
    """Read JSON text as RFC 8259 has it; raises `Unreadable`."""

    def refuse(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def fields(exchange: Exchange) -> Any:
    """Read the body of a request; raises `Unreadable`."""
    if exchange.media == JSON:
        return parse(exchange.body)
    try:
        return dict(parse_qsl(exchange.body.decode("utf-8"), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise Unreadable(str(error)) from error


# ── judging ────────────────────────────────────────────────────────────────────────────────────


def judge(exchange: Exchange) -> Complaints:
    """Yield what the OpenAPI document says otherwise about a request and its reply."""
    item = OPENAPI["paths"].get(exchange.path)
    if item is None or exchange.method in BODILESS:
        return
    label = f"{exchange.method} {exchange.path} {exchange.status}"
    try:
        reply = parse(exchange.reply)
    except Unreadable:
        yield f"{label}: the reply is no JSON"
        return
    if exchange.reply_media != JSON:
        yield f"{label}: the content type of the reply is {exchange.reply_media!r}"
    operation = item.get(exchange.method.lower())
    if operation is None:
        what = wrong("Failure", reply) or (None if 400 <= exchange.status < 500 else "another status than 4xx")
        if what:
            yield f"{label}: {what}"
        return
    yield from (f"{label}: {what}" for what in _judge_reply(exchange, operation, reply))
    if exchange.method == "POST":
        yield from (f"{label}: {what}" for what in _judge_request(exchange, operation, reply))


def _judge_reply(exchange: Exchange, operation: Mapping[str, Any], reply: Any) -> Complaints:
    responses = operation["responses"]
    response = responses.get(str(exchange.status)) or responses.get(f"{exchange.status // 100}XX")
    if response is None:
        yield "no such status is documented"
        return
    if what := wrong(response["content"][JSON]["schema"]["$ref"].rpartition("/")[2], reply):
        yield what
    accepted = wrong(ACCEPTED[exchange.path], reply) if exchange.status == 200 else "not 200"
    if accepted and (refused := wrong("Failure", reply)):
        yield f"neither accepted ({accepted}) nor refused ({refused})"


def _judge_request(exchange: Exchange, operation: Mapping[str, Any], reply: Any) -> Complaints:
    schema = operation["requestBody"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
    try:
        sent = fields(exchange) if exchange.media in operation["requestBody"]["content"] else None
    except Unreadable:
        sent = None
    code = reply.get("code") if reply.get("status", 0) else None
    if reply.get("status", 0) == 0 and not validator(schema, closed=False).is_valid(sent):
        yield f"accepted, although it is no {schema}: {str(sent)[:200]}"
    if code in MALFORMED and validator(schema).is_valid(sent) and encodable(sent):
        yield f"refused as {code}, although it is a {schema}: {str(sent)[:200]}"


def judge_frames(frames: list[Frame]) -> Complaints:
    """Yield what the published events and acknowledgements say otherwise about the frames of a server."""
    asked: dict[tuple[int, str], list[Any]] = {}
    for frame in frames:
        kind, number, value = packet(frame)
        if frame.from_server and kind == "2":
            yield from _judge_event(value)
        elif frame.from_server and kind == "3":
            yield from _judge_ack(asked.pop((frame.connection, number), []), value)
        elif not frame.from_server and kind == "2" and number and isinstance(value, list) and value[:1] == ["login"]:
            asked[frame.connection, number] = value[1:]


def packet(frame: Frame) -> tuple[str, str, Any]:
    """Read type, number and value of a Socket.IO packet; the type is empty for anything else."""
    found = PACKET.fullmatch(frame.data) if isinstance(frame.data, str) else None
    if found is None:
        return "", "", None
    try:
        return found[1], found[2], parse(found[3]) if found[3] else None
    except Unreadable:
        return "", "", None


def _judge_event(value: list[Any]) -> Complaints:
    event, *arguments = value
    if event not in EVENTS:
        yield f"event {event}: not published"
    elif len(arguments) != 1:
        yield f"event {event}: {len(arguments)} arguments"
    elif what := wrong(EVENTS[event], arguments[0]):
        yield f"event {event}: {what}"


def _judge_ack(arguments: list[Any], value: list[Any]) -> Complaints:
    ack = value[0] if value else {}
    accepted, refused = wrong("LoginAccepted", ack), wrong("Failure", ack)
    if accepted and refused:
        yield f"ack of login: neither accepted ({accepted}) nor refused ({refused})"
    sent = arguments[0] if arguments else None
    if not accepted and not validator("LoginRequest", closed=False).is_valid(sent):
        yield f"ack of login: accepted, although it is no LoginRequest: {str(sent)[:200]}"
    valid = validator("LoginRequest").is_valid(sent) and encodable(sent)
    if not refused and ack.get("code") in MALFORMED and valid:
        yield f"ack of login: refused as {ack['code']}, although it is a LoginRequest: {str(sent)[:200]}"


def census(tap: Tap) -> Counter[str]:
    """Count what came by: accepted and refused requests by path and encoding, events, and acknowledgements."""
    counted: Counter[str] = Counter()
    for exchange in tap.exchanges:
        if exchange.path in ACCEPTED and exchange.method not in BODILESS:
            accepted = exchange.status == 200 and parse(exchange.reply).get("status", 0) == 0
            media = f" {exchange.media}" if exchange.method == "POST" else ""
            counted[f"{'accepted' if accepted else 'refused'} {exchange.path}{media}"] += 1
    for frame in tap.frames:
        kind, _, value = packet(frame)
        if frame.from_server and kind == "2":
            counted[value[0]] += 1
        elif frame.from_server and kind == "3":
            counted["refused login" if value and value[0].get("status", 0) else "accepted login"] += 1
    return counted
