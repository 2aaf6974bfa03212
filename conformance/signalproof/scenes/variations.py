"""How requests vary in random scenes: ordinary ones in what must make no difference, and flawed ones in what is wrong.

An `Act` is a way to post a sound request. A `Flaw` is one thing that is wrong with an otherwise sound request, which
has to be refused and to change nothing. Flaws come in groups, so that each group can be drawn as often as the others,
however many members it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from signalproof.cast.connection import Connection
from signalproof.cast.request import OMIT, Variation
from signalproof.protocol.schemas import definitions
from signalproof.protocol.wire import (
    ANSWER,
    CALL,
    CANDIDATE,
    CANDIDATE_BYTES,
    DECLINE,
    DESCRIPTION_BYTES,
    OFFER,
    REFRESH,
    STATUS,
    Body,
    Encoding,
    Kind,
)

__all__ = [
    "CANDIDATES",
    "EXTRAS",
    "MARKER",
    "TEXTS",
    "Act",
    "Flaw",
    "fill",
    "flaws",
    "foreign_fields",
    "request_kinds",
    "required_fields",
    "with_charset",
    "wrong_field",
]

MARKER = "<marker>"
"""Where the marker belongs in a text."""
FILL = "<fill>"
"""Where a text is filled until it has as many bytes as every server takes."""
TEXTS = {
    "white space": f' {{ "type" : "offer",\t"sdp" : "s={MARKER}\\r\\n" }}\r\n\n ',
    "escapes": f'{{"sdp":"s={MARKER} \\u00e9\\u0041\\/","type":"offer"}}',
    "unicode": f'{{"type":"offer","sdp":"{MARKER} é😀\u2028 e\u0301 \ufeff"}}',
    "signs": f'{{"type":"offer","sdp":"{MARKER} <b>&amp;\'+%2B a=b&c;\\\\ 100% \\"x\\""}}',
    "long": f'{{"type":"offer","sdp":"{MARKER} {"line " * 600}"}}',
    "longest": f'{{"type":"offer","sdp":"{MARKER} {FILL}"}}',
}
"""JSON texts of session descriptions that servers in the wild have changed or refused (OFFER-4, HTTP-8)."""
CANDIDATES = {
    "no JSON": f"candidate:1 1 udp 1 192.0.2.1 9 typ host {MARKER}",
    "the last one": f'{{"candidate":"","sdpMid":"0","usernameFragment":"{MARKER}"}}',
    "signs": f' {{"candidate" : "a+b %2B é😀 {MARKER}\\r\\n"}} ',
    "longest": f'{{"candidate":"{MARKER} {FILL}"}}',
}
"""Texts of candidates: any text is forwarded, a candidate or not (ICE-1, ICE-11)."""
EXTRAS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "unknown": frozenset({"x_future"}),
        "forged": frozenset({"sender_login", "login", "from_user", "reciever_login"}),
    }
)
"""Fields that nobody reads (HTTP-6), and those that would name another author, if they were read (OFFER-3, CORR-4)."""
_KINDS = {kind.name: kind for kind in (OFFER, ANSWER, CANDIDATE, CALL, DECLINE, STATUS, REFRESH)}
_ABILITIES = {"offer": "core", "answer": "core", "candidate": "ice"}


@dataclass(frozen=True, slots=True)
class Act:
    """How a sound request is posted: its text, encoding and further fields, and whether its events are awaited.

    `text` and `candidate` have `MARKER` in the place of the marker; empty ones stand for the ordinary text. `named`
    gives an offer an id of the client's own.
    """

    text: str = ""
    encoding: Encoding = Encoding.JSON
    hasty: bool = False
    candidate: str = ""
    charset: bool = False
    extra: str = ""
    named: bool = False

    def __str__(self) -> str:
        """Say what is not plain about the request; nothing where all is."""
        parts = ["a form"] if self.encoding is Encoding.FORM else []
        parts += ["with a charset"] if self.charset else []
        parts += [f"with {self.extra} fields"] if self.extra else []
        return " ".join(parts)


def fill(text: str, kind: Kind) -> str:
    """Fill a text up to the bytes that every server takes: those of a description, or of a candidate."""
    limit = CANDIDATE_BYTES if kind is CANDIDATE else DESCRIPTION_BYTES
    return text.replace(FILL, "x" * (limit - len(text.replace(FILL, "").encode())))


def with_charset(body: Body) -> Body:
    """Name the charset, as jQuery does (HTTP-1, HTTP-2)."""
    return Body(body.content, f"{body.content_type}; charset=UTF-8")


def request_kinds(abilities: frozenset[str]) -> list[str]:
    """Give the names of the requests that a target with these abilities (profiles) takes."""
    return [kind for kind in _KINDS if _ABILITIES.get(kind, "call") in abilities]


def required_fields(kind: str) -> tuple[str, ...]:
    """Give the required fields of a request, from its schema."""
    return tuple(definitions()[_KINDS[kind].request_schema]["required"])


def _optional_fields(kind: str) -> frozenset[str]:
    """Give the fields of a request that may be left out, from its schema."""
    return frozenset(definitions()[_KINDS[kind].request_schema]["properties"]) - frozenset(required_fields(kind))


def foreign_fields(kind: str, extra: str, login: str) -> dict[str, object]:
    """Give fields that a request of this kind does not have, with another user's login in them."""
    foreign = EXTRAS[extra] - frozenset(required_fields(kind)) - _optional_fields(kind)
    return dict.fromkeys(sorted(foreign), login)


# ── what is wrong ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, repr=False)
class Flaw:
    """What is wrong with a request; `requirement` is broken by whoever accepts it.

    `kind` names the request. `vary` makes its variation at a connection, given another user's. `peer` changes the
    login that the request names. `statuses` are those that the refusal may have.
    """

    kind: str
    name: str
    requirement: str
    vary: Callable[[Connection, Connection], Variation] = lambda _, __: {}
    peer: Callable[[str], str] | None = None
    statuses: range = range(400, 500)

    def __repr__(self) -> str:
        """Give it in words; Hypothesis asks for it often."""
        return f"{self.kind}: {self.name}"


_ANY_STATUS = range(600)
_WRONG: dict[str, object] = {"a number": 7, "null": None, "a list": ["x"], "an object": {"x": 1}, "true": True}
_WORDS = {"type": ("receiver", "SENDER", "answer", ""), "status": ("busy", "FREE", "")}
_WORD_RULES = {"type": "OFFER-8", "status": "CALL-4"}
_SID_RULES = {"offer": "OFFER-5", "answer": "OFFER-5", "candidate": "ICE-6"}
_SIDS: dict[str, Callable[[Connection, Connection], str]] = {
    "unknown": lambda mine, _: f"{mine.sid[:-1]}~",
    "that of Engine.IO": lambda mine, _: mine.engine_sid if mine.engine_sid != mine.sid else "",
    "a login": lambda mine, _: mine.login,
    "empty": lambda _, __: "",
}
_PEER_RULES = {"offer": "OFFER-6", "answer": "ANSWER-7", "call": "CALL-2", "decline": "CALL-5", "refresh": "CALL-10"}
_PEERS: dict[str, Callable[[str], str]] = {"empty": lambda _: "", "followed by a space": lambda login: f"{login} "}
_TOKENS: dict[str, Callable[[Connection, Connection], str | None]] = {
    "missing": lambda _, __: None,
    "another user's": lambda _, other: other.authorization.get("authorization"),
    "empty": lambda _, __: "Bearer ",
    "under another scheme": lambda mine, _: mine.authorization.get("authorization", "").replace("Bearer", "Basic"),
}
_BODIES: dict[str, tuple[Encoding, Callable[[bytes], bytes]]] = {
    "empty": (Encoding.JSON, lambda _: b""),
    "torn": (Encoding.JSON, lambda content: content[:-1]),
    "in a list": (Encoding.JSON, lambda content: b"[" + content + b"]"),
    "an empty list": (Encoding.JSON, lambda _: b"[]"),
    "followed by more": (Encoding.JSON, lambda content: content + b" x"),
    "not UTF-8": (Encoding.JSON, lambda content: content[:-1] + b', "x": "\xff"}'),
    "with NaN": (Encoding.JSON, lambda content: content[:-1] + b', "x": NaN}'),
    "a form that is not UTF-8": (Encoding.FORM, lambda content: content + b"&x=%ff%fe"),
}
_TYPES = ("text/plain", "application/vnd.api+json", "multipart/form-data; boundary=x")


def wrong_field(kind: str, field: str, name: str, value: object, requirement: str = "HTTP-5") -> Flaw:
    """Make the flaw of a field that has a wrong value, or that is left out (`OMIT`)."""
    return Flaw(kind, f"{field} is {name}", requirement, lambda _, __: {"fields": {field: value}})


def _wrong_sid(kind: str, name: str, give: Callable[[Connection, Connection], str]) -> Flaw:
    rule = _SID_RULES.get(kind, "CALL-13")
    return Flaw(
        kind,
        f"the sid is {name}",
        rule,
        lambda mine, other: {"fields": {"sid": give(mine, other)}},
        statuses=_ANY_STATUS,
    )


def _wrong_body(kind: str, name: str, encoding: Encoding, change: Callable[[bytes], bytes]) -> Flaw:
    def recode(body: Body) -> Body:
        return Body(change(body.content), body.content_type)

    return Flaw(
        kind,
        f"the body is {name}",
        "HTTP-4",
        lambda _, __: {"encoding": encoding, "recode": recode},
    )


def _wrong_type(kind: str, content_type: str) -> Flaw:
    def recode(body: Body) -> Body:
        return Body(body.content, content_type)

    return Flaw(kind, f"the content type is {content_type}", "HTTP-7", lambda _, __: {"recode": recode})


def _wrong_method(kind: str, method: str) -> Flaw:
    return Flaw(kind, f"the method is {method}", "HTTP-10", lambda _, __: {"method": method})


def _wrong_token(kind: str, name: str, give: Callable[[Connection, Connection], str | None]) -> Flaw:
    return Flaw(
        kind,
        f"the token is {name}",
        "AUTH-3",
        lambda mine, other: {"authorization": give(mine, other)},
        statuses=range(401, 402),
    )


def _groups(kind: str) -> Iterator[list[Flaw]]:
    required = required_fields(kind)
    read = (*required, *({"sender_login", "login"} & _optional_fields(kind)))
    yield [wrong_field(kind, field, "missing", OMIT) for field in required]
    yield [wrong_field(kind, field, name, value) for field in read for name, value in _WRONG.items()]
    texts = [field for field in read if field not in {"sid", *_WORDS}]
    yield [wrong_field(kind, field, "half a character", "x\ud800", "HTTP-13") for field in texts]
    yield [
        wrong_field(kind, field, repr(word), word, _WORD_RULES[field])
        for field, words in _WORDS.items()
        for word in words
        if field in required
    ]
    yield [_wrong_sid(kind, name, give) for name, give in _SIDS.items()]
    yield [_wrong_body(kind, name, encoding, change) for name, (encoding, change) in _BODIES.items()]
    yield [_wrong_type(kind, content_type) for content_type in _TYPES]
    yield [_wrong_method(kind, method) for method in ("PUT", "DELETE", "PATCH", "GET")]
    if kind in _PEER_RULES:
        yield [
            Flaw(kind, f"the login is {name}", _PEER_RULES[kind], peer=peer, statuses=_ANY_STATUS)
            for name, peer in _PEERS.items()
        ]


@cache
def flaws(abilities: frozenset[str]) -> tuple[tuple[Flaw, ...], ...]:
    """Give what can be wrong with the requests of a target with these abilities (profiles), in groups."""
    groups: list[Sequence[Flaw]] = []
    for kind in request_kinds(abilities):
        groups += _groups(kind)
        if "auth" in abilities:
            groups.append([_wrong_token(kind, name, give) for name, give in _TOKENS.items()])
    return tuple(tuple(group) for group in groups if group)
