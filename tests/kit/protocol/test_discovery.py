"""The discovery document: judged where it is served, and read as far as it can be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from signalproof.protocol.discovery import read_discovery

SOUND: dict[str, Any] = {"protocol": "vcsp", "version": "1.0", "profiles": ["core", "ice"], "limits": {}}
JSON = "application/json; charset=utf-8"


def body(**members: object) -> bytes:
    """Give the sound document with other members; None leaves one out."""
    return json.dumps({name: value for name, value in (SOUND | members).items() if value is not None}).encode()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"socket_url": "https://rt.example/x"},
        {"later": 1, "profiles": ["core", "group"]},
        {"limits": {"held_candidates": 0, "held_seconds": 0, "later": 1, "description_bytes": 65536}},
    ],
    ids=["least", "other_origin", "unknown", "holds_nothing"],
)
def test_a_sound_document_is_served_and_has_no_problem(members: dict[str, object]) -> None:
    """Whatever else it holds."""
    found = read_discovery(200, JSON, body(**members))
    assert (found.served, found.problem, found.broken) == (True, None, None)


@pytest.mark.parametrize(
    ("status", "content_type", "content"),
    [
        (404, JSON, b'{"status":1,"message":"?"}'),
        (404, JSON, body()),
        (301, "text/html", b""),
        (200, "text/html", b"<!DOCTYPE html><html>"),
        (200, JSON, b'{"status":1,"message":"no such thing"}'),
        (200, JSON, b"{}"),
        (200, "text/plain", b"[]"),
        (200, "text/plain", b"\xff"),
    ],
    ids=["refusal", "missing", "redirect", "page", "old_refusal", "empty", "text", "bytes"],
)
def test_what_is_no_document_is_not_judged(status: int, content_type: str, content: bytes) -> None:
    """A server need not have one."""
    found = read_discovery(status, content_type, content)
    assert (found.served, found.problem, found.profiles, found.limits) == (False, None, (), {})


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "number": ({"version": 1.0}, "/version: 1.0 is not of type 'string'"),
    "three_numbers": ({"version": "1.0.2"}, "/version: '1.0.2' is not major.minor"),
    "string": ({"profiles": "core, ice"}, "/profiles: 'core, ice' is not of type 'array'"),
    "no_limits": ({"limits": None}, "'limits' is a required property"),
    "no_core": ({"profiles": ["ice"]}, "/profiles: core is not among them"),
    "small": ({"limits": {"description_bytes": 65535}}, "/limits/description_bytes: 65535 is below the minimum"),
    "login": ({"limits": {"login_code_points": 81}}, "/limits/login_code_points: 81 is not 80"),
    "held": ({"limits": {"held_seconds": 9}}, "/limits/held_seconds: 9 is below the minimum of 10"),
    "other": ({"protocol": "sip"}, "/protocol: 'vcsp' was expected"),
    "relative": ({"socket_url": "/rt"}, "/socket_url: '/rt' is no absolute http or https URL"),
    "websocket": ({"socket_url": "ws://rt.example"}, "/socket_url: 'ws://rt.example' is no absolute"),
    "no_host": ({"socket_url": "http://[::1"}, "/socket_url: 'http://[::1' is no absolute"),
}  # fmt: skip


@pytest.mark.parametrize(("members", "problem"), WRONG.values(), ids=WRONG)
def test_a_wrong_document_breaks_the_shape_of_replies(members: dict[str, object], problem: str) -> None:
    """By the schema, or by what the specification says beside it."""
    found = read_discovery(200, JSON, body(**members))
    assert found.served
    assert found.broken == "HTTP-15"
    assert problem in str(found.problem)


@pytest.mark.parametrize(
    ("status", "content_type", "content", "broken", "problem"),
    [
        (200, "text/plain", body(), "HTTP-3", "content type text/plain"),
        (200, "", body(), "HTTP-3", "content type missing"),
        (200, JSON, b"{", "HTTP-3", "no JSON object"),
        (200, JSON, b"[]", "HTTP-3", "no JSON object"),
        (201, JSON, body(), "HTTP-15", "HTTP 201, and a success is HTTP 200"),
    ],
    ids=["text", "nothing", "cut", "array", "created"],
)
def test_a_document_in_the_wrong_wrapping_is_judged(
    status: int, content_type: str, content: bytes, broken: str, problem: str
) -> None:
    """What it holds is read all the same."""
    found = read_discovery(status, content_type, content)
    assert (found.served, found.broken) == (True, broken)
    assert problem in str(found.problem)


@pytest.mark.parametrize(
    ("profiles", "read"),
    [
        (["core", "ice"], ("core", "ice")),
        ("core, ice call", ("core", "ice", "call")),
        ([" ice ", 7, None], ("ice",)),
        ({"ice": True}, ()),
        (7, ()),
    ],
    ids=["array", "string", "mixed", "object", "number"],
)
def test_profiles_are_read_in_any_form(profiles: object, read: tuple[str, ...]) -> None:
    """A wrong document fails the run, and does not make it smaller."""
    assert read_discovery(200, JSON, body(profiles=profiles)).profiles == read


def test_limits_are_read_where_they_are_numbers() -> None:
    """No time of none, no truth values."""
    limits = {"ringing_seconds": 0, "held_seconds": 12.5, "body_bytes": True, "login_code_points": "80", "x": -1}
    assert read_discovery(200, JSON, body(limits=limits)).limits == {"held_seconds": 12.5}
    assert read_discovery(200, JSON, body(limits=[1])).limits == {}


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        (None, None),
        (7, None),
        ("", None),
        ("https://rt.example", "https://rt.example"),
        ("ws://rt.example/x", "http://rt.example/x"),
        ("WSS://rt.example", "https://rt.example"),
        ("/rt", "https://chat.example/rt"),
        ("rt", "https://chat.example/api/rt"),
    ],
)
def test_the_url_of_sockets_is_read_as_it_can_only_be_meant(named: object, meant: str | None) -> None:
    """Schemes of WebSocket and relative URLs are wrong, and clear."""
    assert read_discovery(200, JSON, body(socket_url=named)).socket_url("https://chat.example/api") == meant
