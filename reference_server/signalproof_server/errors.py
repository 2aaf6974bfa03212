"""All refusals, one class per wire code, and the one place that turns an exception into a reply.

    Refusal
    ├── BadRequest ── NotFound, MethodNotAllowed      ├── AlreadyAnswered
    ├── UnsupportedMedia                              ├── Superseded
    ├── TooLarge ── HeadTooLarge                      ├── SelfAddressed
    ├── UnknownSid                                    ├── NotRinging
    ├── Offline                                       ├── Unauthorized
    ├── Busy                                          ├── RateLimited
    └── NoOffer                                       └── Unavailable

A malformed request gets a 4xx; the refusal of a well-formed one gets HTTP 200, because old clients read
nothing else. Messages are written here or by the decoder and never repeat a sid, a description or a
candidate (SEC-3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from signalproof_server.values import Reply

__all__ = [
    "AlreadyAnswered",
    "BadRequest",
    "Busy",
    "HeadTooLarge",
    "MethodNotAllowed",
    "NoOffer",
    "NotFound",
    "NotRinging",
    "Offline",
    "RateLimited",
    "Refusal",
    "SelfAddressed",
    "Superseded",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "UnknownSid",
    "UnsupportedMedia",
    "reply_to",
]


class Refusal(Exception):
    """The request is not carried out: nothing changes and nobody hears of it."""

    code: ClassVar[str]
    http_status: ClassVar[int] = 200
    default: ClassVar[str]

    def __init__(self, message: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message or self.default)
        self.message = message or self.default
        self.headers = dict(headers or {})


class BadRequest(Refusal):
    """Not a request of the contract (HTTP-4, HTTP-5, HTTP-13, LOGIN-3, OFFER-8)."""

    code = "bad_request"
    http_status = 400
    default = "The request is malformed."


class NotFound(BadRequest):
    """There is no such endpoint (HTTP-3)."""

    http_status = 404
    default = "There is no such endpoint."


class MethodNotAllowed(BadRequest):
    """The endpoint does not take this method (HTTP-10)."""

    http_status = 405
    default = "The endpoint does not take this method."


class UnsupportedMedia(Refusal):
    """Neither JSON nor a form (HTTP-7)."""

    code = "unsupported_media"
    http_status = 415
    default = "Send application/json or application/x-www-form-urlencoded."


class TooLarge(Refusal):
    """Over a limit (HTTP-9)."""

    code = "too_large"
    http_status = 413
    default = "The request is over the server's limit."


class HeadTooLarge(TooLarge):
    """A request line, headers or trailers without end."""

    http_status = 431
    default = "The head of the request is over the server's limit."


class UnknownSid(Refusal):
    """The sid is not one of a live connection that has logged in (OFFER-5)."""

    code = "unknown_sid"
    default = "The sid is not one of a connection that has logged in."


class Offline(Refusal):
    """The connection to be reached has gone (OFFER-6)."""

    code = "offline"
    default = "The user is not online."


class Busy(Refusal):
    """The user does not want to be called now (CALL-3)."""

    code = "busy"
    default = "The user is busy."


class NoOffer(Refusal):
    """There is nothing to answer, or no negotiation (ANSWER-4, ANSWER-7, ICE-6, CALL-10)."""

    code = "no_offer"
    default = "There is no unanswered offer."


class AlreadyAnswered(Refusal):
    """Another answer came first (ANSWER-5)."""

    code = "already_answered"
    default = "The offer has been answered already."


class Superseded(Refusal):
    """A later offer took the place of the one that was answered (CORR-2)."""

    code = "superseded"
    default = "A later offer has replaced this one."


class SelfAddressed(Refusal):
    """The request addresses the user who makes it (OFFER-11, CALL-14)."""

    code = "self"
    default = "A user cannot make an offer to itself."


class NotRinging(Refusal):
    """There is no such call (CALL-5)."""

    code = "not_ringing"
    default = "This user is not ringing."


class Unauthorized(Refusal):
    """No valid token of the sid's user, or another login than the connection's (AUTH-2, AUTH-3, LOGIN-6)."""

    code = "unauthorized"
    http_status = 401
    default = "A valid token is needed."

    def __init__(self, message: str | None = None, *, challenge: str = 'Bearer error="invalid_token"') -> None:
        super().__init__(message, headers={"www-authenticate": challenge})


class RateLimited(Refusal):
    """Too many requests."""

    code = "rate_limited"
    http_status = 429
    default = "Too many requests; try again later."


class Unavailable(Refusal):
    """The event cannot be handed on (SCALE-5)."""

    code = "unavailable"
    http_status = 503
    default = "The message cannot be handed on now; try again later."


def reply_to(error: Exception) -> Reply:
    """Turn what was raised into what is sent; an unforeseen exception tells the client nothing (HTTP-3)."""
    if isinstance(error, Refusal):
        body = {"status": 1, "message": error.message, "code": error.code}
        return Reply(body=body, http_status=error.http_status, headers=error.headers)
    return Reply(body={"status": 1, "message": "internal error"}, http_status=500)
