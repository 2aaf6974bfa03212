"""The whole server on a real port: python-socketio and httpx clients against uvicorn in a thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets
from tests.server.conftest import LIMIT, OK, Running, Stage, play, serving

from signalproof_server.app import Assembly
from signalproof_server.config import Settings
from signalproof_server.delivery import Emitter
from signalproof_server.service import Rules
from signalproof_server.values import Decision, Emit, Facts, Request

TEXTS = ["v=0\r\na=b\r\n", '{ "b":1, "a":"\\u0041" }\n', "\u2028\U0001f600<>&\"'\\+%2B=\0\x7f\ufeff", ""]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_an_offer_and_its_answer_arrive_exactly(server: Running, transport: str) -> None:
    """OFFER-1, OFFER-4, ANSWER-1, HTTP-2."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob", transport=transport) as bob:
            for text in TEXTS:
                assert await stage.offer(alice, "bob", text) == OK
                offered = await bob.next_of("sender_offer")
                assert (offered["sender_login"], offered["sender_offer"]) == ("alice", text)
                form = {"sid": bob.sid, "type": "reciever", "answer": text, "reciever_login": "junk"}
                assert (await stage.http.post("/offer", data=form)).json() == OK
                assert (await alice.next_of("reciever_answer"))["reciever_answer"] == text
            assert len(alice.events) == len(bob.events) == len(TEXTS)

    play(server.url, scene)


def test_devices_get_what_is_theirs(server: Running) -> None:
    """OFFER-1, OFFER-2, ANSWER-1, ANSWER-3."""

    async def scene(stage: Stage) -> None:
        async with (
            stage.user("alice") as alice,
            stage.user("alice") as other_alice,
            stage.user("bob") as bob,
            stage.user("bob") as other_bob,
            stage.user("carol") as carol,
        ):
            assert await stage.offer(other_alice, "bob") == OK
            assert await bob.next() == await other_bob.next()
            assert await stage.answer(other_bob) == OK
            assert (await other_alice.next_of("reciever_answer"))["reciever_answer"] == "a"
            # The fence: a later event on each connection shows that nothing else came before it.
            assert await stage.offer(carol, "alice", "fence") == OK
            assert await stage.offer(carol, "bob", "fence") == OK
            for user in (alice, other_alice, bob, other_bob):
                _, payload = await user.next()
                assert payload["sender_offer"] == "fence"
            assert [len(user.events) for user in (alice, other_alice, bob, other_bob)] == [1, 2, 2, 2]
            assert carol.events == []

    play(server.url, scene)


def test_what_cannot_be_done_is_refused_with_http_200_and_heard_by_nobody(server: Running) -> None:
    """OFFER-5, OFFER-6, OFFER-7, OFFER-11, ANSWER-4, ANSWER-5, ANSWER-7, HTTP-14."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob, stage.user(None) as nobody:
            unknown = ["", "x", nobody.sid, str(alice.socket.eio.sid), alice.sid + " ", "\0"]
            for sid in unknown:
                assert (await stage.offer(sid, "bob"))["code"] == "unknown_sid"
                assert (await stage.answer(sid))["code"] == "unknown_sid"
            for login in ("dave", "Bob", "bob ", "", "x" * 5000, "b\0"):
                assert (await stage.offer(alice, login))["code"] == "offline"
            assert (await stage.offer(alice, "alice"))["code"] == "self"
            assert (await stage.answer(bob))["code"] == "no_offer"
            assert await stage.offer(alice, "bob", "first") == OK
            assert (await stage.answer(bob, sender_login="carol"))["code"] == "no_offer"
            assert (await stage.answer(alice, sender_login="bob"))["code"] == "no_offer"
            assert await stage.answer(bob, sender_login="alice") == OK
            refused = await stage.answer(bob, "SDP-SECRET")
            assert refused["code"] == "already_answered"
            assert "SDP-SECRET" not in refused["message"]
            assert await stage.offer(alice, "bob", "second") == OK
            assert await stage.answer(bob, "fence") == OK
            assert [(await bob.next())[1]["sender_offer"] for _ in "12"] == ["first", "second"]
            assert [(await alice.next())[1]["reciever_answer"] for _ in "12"] == ["a", "fence"]
            async with stage.user("dave") as dave:
                assert await stage.offer(alice, "dave", "now") == OK
                assert (await dave.next())[1]["sender_offer"] == "now"
            assert (len(alice.events), len(bob.events), len(nobody.events)) == (2, 2, 0)

    play(server.url, scene)


def test_the_latest_offer_and_crossed_offers_are_answered_apart(server: Running) -> None:
    """ANSWER-8, ANSWER-11, OFFER-10."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob, stage.user("carol") as carol:
            for sender, reciever in ((carol, "bob"), (alice, "bob"), (bob, "alice")):
                assert await stage.offer(sender, reciever) == OK
            assert await stage.answer(bob, "to alice") == OK
            assert await stage.answer(alice, "to bob") == OK
            assert await stage.answer(bob, "to carol") == OK
            assert (await alice.next_of("sender_offer"))["sender_login"] == "bob"
            assert (await alice.next_of("reciever_answer"))["reciever_answer"] == "to alice"
            assert [(await bob.next())[0] for _ in "123"] == [
                "sender_offer",
                "sender_offer",
                "reciever_answer",
            ]
            assert (await carol.next_of("reciever_answer"))["reciever_answer"] == "to carol"

    play(server.url, scene)


def test_of_two_answers_at_the_same_moment_one_is_accepted(server: Running) -> None:
    """ANSWER-6."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as one, stage.user("bob") as two:
            for round_ in range(20):
                assert await stage.offer(alice, "bob") == OK
                replies = await asyncio.gather(stage.answer(one, f"{round_} one"), stage.answer(two, f"{round_} two"))
                assert sorted(reply.get("code", "") for reply in replies) == ["", "already_answered"]
                winner = "one" if replies[0] == OK else "two"
                assert (await alice.next_of("reciever_answer"))["reciever_answer"] == f"{round_} {winner}"
            assert len(alice.events) == 20

    play(server.url, scene)


def test_a_connection_that_left_is_gone(server: Running) -> None:
    """LOGIN-7, LOGIN-8, ANSWER-1, ANSWER-10."""

    async def scene(stage: Stage) -> None:
        async with stage.user("bob") as bob:
            async with stage.user("alice") as alice:
                async with stage.user("alice") as device:
                    sid = device.sid
                    assert await stage.offer(device, "bob") == OK
                await stage.until_gone(sid)
                assert (await stage.answer(bob))["code"] == "offline"
                assert await stage.offer(alice, "bob") == OK
            await stage.until_offline("alice")
            assert (await stage.answer(bob))["code"] == "no_offer"
            async with stage.user("alice") as alice:
                assert (await stage.answer(bob, sender_login="alice"))["code"] == "no_offer"
                assert await stage.offer(alice, "bob") == OK
                assert await stage.answer(bob) == OK
                assert (await alice.next_of("reciever_answer"))["reciever_answer"] == "a"
                assert len(alice.events) == 1

    play(server.url, scene)


def test_a_login_is_checked_and_the_first_one_stays(server: Running) -> None:
    """LOGIN-3, LOGIN-6."""

    async def scene(stage: Stage) -> None:
        async with stage.user(None) as alice, stage.user("bob") as bob:
            bad: list[tuple[object, ...]] = [(), ("alice",), ({},), ({"login": ""},), ({"login": 5},)]
            bad += [({"login": "a" * 81},), ({"login": "a\n"},), ({"login": b"a"},), ({"login": "\ud800"},)]
            for arguments in bad:
                ack = await alice.log_in(*arguments)
                assert (ack["status"], ack["code"]) == (1, "bad_request")
            assert (await stage.offer(alice, "bob"))["code"] == "unknown_sid"
            for _ in range(2):
                assert await alice.log_in({"login": "alice"}) == {"status": 0}
            assert (await alice.log_in({"login": "mallory"}))["status"] == 1
            assert await stage.offer(alice, "bob") == OK
            assert (await bob.next())[1]["sender_login"] == "alice"
            assert len(bob.events) == 1

    play(server.url, scene)


def test_sids_share_no_structure(server: Running) -> None:
    """LOGIN-9."""

    async def scene(stage: Stage) -> None:
        seen: list[str] = []
        for _ in range(40):
            async with stage.user(None) as user:
                seen += [user.sid, str(user.socket.eio.sid)]
        assert len(set(seen)) == 80
        assert min(map(len, seen)) >= 16
        assert min(len(set(column)) for column in zip(*seen, strict=True)) >= 16

    play(server.url, scene)


MALFORMED = [
    ("PUT", "application/json", b"{}", 405),
    ("GET", "application/json", b"", 405),
    ("DELETE", "application/json", b"", 405),
    ("POST", "text/plain", b"{}", 415),
    ("POST", "", b"{}", 415),
    ("POST", "application/json", b"", 400),
    ("POST", "application/json", b"[" * 200_000, 400),
    ("POST", "application/json", b'{"a":' + b"1" * 10_000 + b"}", 400),
    ("POST", "application/json", b"\xff", 400),
    ("POST", "application/json", b"{}", 400),
    ("POST", "application/json", b'{"type":"sender","sid":"\\ud800","reciever_login":"b","offer":""}', 400),
    ("POST", "application/x-www-form-urlencoded", b"type=receiver&sid=%00", 400),
    ("POST", "application/x-www-form-urlencoded", b"&" * 500_000, 400),
    ("POST", "application/json", b'{"offer":"' + b"x" * (8 << 20) + b'"}', 413),
    (
        "POST",
        "application/json",
        b'{"type":"reciever","sid":"","answer":"' + b"x" * 65_537 + b'"}',
        413,
    ),
]


@pytest.mark.parametrize(("method", "content_type", "body", "status"), MALFORMED)
def test_malformed_requests_get_json_and_cors(
    server: Running, method: str, content_type: str, body: bytes, status: int
) -> None:
    """HTTP-3, HTTP-4, HTTP-5, HTTP-7, HTTP-9, HTTP-10, HTTP-11, HTTP-12."""

    async def scene(stage: Stage) -> None:
        headers = {"origin": "https://page.example"} | ({"content-type": content_type} if content_type else {})
        async with stage.user("alice") as alice, stage.user("bob") as bob:
            response = await stage.http.request(method, "/offer", content=body, headers=headers)
            assert response.status_code == status
            assert response.headers["content-type"] == "application/json"
            assert response.headers["access-control-allow-origin"] == "*"
            assert response.headers.get("allow") == ("POST" if status == 405 else None)
            assert response.json()["status"] == 1
            assert await stage.offer(alice, "bob") == OK
            await bob.next()

    play(server.url, scene)


def test_a_chunked_body_over_the_limit_is_refused_and_the_connection_goes_on(server: Running) -> None:
    """HTTP-9."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    async def scene(stage: Stage) -> None:
        headers = {"content-type": "application/json"}
        response = await stage.http.post("/offer", content=chunks(), headers=headers)
        assert response.status_code == 413
        assert response.json()["code"] == "too_large"
        assert (await stage.answer("x"))["code"] == "unknown_sid"

    play(server.url, scene)


def test_the_largest_description_arrives(server: Running) -> None:
    """HTTP-8."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob:
            text = "\u00e9\u2028\U0001f600" * (65_536 // 9) + "1234567"
            assert len(text.encode()) == 65_536
            fields = {"sid": alice.sid, "type": "sender", "reciever_login": "bob", "offer": text}
            for response in (
                await stage.http.post("/offer", data=fields),
                await stage.http.post("/offer", json=fields),
            ):
                assert response.json() == OK
                assert (await bob.next())[1]["sender_offer"] == text

    play(server.url, scene)


def test_the_other_endpoints(server: Running) -> None:
    """HTTP-3, HTTP-11, and the discovery document."""

    async def scene(stage: Stage) -> None:
        assert (await stage.http.get("/healthz")).json()["status"] == "ok"
        found = (await stage.http.get("/.well-known/vcsp")).json()
        assert found == {
            "protocol": "vcsp",
            "version": "1.0",
            "profiles": ["core", "ice", "call", "presence", "correlation"],
            "limits": {
                "description_bytes": 65_536,
                "body_bytes": 1_048_576,
                "login_code_points": 80,
                "candidate_bytes": 8_192,
                "held_candidates": 64,
                "held_seconds": 30,
                "ringing_seconds": 90,
            },
        }
        for path in ("/", "/offer/", "/nothing", "/socket.io2"):
            missing = await stage.http.post(path, json={})
            assert (missing.status_code, missing.json()["status"]) == (404, 1)
        preflight = {
            "origin": "https://page.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        }
        allowed = await stage.http.options("/offer", headers=preflight)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "*"
        assert "content-type" in allowed.headers["access-control-allow-headers"]

    play(server.url, scene)


def test_everything_is_below_the_root_path() -> None:
    """A deployment behind a path prefix, with its sockets announced elsewhere."""
    settings = Settings(root_path="/api/v2", socket_url="https://rt.example:8443/live")

    async def scene(stage: Stage) -> None:
        assert stage.url.endswith("/api/v2")
        origin = stage.url.removesuffix("/api/v2")
        found = (await stage.http.get(".well-known/vcsp")).json()
        assert found["socket_url"] == "https://rt.example:8443/live"
        for path in ("/healthz", "/online", "/socket.io/?EIO=4&transport=polling", "/api/v2", "/api/v22/online"):
            missing = await stage.http.get(origin + path)
            assert (missing.status_code, missing.json()["status"]) == (404, 1)
        async with stage.user("alice") as alice, stage.user("bob", transport="polling") as bob:
            assert await stage.offer(alice, "bob") == OK
            assert (await bob.next_of("sender_offer"))["sender_login"] == "alice"

    with serving(settings=settings) as running:
        play(running.url, scene)


ENGINE_IO = [
    ("GET", "", b""),
    ("GET", "?EIO=3&transport=polling", b""),
    ("GET", "?EIO=4&transport=carrier-pigeon", b""),
    ("GET", "?EIO=4&transport=websocket", b""),
    ("GET", "?EIO=4&transport=polling&sid=x", b""),
    ("GET", "?EIO=4&transport=polling&j=x", b""),
    ("GET", "?%ff=%ff&sid=%00", b""),
    ("POST", "?EIO=4&transport=polling&sid=x", b"\xff"),
    ("PUT", "?EIO=4&transport=polling", b"x"),
]


@pytest.mark.parametrize("upgrade", [None, "websocket"])
@pytest.mark.parametrize(("method", "query", "body"), ENGINE_IO)
def test_no_http_request_to_engine_io_gets_a_5xx(
    server: Running, method: str, query: str, body: bytes, upgrade: str | None
) -> None:
    """HTTP-12, LOGIN-10."""

    async def scene(stage: Stage) -> None:
        headers = {"upgrade": upgrade} if upgrade else {}
        response = await stage.http.request(method, f"/socket.io/{query}", content=body, headers=headers)
        assert response.status_code < 500

    play(server.url, scene)


PACKETS: list[str | bytes] = [
    "",
    "x",
    "9",
    b"\0\1\2",
    "4",
    "4x",
    "49",
    "42",
    "42[]",
    "42{}",
    "42[{}]",
    "42[null]",
    '42["unknown",1]',
    '42["login"',
    '42["connect"]',
    '42["disconnect"]',
    '421["disconnect","x"]',
    "40/admin,",
    '42/admin,["login"]',
    "4599999-[]",
    "43[]",
    '44{"message":"x"}',
    "42" + "[" * 100_000,
    "2probe",
    "5",
    "6",
    '42["login",{"login":"' + "x" * 2_000_000 + '"}]',
]


@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: repr(packet[:24]))
def test_a_hostile_packet_harms_its_own_socket_alone(server: Running, packet: str | bytes) -> None:
    """LOGIN-10: the socket survives with its login, or it ends and its login leaves."""
    url = server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob:
            async with websockets.connect(url, max_size=None, proxy=None) as raw:
                await raw.recv()
                await raw.send("40")
                await raw.recv()
                await raw.send('420["login",{"login":"mallory"}]')
                assert await raw.recv() == '430[{"status":0}]'
                assert await stage.offer(alice, "bob") == OK
                await bob.next()
                try:
                    await raw.send(packet)
                    await raw.send('427["login",{"login":"mallory"}]')
                    async with asyncio.timeout(LIMIT):
                        async for message in raw:
                            if message == '437[{"status":0}]':
                                assert await stage.offer(alice, "mallory") == OK
                                break
                        else:
                            await stage.until_offline("mallory")
                except websockets.ConnectionClosed:
                    await stage.until_offline("mallory")
            assert await stage.offer(alice, "bob", "fence") == OK
            assert (await bob.next())[1]["sender_offer"] == "fence"
            assert (len(alice.events), len(bob.events)) == (0, 2)

    play(server.url, scene)


def test_a_binary_login_is_refused_and_a_broken_one_harms_its_own_socket_alone(server: Running) -> None:
    """LOGIN-3, LOGIN-10: python-socketio itself is stuck after an attachment that is not there."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob:
            async with stage.user("mallory") as mallory:
                assert (await mallory.log_in({"login": b"mallory"}))["code"] == "bad_request"
                await mallory.socket.eio.send('451-["login",{"_placeholder":true,"num":7}]')
                await mallory.socket.eio.send(b"x")
                assert await stage.offer(alice, "mallory") == OK
                assert await stage.offer(alice, "bob") == OK
                await bob.next()
            await stage.until_offline("mallory")

    play(server.url, scene)


def test_many_pairs_at_once_do_not_disturb_each_other(server: Running) -> None:
    """ORDER-1, ORDER-2."""

    async def pair(stage: Stage, name: str) -> None:
        async with stage.user(f"s{name}") as sender, stage.user(f"r{name}") as reciever:
            for round_ in range(10):
                text = f"{name} {round_}"
                assert await stage.offer(sender, f"r{name}", text) == OK
                assert await stage.answer(reciever, text, sender_login=f"s{name}") == OK
            offers = [(await reciever.next())[1]["sender_offer"] for _ in range(10)]
            answers = [(await sender.next())[1]["reciever_answer"] for _ in range(10)]
            assert offers == answers == [f"{name} {round_}" for round_ in range(10)]

    async def scene(stage: Stage) -> None:
        await asyncio.gather(*(pair(stage, str(number)) for number in range(25)))

    play(server.url, scene)


def test_the_log_has_one_line_per_request_and_no_secret() -> None:
    """SEC-1 for operators: no sid, no login, no description."""
    secrets: list[str] = ["SDP-SECRET", "alice-login", "bob-login"]

    async def scene(stage: Stage) -> None:
        async with stage.user("alice-login") as alice, stage.user("bob-login") as bob:
            secrets.extend([alice.sid, bob.sid, str(alice.socket.eio.sid)])
            assert await stage.offer(alice, "bob-login", "SDP-SECRET") == OK
            assert (await stage.offer("SDP-SECRET", "bob-login"))["code"] == "unknown_sid"
            await stage.http.get(f"/{alice.sid}")
            await stage.http.post("/offer", content=b"SDP-SECRET", headers={"content-type": "application/json"})
            await bob.next()

    with serving() as running:
        play(running.url, scene)
    text = running.log.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    outcomes = [(line["endpoint"], line["outcome"]) for line in lines if line["event"] == "request"]
    assert outcomes == [
        ("/offer", "accepted"),
        ("/offer", "refused"),
        ("none", "refused"),
        ("/offer", "refused"),
    ]
    assert not [secret for secret in secrets if secret in text]


class Faulty(Assembly):
    """A variant whose rules fail on one offer, and whose emitter fails on one login."""

    def rules(self) -> Rules:
        """Fail on the offer `boom`."""
        inner = super().rules()

        def rules(facts: Facts, request: Request) -> Decision:
            if getattr(request, "offer", "") == "boom":
                raise ZeroDivisionError("SDP-SECRET")
            return inner(facts, request)

        return rules

    def emitter(self, sio: Any) -> Emitter:
        """Fail on the offer `lost`."""
        inner = super().emitter(sio)

        async def emit(effect: Emit) -> None:
            if effect.payload.get("sender_offer") == "lost":
                raise ConnectionError("SDP-SECRET")
            await inner(effect)

        return emit


def test_a_fault_of_ours_is_still_json_and_harms_nobody_else() -> None:
    """HTTP-3: the variant is made by overriding parts of the assembly."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob:
            fields = {"sid": alice.sid, "type": "sender", "reciever_login": "bob", "offer": "boom"}
            response = await stage.http.post("/offer", json=fields, headers={"origin": "https://page.example"})
            assert response.status_code == 500
            assert response.json() == {"status": 1, "message": "internal error"}
            assert response.headers["access-control-allow-origin"] == "*"
            assert (await stage.answer(bob))["code"] == "no_offer"
            assert await stage.offer(alice, "bob", "lost") == OK
            assert await stage.offer(alice, "bob", "kept") == OK
            assert (await bob.next())[1]["sender_offer"] == "kept"

    with serving(Faulty) as running:
        play(running.url, scene)
    assert "ZeroDivisionError" in running.log.getvalue()
    assert "ConnectionError" in running.log.getvalue()
    assert "SDP-SECRET" not in running.log.getvalue()
