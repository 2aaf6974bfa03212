"""The server's reading of bodies and events, without a server."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from signalproof_server import wire
from signalproof_server.config import Limits
from signalproof_server.errors import BadRequest, Refusal, TooLarge, UnsupportedMedia, reply_to
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

LIMITS = Limits()
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

EXACT = [
    "",
    " v=0\r\na=b\r\n",
    '{ "type" : "offer",\t"sdp":"v=0\\r\\n" }\n',
    "\\u0041 \\ud83d\\ude00",
    "\u2028\u2029\u0085\ufeff",
    "\U0001f600\U0010ffff",
    "<>&\"'\\+%2B=;#?/",
    "a\0b",
    "e\u0301 \u00e9",
]


@pytest.mark.parametrize("text", EXACT)
@pytest.mark.parametrize("kind", ["json", "json escaped", "form", "form %20"])
def test_text_survives_every_encoding(kind: str, text: str) -> None:
    """HTTP-1, HTTP-2, OFFER-4."""
    fields = {"sid": "s", "type": "sender", "reciever_login": "b", "offer": text}
    body = {
        "json": json.dumps(fields, ensure_ascii=False),
        "json escaped": json.dumps(fields),
        "form": urlencode(fields),
        "form %20": urlencode(fields, quote_via=quote),
    }[kind]
    content_type = JSON if "json" in kind else FORM
    decoded = wire.decode_body(content_type, body.encode(), LIMITS)
    assert wire.decode_offer(decoded, LIMITS) == Offer(sid="s", reciever_login="b", offer=text)


@pytest.mark.parametrize(
    "content_type",
    [JSON, "Application/JSON", "application/json;charset=utf-8", 'application/json ; charset="UTF-8"; x=y'],
)
def test_parameters_of_the_content_type_change_nothing(content_type: str) -> None:
    """HTTP-1."""
    assert wire.decode_body(content_type, b'{"a":1}', LIMITS) == {"a": 1}


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "text/json", "application/jsonp", "multipart/form-data; boundary=x"]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    """HTTP-7."""
    with pytest.raises(UnsupportedMedia):
        wire.decode_body(content_type, b"{}", LIMITS)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}x",
        b"{'a':1}",
        b'{"a":1,}',
        b"[]",
        b'"text"',
        b"1",
        b"null",
        b"true",
        b"NaN",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\n"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        "{}".encode("utf-16-le"),
        "{}".encode("utf-32"),
        b'{"a":' + b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    """HTTP-4."""
    with pytest.raises(BadRequest):
        wire.decode_body(JSON, body, LIMITS)


@pytest.mark.parametrize("body", [b"a=%ff", b"a=%ED%A0%80", b"a=\xff", b"%C0%80=a", b"a=b&" * 200])
def test_a_form_that_is_not_text_is_refused(body: bytes) -> None:
    """HTTP-4, HTTP-13."""
    with pytest.raises(BadRequest):
        wire.decode_body(FORM, body, LIMITS)


def test_a_malformed_percent_sign_in_a_form_is_itself() -> None:
    """Browsers do not send it, and people who type do."""
    assert wire.decode_body(FORM, b"a=100%&b=%zz&c=%u0041&d=%2", LIMITS) == {
        "a": "100%",
        "b": "%zz",
        "c": "%u0041",
        "d": "%2",
    }


SENDER: dict[str, object] = {"sid": "s", "type": "sender", "reciever_login": "b", "offer": "o"}
RECIEVER: dict[str, object] = {"sid": "s", "type": "reciever", "answer": "a"}


def test_unknown_and_ignored_fields_are_ignored() -> None:
    """HTTP-6, ANSWER-9, OFFER-3."""
    sender = SENDER | {"sender_login": 5, "answer": None, "x": {}}
    assert wire.decode_offer(sender, LIMITS) == Offer(sid="s", reciever_login="b", offer="o")
    reciever = RECIEVER | {"reciever_login": 7, "offer": []}
    assert wire.decode_offer(reciever, LIMITS) == Answer(sid="s", answer="a")
    named = RECIEVER | {"sender_login": "x" * 500 + "\0"}
    assert wire.decode_offer(named, LIMITS) == Answer(sid="s", answer="a", sender_login="x" * 500 + "\0")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["o"], "\ud800", "x\udfff"])
@pytest.mark.parametrize(
    ("fields", "name"),
    [(SENDER, name) for name in SENDER] + [(RECIEVER, name) for name in (*RECIEVER, "sender_login")],
)
def test_a_wrong_type_or_a_lone_surrogate_is_refused(fields: dict[str, object], name: str, value: object) -> None:
    """HTTP-5, HTTP-13."""
    with pytest.raises(BadRequest):
        wire.decode_offer(fields | {name: value}, LIMITS)


@pytest.mark.parametrize(
    ("fields", "name"), [(SENDER, name) for name in SENDER] + [(RECIEVER, name) for name in RECIEVER]
)
def test_a_missing_field_is_refused(fields: dict[str, object], name: str) -> None:
    """HTTP-5."""
    with pytest.raises(BadRequest):
        wire.decode_offer({key: value for key, value in fields.items() if key != name}, LIMITS)


@pytest.mark.parametrize("type_", ["", "receiver", "Sender", "SENDER", "sender ", "offer", "answer"])
def test_another_type_is_refused(type_: str) -> None:
    """OFFER-8."""
    with pytest.raises(BadRequest):
        wire.decode_offer(SENDER | RECIEVER | {"type": type_}, LIMITS)


@pytest.mark.parametrize("unit", ["x", "\u00e9", "\u2028", "\U0001f600"])
def test_the_description_limit_counts_utf8_bytes(unit: str) -> None:
    """HTTP-8."""
    size = len(unit.encode())
    text = unit * (65_536 // size) + "x" * (65_536 % size)
    decoded = wire.decode_offer(SENDER | {"offer": text}, LIMITS)
    assert isinstance(decoded, Offer)
    assert decoded.offer == text
    with pytest.raises(TooLarge):
        wire.decode_offer(SENDER | {"offer": text + "x"}, LIMITS)
    with pytest.raises(TooLarge):
        wire.decode_offer(RECIEVER | {"answer": text + "x"}, LIMITS)


@pytest.mark.parametrize("login", ["a", " a ", "\u00a0", "\U0001f600" * 80, "e\u0301", "\u2028", "'; --"])
def test_a_good_login_is_taken_as_it_is(login: str) -> None:
    """LOGIN-3, LOGIN-4."""
    arguments = ({"login": login, "more": 1}, "more")
    assert wire.decode_login("s", arguments, LIMITS) == Login(sid="s", login=login)


BAD_LOGINS: list[object] = [None, 1, True, ["a"], {}, b"a", "", "a" * 81]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (None,),
        ("alice",),
        (["alice"],),
        ({},),
        ({"Login": "alice"},),
        *[({"login": bad},) for bad in BAD_LOGINS],
        *[({"login": f"a{control}"},) for control in "\0\t\n\r\x1b\x1f\x7f\x80\x85\x9f\ud800"],
    ],
)
def test_a_bad_login_is_refused(arguments: tuple[object, ...]) -> None:
    """LOGIN-3."""
    with pytest.raises(BadRequest):
        wire.decode_login("s", arguments, LIMITS)


NO_TEXTS: list[object] = [None, 1, True, [], {}, "\ud800"]

OTHERS: list[tuple[wire.Decoder, dict[str, object], Request]] = [
    (wire.decode_candidate, {"sid": "s", "ice": ""}, Candidate(sid="s", ice="")),
    (wire.decode_candidate, {"sid": "s", "ice": "null", "login": "b"}, Candidate(sid="s", ice="null", login="b")),
    (wire.decode_call, {"sid": "s", "login": "b"}, Call(sid="s", login="b")),
    (wire.decode_decline, {"sid": "s", "reciever_login": "b"}, Decline(sid="s", reciever_login="b")),
    (wire.decode_status, {"sid": "s", "status": "free"}, SetStatus(sid="s", busy=False)),
    (wire.decode_status, {"sid": "s", "status": "beasy"}, SetStatus(sid="s", busy=True)),
    (wire.decode_refresh, {"sid": "s", "login": "b"}, Refresh(sid="s", login="b")),
]


@pytest.mark.parametrize(("decode", "fields", "request_"), OTHERS)
def test_the_other_endpoints_are_read_as_strictly(
    decode: wire.Decoder, fields: dict[str, object], request_: Request
) -> None:
    """HTTP-5, HTTP-6, HTTP-13."""
    assert decode(fields | {"x": 1, "type": None}, LIMITS) == request_
    for name in fields:
        for value in NO_TEXTS:
            with pytest.raises(BadRequest):
                decode(fields | {name: value}, LIMITS)
        if (name, len(fields)) != ("login", 3):
            with pytest.raises(BadRequest):
                decode({key: value for key, value in fields.items() if key != name}, LIMITS)


def test_every_endpoint_has_its_decoder() -> None:
    """And no endpoint is there that the specification does not know."""
    assert set(wire.POSTS) == {"/offer", "/ice", "/call", "/decline", "/status", "/refresh"}


@pytest.mark.parametrize("status", ["", "busy", "Free", "BEASY", "beasy ", "offline"])
def test_another_status_is_refused(status: str) -> None:
    """CALL-4."""
    with pytest.raises(BadRequest):
        wire.decode_status({"sid": "s", "status": status}, LIMITS)


def test_the_candidate_limit_counts_utf8_bytes() -> None:
    """ICE-11."""
    text = "\u00e9" * 4_096
    assert wire.decode_candidate({"sid": "s", "ice": text}, LIMITS).ice == text
    with pytest.raises(TooLarge):
        wire.decode_candidate({"sid": "s", "ice": text + "x"}, LIMITS)


def refusals(root: type[Refusal] = Refusal) -> set[type[Refusal]]:
    """All the classes of refusals."""
    return {root} | {leaf for child in root.__subclasses__() for leaf in refusals(child)}


def test_every_code_of_the_registry_has_its_class() -> None:
    """HTTP-14."""
    classes = refusals() - {Refusal}
    registry = (
        "bad_request unsupported_media too_large unknown_sid offline busy no_offer already_answered "
        "superseded self not_ringing unauthorized rate_limited unavailable"
    )
    assert {cls.code for cls in classes} == set(registry.split())
    for cls in classes:
        reply = reply_to(cls())
        assert reply.body == {"status": 1, "message": cls.default, "code": cls.code}
        assert reply.http_status in (200, 400, 401, 404, 405, 413, 415, 429, 431, 503)


def test_an_unforeseen_exception_tells_nothing() -> None:
    """HTTP-3, SEC-3."""
    reply = reply_to(ValueError("secret"))
    assert reply.http_status == 500
    assert reply.body == {"status": 1, "message": "internal error"}
