"""Every message of a whole run of the suite is what the published documents say, both ways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import running
from tests.server.conftest import serving
from tests.traffic import ACCEPTED, EVENTS, FORM, JSON, Exchange, Frame, Tap, census, judge, judge_frames

from signalproof_server.config import Settings, TokenKey

PATIENT = 120
SECRET = "0123456789abcdef" * 2


def run_suite(tap: Tap, folder: Path, *options: str, settings: Settings | None = None) -> None:
    """Run all checks against the recorded server; they have to pass."""
    with serving(tap.assembly(), settings) as server:
        command = (sys.executable, "-m", "signalproof", "check", server.url, *options)
        with running(*command, folder=folder) as process:
            output = process.finish(PATIENT)
        assert process.returncode == 0, output


def test_every_message_of_a_run_is_what_is_published(tmp_path: Path) -> None:
    """Requests and replies, events and acknowledgements; and what is well-formed is so on both sides."""
    tap = Tap()
    run_suite(tap, tmp_path)
    assert [complaint for exchange in tap.exchanges for complaint in judge(exchange)] == []
    assert list(judge_frames(tap.frames)) == []
    prove_that_every_kind_came_by(tap)


def prove_that_every_kind_came_by(tap: Tap) -> None:
    """Expect that no endpoint, encoding, event or outcome was left out."""
    counted = census(tap)
    gets = ("/online", "/.well-known/vcsp")
    for path in gets:
        assert counted[f"accepted {path}"], counted
    for path in ACCEPTED.keys() - gets:
        assert counted[f"accepted {path} {JSON}"], counted
        assert counted[f"accepted {path} {FORM}"], counted
        assert counted[f"refused {path} {JSON}"], counted
    for event in (*EVENTS, "accepted login", "refused login"):
        assert counted[event], event
    assert counted.total() > 1000


def test_the_same_is_true_with_tokens(tmp_path: Path) -> None:
    """Refusals with 401 are documented, and the payload of CONNECT is the published one."""
    tap = Tap()
    secret = tmp_path / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    settings = Settings(token_key=TokenKey(algorithm="HS256", key=SECRET.encode()))
    run_suite(tap, tmp_path, "--jwt-secret-file", str(secret), "-k", "auth", settings=settings)
    assert [complaint for exchange in tap.exchanges for complaint in judge(exchange)] == []
    assert list(judge_frames(tap.frames)) == []
    assert {401, 200} <= {exchange.status for exchange in tap.exchanges}


# ── the judge judges ───────────────────────────────────────────────────────────────────────────

SOUND = Exchange("POST", "/call", JSON, b'{"sid":"a","login":"b"}', 200, JSON, b'{"status":0,"message":"calling"}')


def changed(**changes: object) -> Exchange:
    """Return the sound exchange with other parts."""
    parts = {name: getattr(SOUND, name) for name in SOUND.__slots__}
    return Exchange(**parts | changes)


REFUSAL = b'{"status":1,"message":"No.","code":"bad_request"}'
PLANTED: dict[str, Exchange] = {
    "POST /call 200: the reply is no JSON": changed(reply=b"<html>"),
    "POST /call 200: the content type of the reply is 'text/html'": changed(reply_media="text/html"),
    "POST /call 500: no such status is documented": changed(status=500, reply=REFUSAL),
    "POST /call 302: no such status is documented": changed(status=302, reply=REFUSAL),
    "POST /call 200: CallReply: 'ok' is not of type 'integer'": changed(reply=b'{"status":"ok"}'),
    "POST /call 200: neither accepted (": changed(reply=b"{}"),
    "POST /call 404: Failure: 'status' is a required property": changed(status=404, reply=b'{"message":""}'),
    "POST /call 200: accepted, although it is no CallRequest": changed(body=b'{"sid":"a","login":7}'),
    "POST /call 200: accepted, although it is no CallRequest: None": changed(body=b'{"sid":"a","login":NaN}'),
    "POST /call 400: refused as bad_request, although it is a CallRequest": changed(status=400, reply=REFUSAL),
    "POST /call 400: refused as bad_request, although it is a CallRequest: {'sid'": changed(
        status=400, reply=REFUSAL, media=FORM, body=b"sid=a&login=%C3%A9+"
    ),
    "GET /call 200: another status than 4xx": changed(method="GET", reply=REFUSAL),
    "GET /call 405: Failure": changed(method="GET", status=405, reply=b'{"status":0}'),
}


@pytest.mark.parametrize(("complaint", "exchange"), PLANTED.items(), ids=PLANTED)
def test_a_planted_exchange_is_found(complaint: str, exchange: Exchange) -> None:
    """A judge that cannot find anything is none."""
    found = list(judge(exchange))
    assert [one for one in found if one.startswith(complaint)], found


@pytest.mark.parametrize(
    "exchange",
    [
        SOUND,
        changed(body=b'{"sid":"a","login":"b","room":"unknown fields are ignored"}'),
        changed(body=b'{"sid":"a","login":"\\ud800"}', status=400, reply=REFUSAL),
        changed(body=b'{"sid":"a"}', status=400, reply=REFUSAL),
        changed(media="text/plain", status=415, reply=REFUSAL),
        changed(method="OPTIONS", reply=b""),
        changed(path="/nowhere", reply=b""),
    ],
    ids=["plain", "unknown_field", "lone_surrogate", "missing_field", "other_type", "preflight", "elsewhere"],
)
def test_a_sound_exchange_is_left_alone(exchange: Exchange) -> None:
    """What the specification allows is no finding."""
    assert list(judge(exchange)) == []


def frames(*packets: str) -> Iterator[Frame]:
    """Make frames; those that begin with `<` come from the client."""
    for text in packets:
        yield Frame(1, not text.startswith("<"), text.removeprefix("<"))


PLANTED_FRAMES: dict[str, tuple[str, ...]] = {
    "event receiver_answer: not published": ('42["receiver_answer",{}]',),
    "event calling: CallingEvent: 'login' is a required property": ('42["calling",{}]',),
    "event calling: 2 arguments": ('42["calling",{"login":"a"},1]',),
    "ack of login: neither accepted (": ('<420["login",{"login":"a"}]', '430[{"status":1}]'),
    "ack of login: accepted, although it is no LoginRequest: {'login': ''}": ('<420["login",{"login":""}]', "430[]"),
    "ack of login: accepted, although it is no LoginRequest: None": ('<427["login"]', '437[{"status":0}]'),
    "ack of login: refused as bad_request, although it is a LoginRequest": (
        '<420["login",{"login":"a"}]',
        f"430[{REFUSAL.decode()}]",
    ),
}


@pytest.mark.parametrize(("complaint", "packets"), PLANTED_FRAMES.items(), ids=PLANTED_FRAMES)
def test_a_planted_frame_is_found(complaint: str, packets: tuple[str, ...]) -> None:
    """Events and acknowledgements alike."""
    found = list(judge_frames(list(frames(*packets))))
    assert [one for one in found if one.startswith(complaint)], found


def test_sound_frames_are_left_alone() -> None:
    """Engine.IO packets, other Socket.IO packets, empty acknowledgements, and binary frames of clients."""
    packets = (
        "0{}",
        "2",
        "<3",
        '40{"sid":"a"}',
        '<420["login",{"login":"a","x":1},2]',
        "430[]",
        "<42[",
        '44{"message":"no"}',
    )
    sent = [*frames(*packets), Frame(1, from_server=False, data=b"\x00")]
    assert list(judge_frames(sent)) == []
