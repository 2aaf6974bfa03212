"""What is wrong with the flawed requests of random scenes: each has to be refused and to change nothing.

A `Flaw` is one thing that is wrong with an otherwise sound request. Flaws come in groups, so that each group can be
drawn as often as the others, however many members it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from signalproof.cast.connection import Connection
from signalproof.cast.request import Variation
from signalproof.protocol.defects import BODY_DEFECTS, VALUE_DEFECTS
from signalproof.protocol.wire import Body, Encoding
from signalproof.scenes.request_fields import optional_fields, request_kinds, required_fields

__all__ = ["Flaw", "flaws", "wrong_field"]


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
_PEERS: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "followed by a space": lambda login: f"{login} ",
    "a member of every object": lambda _: "valueOf",
}
_TOKENS: dict[str, Callable[[Connection, Connection], str | None]] = {
    "missing": lambda _, __: None,
    "another user's": lambda _, other: other.authorization.get("authorization"),
    "empty": lambda _, __: "Bearer ",
    "under another scheme": lambda mine, _: mine.authorization.get("authorization", "").replace("Bearer", "Basic"),
}
_IDS: dict[str, object] = {"empty": "", "too long": "x" * 65, "null": None, "a number": 7}
_BODIES: dict[str, tuple[Encoding, Callable[[bytes], bytes]]] = {
    **{name.replace("_", " "): (Encoding.JSON, change) for name, change in BODY_DEFECTS.items()},
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
    read = (*required, *({"sender_login", "login"} & optional_fields(kind)))
    yield [wrong_field(kind, field, "missing", VALUE_DEFECTS["missing"]) for field in required]
    yield [
        wrong_field(kind, field, name, value)
        for field in read
        for name, value in VALUE_DEFECTS.items()
        if name != "missing"
    ]
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
        if "correlation" in abilities and "offer_id" in optional_fields(kind):
            groups.append([wrong_field(kind, "offer_id", name, value, "CORR-5") for name, value in _IDS.items()])
        if "auth" in abilities:
            groups.append([_wrong_token(kind, name, give) for name, give in _TOKENS.items()])
    return tuple(tuple(group) for group in groups if group)
