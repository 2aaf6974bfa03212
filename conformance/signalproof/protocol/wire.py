"""The names that travel on the wire, and the sound messages made of them.

What is wrong on purpose is spelt where it is sent. `reciever` and `beasy` are the protocol's own spellings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

__all__ = [
    "ANSWER",
    "CALL",
    "CANDIDATE",
    "CANDIDATE_BYTES",
    "DECLINE",
    "DESCRIPTION_BYTES",
    "KINDS_BY_EVENT",
    "LOGIN_CODE_POINTS",
    "OFFER",
    "POST_PATHS",
    "REFRESH",
    "STATUS",
    "Body",
    "Encoding",
    "Fields",
    "Kind",
    "Marked",
    "answer_fields",
    "call_fields",
    "candidate",
    "candidate_fields",
    "connect_auth",
    "decline_fields",
    "encode_body",
    "login_payload",
    "offer_fields",
    "session_description",
    "status_fields",
]

Fields = Mapping[str, object]
LOGIN_CODE_POINTS = 80
DESCRIPTION_BYTES = 65_536
CANDIDATE_BYTES = 8_192


class Encoding(StrEnum):
    """The two body encodings every POST endpoint accepts (HTTP-1, HTTP-2)."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Kind:
    """A request: where it is posted, which event it raises, and which requirements judge that event.

    `event` is empty where no event follows. `text_key` is the key of the forwarded text in the event, or
    empty. `author_key` is the key that names the author to the peer, or empty. Of the requirements, `once`
    binds exact delivery to the intended connections, `leak` delivery to anybody else, `tolerated` delivery
    to those connections where a SHOULD forbids it, `text` the forwarded text, `author` the author's login.
    """

    name: str
    path: str
    request_schema: str
    accepted_schema: str
    once: str
    leak: str
    event: str = ""
    event_schema: str = ""
    text_key: str = ""
    author_key: str = ""
    tolerated: str = ""
    text: str = ""
    author: str = ""


OFFER = Kind(
    name="offer",
    path="/offer",
    request_schema="SenderOfferRequest",
    accepted_schema="OfferAccepted",
    event="sender_offer",
    event_schema="SenderOfferEvent",
    text_key="sender_offer",
    author_key="sender_login",
    once="OFFER-1",
    leak="OFFER-2",
    text="OFFER-4",
    author="OFFER-3",
)
ANSWER = Kind(
    name="answer",
    path="/offer",
    request_schema="RecieverAnswerRequest",
    accepted_schema="OfferAccepted",
    event="reciever_answer",
    event_schema="RecieverAnswerEvent",
    text_key="reciever_answer",
    author_key="reciever_login",
    once="ANSWER-1",
    leak="ANSWER-2",
    tolerated="ANSWER-3",
    text="ANSWER-1",
    author="CORR-4",
)
CANDIDATE = Kind(
    name="candidate",
    path="/ice",
    request_schema="IceRequest",
    accepted_schema="IceAccepted",
    event="ice_candidate",
    event_schema="IceCandidateEvent",
    text_key="ice",
    author_key="login",
    once="ICE-2",
    leak="ICE-3",
    tolerated="ICE-7",
    text="ICE-1",
    author="CORR-4",
)
CALL = Kind(
    name="call",
    path="/call",
    request_schema="CallRequest",
    accepted_schema="CallAccepted",
    event="calling",
    event_schema="CallingEvent",
    author_key="login",
    once="CALL-1",
    leak="CALL-1",
    author="CALL-1",
)
DECLINE = Kind(
    name="decline",
    path="/decline",
    request_schema="DeclineRequest",
    accepted_schema="PlainAccepted",
    event="decline",
    event_schema="DeclineEvent",
    author_key="login",
    once="CALL-5",
    leak="CALL-5",
    author="CALL-5",
)
REFRESH = Kind(
    name="refresh",
    path="/refresh",
    request_schema="RefreshRequest",
    accepted_schema="PlainAccepted",
    event="refresh",
    event_schema="RefreshEvent",
    once="CALL-10",
    leak="CALL-10",
)
STATUS = Kind(
    name="status",
    path="/status",
    request_schema="StatusRequest",
    accepted_schema="PlainAccepted",
    once="CALL-4",
    leak="CALL-4",
)
KINDS_BY_EVENT = {kind.event: kind for kind in (OFFER, ANSWER, CANDIDATE, CALL, DECLINE, REFRESH)}
POST_PATHS = {
    "core": ("/offer",),
    "ice": ("/ice",),
    "call": ("/call", "/decline", "/status", "/refresh"),
}


def connect_auth(token: str | None) -> Fields | None:
    """Make the payload of the Socket.IO CONNECT packet (AUTH-1), or None without a token."""
    return None if token is None else {"token": token}


def login_payload(login: str) -> Fields:
    """Make the payload of the `login` event."""
    return {"login": login}


def offer_fields(sid: str, reciever_login: str, offer: str) -> dict[str, object]:
    """Make the body of `POST /offer`, `type` `sender`."""
    return {"sid": sid, "type": "sender", "reciever_login": reciever_login, "offer": offer}


def answer_fields(sid: str, answer: str, sender_login: str | None = None) -> dict[str, object]:
    """Make the body of `POST /offer`, `type` `reciever`; `sender_login` selects the offer."""
    named = {} if sender_login is None else {"sender_login": sender_login}
    return {"sid": sid, "type": "reciever", "answer": answer, **named}


def candidate_fields(sid: str, ice: str, login: str | None = None) -> dict[str, object]:
    """Make the body of `POST /ice`; `login` names the peer it is for."""
    return {"sid": sid, "ice": ice, **({} if login is None else {"login": login})}


def call_fields(sid: str, login: str) -> dict[str, object]:
    """Make the body of `POST /call` and `POST /refresh`: `login` is the callee, or the peer."""
    return {"sid": sid, "login": login}


def decline_fields(sid: str, caller: str) -> dict[str, object]:
    """Make the body of `POST /decline`; the key for the caller is `reciever_login`."""
    return {"sid": sid, "reciever_login": caller}


def status_fields(sid: str, status: str) -> dict[str, object]:
    """Make the body of `POST /status`: `free` or `beasy`."""
    return {"sid": sid, "status": status}


def candidate(marker: str, number: int = 1) -> str:
    """Make the JSON text of an ICE candidate that leads nowhere (RFC 8839, section 5.1)."""
    line = f"candidate:{number} 1 udp 2130706431 192.0.2.{number % 254 + 1} {20000 + number} typ host"
    return json.dumps({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": marker})


def session_description(kind: str, marker: str) -> str:
    """Make the JSON text of a small session description whose SDP session name is `marker` (RFC 8866)."""
    sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns={marker}\r\nt=0 0\r\n"
    return json.dumps({"type": kind, "sdp": sdp}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Body:
    """The content of one HTTP request and its content type (None sends none)."""

    content: bytes
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Marked:
    """A text to be forwarded and the marker in it by which the ledger knows it again.

    `ordinary` says that there is nothing special about the text.
    """

    marker: str
    text: str
    ordinary: bool = False


def encode_body(fields: Fields, encoding: Encoding = Encoding.JSON) -> Body:
    """Encode fields as a client does: `JSON.stringify` in UTF-8, or a URL-encoded form.

    A lone surrogate has no UTF-8; a JSON body that holds one is escaped to ASCII instead.
    """
    if encoding is Encoding.FORM:
        return Body(urlencode({key: str(value) for key, value in fields.items()}).encode(), encoding.value)
    try:
        content = json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        content = json.dumps(fields).encode()
    return Body(content, encoding.value)
