"""The doctor: each step sees what it should, says what to do, and stops a run only where it has to."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from email.utils import formatdate
from itertools import cycle
from pathlib import Path
from time import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jwt
import pytest
from aiohttp import web
from click.testing import CliRunner
from tests.kit.test_deployments import write_certificate

from signalproof.cli import main
from signalproof.config.identity import Anonymous, Identities, Minted
from signalproof.config.target import Target, tls_context
from signalproof.doctor import Mark, Observation, clock, consult, examine, preflight, require_interface
from signalproof.doctor.engine import look as look_at_engine
from signalproof.errors import TargetUnusable
from signalproof.net import interfaces
from signalproof.net.http import Http, HttpReply

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served

Serve = Callable[[str], "Served"]
Handler = Callable[[web.BaseRequest], web.StreamResponse]
OPENING = '{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}'


def target_at(url: str, tls: ssl.SSLContext | None = None) -> Target:
    """Make a target with little patience."""
    return Target(url=url, socket_url="", profiles=(), profiles_reason="", timeout=3, tls=tls)


@asynccontextmanager
async def served(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Answer every request by `handler`."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return handler(request)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def observations(target: Target, identities: Identities | None = None) -> Mapping[str, Observation]:
    """Give the observations by step, having looked that each says what to do unless all is well."""
    found = [observation async for observation in consult(target, identities or Anonymous())]
    for observation in found:
        assert bool(observation.advice) == (observation.mark is not Mark.OK), observation
    return {observation.step: observation for observation in found}


def diagnose(handler: Handler, identities: Identities | None = None) -> Mapping[str, Observation]:
    """Let the doctor look at a server that answers by `handler`."""

    async def look() -> Mapping[str, Observation]:
        async with served(handler) as url:
            return await observations(target_at(url), identities)

    return asyncio.run(look())


def marks(found: Mapping[str, Observation], mark: Mark) -> set[str]:
    """Give the steps with a mark."""
    return {step for step, observation in found.items() if observation.mark is mark}


def not_found(_: web.BaseRequest) -> web.Response:
    """Answer 404 in JSON."""
    return web.json_response({"status": 1, "message": "?"}, status=404)


# ── a sound server ─────────────────────────────────────────────────────────────────────────────


def test_a_sound_server_gets_a_clean_bill(serve: Serve) -> None:
    """Every step that there is, and all of them well."""
    found = asyncio.run(observations(target_at(serve("Assembly").url)))
    assert marks(found, Mark.OK) == set(found)
    assert list(found) == [
        "name", "TCP", "HTTP", "discovery", "base path", "endpoints", "Engine.IO", "WebSocket", "CONNECT", "login",
        "CORS", "clock", "round trip", "local UDP",
    ]  # fmt: skip
    assert "core, ice, call" in found["discovery"].seen
    assert "pings every 25 s" in found["Engine.IO"].seen


def test_the_command_prints_the_findings(serve: Serve, kit: Kit) -> None:
    """A line each, then what to do next; exit code 0, or 4 with what is in the way."""
    url = serve("Assembly").url
    sound = kit.run("doctor", url)
    assert sound.code == 0, sound.output
    assert "ok    login            acknowledged, as sp." in sound.output
    assert f"{url} can be checked: signalproof check {url}\n" in sound.output
    assert "\033" not in sound.output
    astray = kit.run("doctor", f"{url}/api")
    assert astray.code == 4, astray.output
    assert "stop  base path" in astray.output
    assert f"Give {url} instead of {url}/api: there /offer answers." in astray.output


def test_the_command_needs_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a target file in the current folder."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["doctor"])
    assert "give the URL of the server" in result.output
    (tmp_path / "target.toml").write_text("urk = 'x'", encoding="utf-8")
    result = CliRunner().invoke(main, ["doctor"])
    assert "target.toml, line 1: 'urk' is unknown: did you mean 'url'?" in result.output


# ── below HTTP ─────────────────────────────────────────────────────────────────────────────────


def test_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing after it is tried but this machine's own UDP."""
    found = asyncio.run(observations(target_at(f"http://{'a' * 70}.example")))
    assert list(found) == ["name", "local UDP"]
    assert found["name"].mark is Mark.BLOCKED
    assert "spelt right" in found["name"].advice


def test_a_port_where_nothing_listens() -> None:
    """Its server may not run."""

    async def look() -> Mapping[str, Observation]:
        async with served(not_found) as url:
            pass
        return await observations(target_at(url))

    found = asyncio.run(look())
    assert list(found) == ["name", "TCP", "local UDP"]
    assert found["TCP"].mark is Mark.BLOCKED
    assert "127.0.0.1 (refused)" in found["TCP"].seen
    assert "Is the server running" in found["TCP"].advice


def test_tls_step_by_step(tmp_path: Path) -> None:
    """Untrusted, trusted but soon over, not examined, and not there at all."""
    certificate = tmp_path / "certificate.pem"
    write_certificate(certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def look() -> list[Mapping[str, Observation]]:
        async with served(not_found, context) as url:
            trusts = (None, tls_context(certificate, insecure=False), tls_context(None, insecure=True))
            found = [await observations(target_at(url, tls)) for tls in trusts]
        async with served(not_found) as plain:
            return [*found, await observations(target_at(plain.replace("http", "https")))]

    untrusted, trusted, insecure, absent = (found["TLS"] for found in asyncio.run(look()))
    assert untrusted.mark is Mark.BLOCKED
    assert "--ca-file FILE" in untrusted.advice
    assert trusted.mark is Mark.NOTE
    assert "certificate valid until" in trusted.seen
    assert insecure.mark is Mark.NOTE
    assert "not examined" in insecure.seen
    assert absent.mark is Mark.BLOCKED
    assert "http://" in absent.advice


# ── HTTP ───────────────────────────────────────────────────────────────────────────────────────


def test_a_web_site_is_told_from_a_server() -> None:
    """HTML wherever one looks, and no WebSocket."""
    page = "<!DOCTYPE html><html><h1>It works!</h1></html>"
    found = diagnose(lambda _: web.Response(text=page, content_type="text/html"))
    assert marks(found, Mark.BLOCKED) == {"WebSocket"}
    assert marks(found, Mark.NOTE) == {"discovery", "base path", "Engine.IO", "CORS"}
    assert "HTML page in place of the discovery document" in found["discovery"].seen
    assert "A web site answers there" in found["base path"].advice


def test_a_redirect_names_the_better_url() -> None:
    """As from http to https."""
    found = diagnose(lambda _: web.Response(status=301, headers={"location": "https://chat.example/x"}))
    assert "to https://chat.example/x" in found["HTTP"].seen
    assert found["base path"].mark is Mark.BLOCKED


def test_a_discovery_document_that_is_wrong_is_quoted() -> None:
    """With what its schema says."""

    def answer(request: web.BaseRequest) -> web.Response:
        if request.path.endswith("vcsp"):
            return web.json_response({"protocol": "vcsp", "version": 1, "profiles": [], "limits": {}})
        return not_found(request)

    assert "/version: 1 is not of type 'string'" in diagnose(answer)["discovery"].seen


# ── Engine.IO ──────────────────────────────────────────────────────────────────────────────────


def engine(polling: web.Response | None, posted: web.Response | None = None, version: str = "4") -> Handler:
    """Answer Engine.IO's long-polling of a version, and nothing else."""

    def answer(request: web.BaseRequest) -> web.Response:
        if "EIO" not in request.query or request.query["EIO"] != version or request.query["transport"] != "polling":
            return web.json_response({"code": 5, "message": "Unsupported protocol version"}, status=400)
        chosen = posted if request.method == "POST" else polling
        return web.Response(status=chosen.status, text=chosen.text) if chosen else not_found(request)

    return answer


def test_a_proxy_that_keeps_websocket_back() -> None:
    """Long-polling passes it: then there is a server behind."""
    found = diagnose(engine(web.Response(text=f"0{OPENING}"), web.Response(text="ok")))
    assert found["Engine.IO"].mark is Mark.OK
    assert "long-polling works, WebSocket does not" in found["WebSocket"].seen
    assert "Upgrade $http_upgrade" in found["WebSocket"].advice


def test_sticky_sessions_that_are_missing() -> None:
    """The second request of a session reaches somebody else."""
    unknown = web.Response(status=400, text=json.dumps({"code": 1, "message": "Session ID unknown"}))
    found = diagnose(engine(web.Response(text=f"0{OPENING}"), unknown))
    assert found["Engine.IO"].mark is Mark.NOTE
    assert "sticky sessions" in found["Engine.IO"].advice


@asynccontextmanager
async def balanced(*urls: str) -> AsyncIterator[str]:
    """Give each new connection to the next of several servers in turn, as a balancer without sticky sessions does."""
    turns = cycle(urlsplit(url).port for url in urls)
    under_way: set[asyncio.Task[object]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            under_way.add(task)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", next(turns))
        try:
            await asyncio.gather(carry(reader, up_writer), carry(up_reader, writer))
        finally:
            for end in (writer, up_writer):
                end.close()
            for end in (writer, up_writer):
                with suppress(OSError):
                    await end.wait_closed()

    async with await asyncio.start_server(forward, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_two_workers_need_sticky_sessions_and_one_does_not(workers: int, serve: Serve) -> None:
    """Behind the same balancer, and although WebSocket, which has no second request, works with both."""
    urls = [serve("Assembly").url for _ in range(workers)]

    async def look() -> list[Observation]:
        async with balanced(*urls) as url:
            http = Http(target_at(url))
            try:
                return [
                    observation async for observation in look_at_engine(replace(target_at(url), socket_url=url), http)
                ]
            finally:
                await http.close()

    polling, websocket = asyncio.run(look())
    assert websocket.mark is Mark.OK
    assert polling.mark is (Mark.NOTE if workers == 2 else Mark.OK)
    assert ("Session ID unknown" in polling.seen) == (workers == 2)
    assert ("nginx: `ip_hash`" in polling.advice) == (workers == 2)


def test_an_old_engine() -> None:
    """Version 3 is Socket.IO 2."""
    found = diagnose(engine(web.Response(text=f"96:0{OPENING}2:40"), version="3"))
    assert found["Engine.IO"].mark is Mark.BLOCKED
    assert "version 3 only" in found["Engine.IO"].seen


def test_long_polling_may_be_switched_off() -> None:
    """That is no reason for a note."""
    answer = web.Response(status=400, text='{"code":0,"message":"Transport unknown"}')
    assert diagnose(engine(answer))["Engine.IO"].mark is Mark.OK


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (engine(web.Response(text=f"0{OPENING}"), web.Response(text="ok")), "long-polling works, WebSocket does not"),
        (engine(web.Response(text=f"96:0{OPENING}2:40"), version="3"), "version 3 only, which is Socket.IO 2"),
        (not_found, "There is no Socket.IO server at"),
    ],
    ids=["proxy", "old", "none"],
)
def test_the_preflight_gives_the_same_reasons(handler: Handler, problem: str) -> None:
    """Though it looks closer only when something has failed."""

    async def look() -> None:
        async with served(handler) as url:
            target = target_at(url)
            http = Http(target)
            try:
                await examine(target, http, Anonymous())
            finally:
                await http.close()

    with pytest.raises(TargetUnusable, match=problem):
        asyncio.run(look())


# ── clocks, distance, UDP ──────────────────────────────────────────────────────────────────────


def dated(seconds: float) -> HttpReply:
    """Make a reply of a server whose clock differs from ours by so much."""
    return HttpReply(404, {"date": formatdate(time() + seconds, usegmt=True)}, b"", 0.0)


@pytest.mark.parametrize(
    ("skew", "seen"),
    [(600, "ahead of ours"), (-600, "behind ours"), (0, "the same as ours")],
)
def test_clocks_are_compared(skew: int, seen: str) -> None:
    """A difference is just said where there are no tokens."""

    def answer(request: web.BaseRequest) -> web.Response:
        response = not_found(request)
        response.headers["date"] = dated(skew).headers["date"]
        return response

    found = diagnose(answer)
    assert seen in found["clock"].seen
    assert found["clock"].mark is Mark.OK


def test_clocks_matter_to_tokens() -> None:
    """The quiet preflight makes a note of a clock that is far off, and of a token that is old."""
    soon = jwt.encode({"exp": time() + 20}, "s" * 32, algorithm="HS256")
    over = jwt.encode({"exp": time() - 20}, "s" * 32, algorithm="HS256")
    fresh = asyncio.run(Minted("s" * 32, "HS256").token("a"))
    assert clock.notes(dated(-600), None) == []
    for skew, words in ((-600, "behind ours, which tokens do not survive"), (600, "ahead of ours")):
        (note,) = clock.notes(dated(skew), fresh)
        assert words in note
    assert clock.notes(dated(0), fresh) == []
    assert "the token expires in" in clock.notes(dated(0), soon)[0]
    assert "the token expired" in clock.notes(dated(0), over)[0]
    assert clock.notes(dated(0), "opaque") == clock.notes(dated(0), "a.b.c") == []


def test_patience_grows_with_the_distance() -> None:
    """Unless the operator has said how long to wait; and `rate` leaves few checks at once."""
    far = replace(target_at("http://a.example"), patient=True, concurrency=0)
    assert preflight.scaled(far, 0.2).timeout == pytest.approx(5)
    assert preflight.scaled(far, 0.0).timeout == 3
    assert preflight.scaled(replace(far, patient=False), 0.2).timeout == 3
    assert preflight.scaled(far, 0.1).concurrency == 76
    assert preflight.scaled(far, 9).concurrency == 128
    assert [preflight.scaled(replace(far, rate=rate), 0.0).concurrency for rate in (1, 50, 1000)] == [1, 2, 16]
    assert preflight.scaled(replace(far, rate=1, concurrency=7), 0.0).concurrency == 7


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [([], "no network interface besides loopback"), (["203.0.113.9"], "UDP does not pass between two ports")],
)
def test_peers_that_cannot_meet_stop_a_run(monkeypatch: pytest.MonkeyPatch, addresses: list[str], problem: str) -> None:
    """No address of this machine, or one that no datagram comes to."""
    monkeypatch.setattr(interfaces, "host_addresses", lambda: addresses)
    with pytest.raises(TargetUnusable, match=problem):
        require_interface()
