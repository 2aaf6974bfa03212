"""Requests: the arguments of `login`, and the fields of each POST endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from signalproof_server.config import Limits
from signalproof_server.errors import BadRequest, TooLarge
from signalproof_server.values import (
    Answer,
    Call,
    Candidate,
    Decline,
    Login,
    Offer,
    Refresh,
    Request,
    SetStatus,
)
from signalproof_server.wire.bodies import Fields

__all__ = [
    "POSTS",
    "Decoder",
    "decode_call",
    "decode_candidate",
    "decode_decline",
    "decode_login",
    "decode_offer",
    "decode_refresh",
    "decode_status",
    "why_no_login",
]

Decoder = Callable[[Fields, Limits], Request]

OFFER_ID_CODE_POINTS = 64


def decode_login(sid: str, arguments: tuple[object, ...], limits: Limits) -> Login:
    """Read the arguments of the event `login` (LOGIN-3)."""
    fields = arguments[0] if arguments else None
    if not isinstance(fields, dict):
        raise BadRequest("The argument of login is not an object.")
    login = _text(fields, "login")
    if reason := why_no_login(login, limits):
        raise BadRequest(reason)
    return Login(sid=sid, login=login)


def why_no_login(text: str, limits: Limits) -> str | None:
    """Say why no user can have this login; None if one can."""
    if not text:
        return "The login is empty."
    if len(text) > limits.login_code_points:
        return f"The login is longer than {limits.login_code_points} code points."
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
        return "The login has control characters."
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "The login has a lone surrogate."
    return None


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
                offer=_long_text(fields, "offer", limits.description_bytes),
                offer_id=_offer_id(fields),
            )
        case "reciever":
            return Answer(
                sid=_text(fields, "sid"),
                answer=_long_text(fields, "answer", limits.description_bytes),
                sender_login=_optional_text(fields, "sender_login"),
                offer_id=_offer_id(fields),
            )
        case _:
            raise BadRequest("type is neither sender nor reciever.")


def decode_candidate(fields: Fields, limits: Limits) -> Candidate:
    """Read a POST to `/ice`: any string is a candidate (ICE-1)."""
    return Candidate(
        sid=_text(fields, "sid"),
        ice=_long_text(fields, "ice", limits.candidate_bytes),
        login=_optional_text(fields, "login"),
    )


def decode_call(fields: Fields, _limits: Limits) -> Call:
    """Read a POST to `/call`."""
    return Call(sid=_text(fields, "sid"), login=_text(fields, "login"))


def decode_decline(fields: Fields, _limits: Limits) -> Decline:
    """Read a POST to `/decline`."""
    return Decline(sid=_text(fields, "sid"), reciever_login=_text(fields, "reciever_login"))


def decode_status(fields: Fields, _limits: Limits) -> SetStatus:
    """Read a POST to `/status` (CALL-4)."""
    status = _text(fields, "status")
    if status not in ("free", "beasy"):
        raise BadRequest("status is neither free nor beasy.")
    return SetStatus(sid=_text(fields, "sid"), busy=status == "beasy")


def decode_refresh(fields: Fields, _limits: Limits) -> Refresh:
    """Read a POST to `/refresh`."""
    return Refresh(sid=_text(fields, "sid"), login=_text(fields, "login"))


POSTS: Mapping[str, Decoder] = {
    "/offer": decode_offer,
    "/ice": decode_candidate,
    "/call": decode_call,
    "/decline": decode_decline,
    "/status": decode_status,
    "/refresh": decode_refresh,
}
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


def _optional_text(fields: Fields, name: str) -> str | None:
    """Get a string that may be absent; null is not absent."""
    return _text(fields, name) if name in fields else None


def _long_text(fields: Fields, name: str, limit: int) -> str:
    """Get a description or candidate: any text up to the limit in bytes (HTTP-8, ICE-11)."""
    value = _text(fields, name)
    if _utf8_length(name, value) > limit:
        raise TooLarge(f"{name} is longer than {limit} bytes.")
    return value


def _offer_id(fields: Fields) -> str | None:
    """Get the name of an offer, if there is one (CORR-1)."""
    value = _optional_text(fields, "offer_id")
    if value is not None and not 1 <= len(value) <= OFFER_ID_CODE_POINTS:
        raise BadRequest(f"offer_id is not a string of 1 to {OFFER_ID_CODE_POINTS} code points.")
    return value


def _utf8_length(name: str, value: str) -> int:
    try:
        return len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise BadRequest(f"{name} has a lone surrogate.") from None
