"""The server's own reading of the contract: bytes and event arguments to requests, decisions to payloads.

The only module that knows the wire's key names, misspellings included: `reciever` is how the protocol
writes it. Nothing is coerced, trimmed or normalised (HTTP-5, LOGIN-4, OFFER-4).
"""

import json
from collections.abc import Callable, Mapping
from typing import Final, NoReturn
from urllib.parse import parse_qsl

from signalproof_server.config import Limits
from signalproof_server.errors import BadRequest, TooLarge, UnsupportedMedia
from signalproof_server.values import Answer, Emit, Login, Offer, Reply, Request

__all__ = [
    "DONE",
    "OFFER_DONE",
    "POSTS",
    "Decoder",
    "Fields",
    "decode_body",
    "decode_login",
    "decode_offer",
    "reciever_answer",
    "sender_offer",
]

Fields = Mapping[str, object]
Decoder = Callable[[Fields, Limits], Request]

DONE: Final = Reply(body={"status": 0})
OFFER_DONE: Final = Reply(body={"status": 0, "offer": "ok"})

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


# Bodies


def decode_body(content_type: str, body: bytes, limits: Limits) -> Fields:
    """Read the body of a POST; content type parameters change nothing (HTTP-1, HTTP-2, HTTP-4, HTTP-7)."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in (JSON, FORM):
        raise UnsupportedMedia
    try:
        # Not json.loads(bytes): it would guess UTF-16 and UTF-32 as well.
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    return _from_json(text) if media_type == JSON else _from_form(text, limits)


def _from_json(text: str) -> Fields:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # ValueError: bad syntax, a byte order mark, NaN, or a number with thousands of digits.
        raise BadRequest("The body is not well-formed JSON.") from None
    if not isinstance(value, dict):
        raise BadRequest("The body is not a JSON object.")
    return value


def _from_form(text: str, limits: Limits) -> Fields:
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=limits.form_fields,
        )
    except ValueError:
        raise BadRequest("The body is not a well-formed form.") from None
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


# Requests


def decode_login(sid: str, arguments: tuple[object, ...], limits: Limits) -> Login:
    """Read the arguments of the event `login` (LOGIN-3)."""
    fields = arguments[0] if arguments else None
    if not isinstance(fields, dict):
        raise BadRequest("The argument of login is not an object.")
    login = _text(fields, "login")
    if not login:
        raise BadRequest("The login is empty.")
    if len(login) > limits.login_code_points:
        raise BadRequest(f"The login is longer than {limits.login_code_points} code points.")
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in login):
        raise BadRequest("The login has control characters.")
    return Login(sid=sid, login=login)


def decode_offer(fields: Fields, limits: Limits) -> Offer | Answer:
    """Read a POST to `/offer`; `type` says which of two requests it is (OFFER-8).

    A `reciever_login` that no user could have is not malformed: that user is offline.
    The one in an answer is ignored, whatever it is (ANSWER-9).
    """
    match _text(fields, "type"):
        case "sender":
            return Offer(
                sid=_text(fields, "sid"),
                reciever_login=_text(fields, "reciever_login"),
                offer=_description(fields, "offer", limits),
            )
        case "reciever":
            return Answer(
                sid=_text(fields, "sid"),
                answer=_description(fields, "answer", limits),
                sender_login=_text(fields, "sender_login") if "sender_login" in fields else None,
            )
        case _:
            raise BadRequest("type is neither sender nor reciever.")


POSTS: Final[Mapping[str, Decoder]] = {"/offer": decode_offer}
"""The POST endpoints, and what reads the bodies of each."""


def _text(fields: Fields, name: str) -> str:
    """Get a required string that UTF-8 can carry (HTTP-5, HTTP-13)."""
    if name not in fields:
        raise BadRequest(f"{name} is missing.")
    value = fields[name]
    if not isinstance(value, str):
        raise BadRequest(f"{name} is not a string.")
    _utf8_length(name, value)
    return value


def _description(fields: Fields, name: str, limits: Limits) -> str:
    """Get a session description: any text up to the limit (HTTP-8)."""
    value = _text(fields, name)
    if _utf8_length(name, value) > limits.description_bytes:
        raise TooLarge(f"{name} is longer than {limits.description_bytes} bytes.")
    return value


def _utf8_length(name: str, value: str) -> int:
    try:
        return len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise BadRequest(f"{name} has a lone surrogate.") from None


# Events


def sender_offer(sid: str, sender_login: str, offer: str) -> Emit:
    """Build the event that brings an offer to one connection of the reciever (OFFER-1)."""
    return Emit(sid=sid, event="sender_offer", payload={"sender_login": sender_login, "sender_offer": offer})


def reciever_answer(sid: str, answer: str) -> Emit:
    """Build the event that brings the answer to the connection that offered (ANSWER-1)."""
    return Emit(sid=sid, event="reciever_answer", payload={"reciever_answer": answer})
