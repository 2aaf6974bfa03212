"""Politeness: `--rate` spreads what goes to the target, and `--dry-run` sends next to nothing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from signalproof.config.target import Target
from signalproof.net.failures import HttpFailure, SocketFailure
from signalproof.net.http import Http
from signalproof.net.rate_limit import Pace
from signalproof.net.raw_socket import RawSocket
from signalproof.net.sockets import Socket

if TYPE_CHECKING:
    from tests.kit.conftest import Kit


async def turns(pace: Pace, number: int) -> list[float]:
    """Take turns all at once, and give the times at which they came."""
    times: list[float] = []

    async def one() -> None:
        await pace.turn()
        times.append(perf_counter())

    await asyncio.gather(*(one() for _ in range(number)))
    return times


def test_turns_come_one_by_one() -> None:
    """Never sooner than the rate allows, and in order."""
    began = perf_counter()
    times = asyncio.run(turns(Pace(100), 11))
    assert times == sorted(times)
    assert times[-1] - began >= 0.1
    for number, at in enumerate(times):
        assert at - began >= number / 100 - 0.002


def test_without_a_rate_turns_come_at_once() -> None:
    """A million of them would."""
    pace = Pace(0)
    began = perf_counter()
    asyncio.run(turns(pace, 1000))
    assert perf_counter() - began < 1


def test_a_turn_that_is_given_up_hurts_nobody() -> None:
    """The others come all the same."""

    async def give_up() -> list[float]:
        pace = Pace(50)
        await pace.turn()
        waiting = asyncio.ensure_future(pace.turn())
        others = asyncio.ensure_future(turns(pace, 2))
        await asyncio.wait([waiting], timeout=0.001)
        waiting.cancel()
        return await others

    assert len(asyncio.run(give_up())) == 2


def test_requests_and_connects_share_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mechanism, in the transport: two requests, two sockets of either kind."""
    taken: list[Pace] = []

    async def turn(pace: Pace) -> None:
        taken.append(pace)

    monkeypatch.setattr(Pace, "turn", turn)

    async def use() -> None:
        target = Target(
            url="http://127.0.0.1:1", socket_url="http://127.0.0.1:1", profiles=(), profiles_reason="", timeout=1
        )
        http = Http(target)
        try:
            for path in ("/offer", "/online"):
                with pytest.raises(HttpFailure):
                    await http.request("GET", path)
            with pytest.raises(SocketFailure):
                await Socket(target, http, lambda *_: None, lambda: None).connect()
            with pytest.raises(SocketFailure):
                await RawSocket.open(target, http)
        finally:
            await http.close()

    asyncio.run(use())
    assert len(taken) == 4
    assert len(set(map(id, taken))) == 1


# ── --dry-run ──────────────────────────────────────────────────────────────────────────────────


@contextmanager
def describing() -> Iterator[tuple[str, list[str]]]:
    """Serve a discovery document to whatever comes; give the URL, and the requests as they come."""
    requests: list[str] = []
    document = {"protocol": "vcsp", "version": "1.0", "profiles": ["core", "presence"], "limits": {}}

    class Document(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Note the request and answer."""
            requests.append(self.requestline)
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Document) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", requests
        finally:
            server.shutdown()
            thread.join()


def test_a_dry_run_reads_the_discovery_document_and_lists_the_checks(kit: Kit) -> None:
    """One request, no report, exit code 0; profiles that are not claimed are left out."""
    with describing() as (url, requests):
        run = kit.check(url, "--dry-run")
    assert run.code == 0, run.output
    assert requests == ["GET /.well-known/vcsp HTTP/1.1"]
    assert "  test_an_offer_to_a_login_without_connection_is_refused: OFFER-6" in run.output
    assert "presence:" in run.output
    assert "\nice:" not in run.output
    assert "checks would run; no user was logged in, and nothing was posted" in run.output
    assert "CONFORMANT" not in run.output
    assert run.report is None


def test_a_dry_run_with_profiles_sends_nothing(kit: Kit) -> None:
    """And one that selects nothing has exit code 5."""
    with describing() as (url, requests):
        run = kit.check(url, "--dry-run", "--profiles", "core", "-k", "no_check_has_this_name")
    assert run.code == 5, run.output
    assert requests == []
