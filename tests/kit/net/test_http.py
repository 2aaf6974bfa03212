"""HTTP: cookies that stay with their owner, replies that are read whole, and time limits that hold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter

import pytest
from aiohttp import web
from tests.kit.net.small_server import NAMES, SmallServer, client, serving, serving_bytes, target_at

from signalproof.net import http as http_module
from signalproof.net.failures import HttpFailure
from signalproof.net.http import UserAgent
from signalproof.net.raw_socket import RawSocket
from signalproof.net.sockets import Socket

# ── cookies ────────────────────────────────────────────────────────────────────────────────────


class Baker(SmallServer):
    """Gives each handshake a number, and each request the name in its header `x-user`, as cookies."""

    def socket(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """Set a cookie with the handshake."""
        socket = super().socket(request)
        socket.set_cookie("worker", str(next(self.numbers)))
        return socket

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Set a cookie with the reply."""
        response = web.Response()
        if name := request.headers.get("x-user"):
            response.set_cookie("user", name)
        return response

    def cookies(self, path: str) -> list[Mapping[str, str]]:
        """Give the cookies that came with the requests for a path."""
        return [note.cookies for note in self.notes if note.path == path]


async def bake(host: str, headers: tuple[tuple[str, str], ...] = ()) -> Baker:
    """Let two participants and the kit make requests and open sockets, in turn."""
    server = Baker()
    async with serving(server, host) as url, client(target := target_at(url, headers=headers)) as http:
        man, woman = http.user_agent(), http.user_agent()
        sockets = [Socket(target, agent, lambda *_: None, lambda: None) for agent in (man, woman)]
        for socket in sockets:
            await socket.connect()
        raw = await RawSocket.open(target, http.user_agent())
        users: dict[str, UserAgent] = {"man": man, "woman": woman}
        for path in ("/first", "/second"):
            for name, agent in users.items():
                await agent.request("POST", path, headers={"x-user": name}, content=b"{}")
        await http.request("GET", "/kit", headers={"x-user": "kit"})
        await http.request("GET", "/kit")
        again = Socket(target, man, lambda *_: None, lambda: None)
        await again.connect()
        for socket in (*sockets, again):
            await socket.close()
        await raw.close()
    return server


@pytest.mark.parametrize("host", NAMES)
def test_cookies_stay_with_their_participant(host: str) -> None:
    """From the handshake to requests and back, by name and by address, and never to anybody else."""
    server = asyncio.run(bake(host))
    # Numbers 2 and 4 are sids.
    assert server.cookies("/first") == [{"worker": "1"}, {"worker": "3"}]
    assert server.cookies("/second") == [{"worker": "1", "user": "man"}, {"worker": "3", "user": "woman"}]
    assert server.cookies("/kit") == [{}, {"user": "kit"}]
    assert server.cookies("/socket.io/") == [{}, {}, {}, {"worker": "1", "user": "man"}]


def test_a_cookie_of_the_operator_comes_along() -> None:
    """Beside those that the target sets."""
    server = asyncio.run(bake("127.0.0.1", (("Cookie", "gate=open"),)))
    assert all(note.cookies["gate"] == "open" for note in server.notes)
    assert server.cookies("/second")[0] == {"gate": "open", "worker": "1", "user": "man"}


# ── requests ───────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_sent_as_it_is() -> None:
    """No content type that nobody named, no escape undone, and its own headers in place of the operator's."""

    async def look() -> SmallServer:
        server = SmallServer()
        headers = (("X-Gate", "ö"), ("Authorization", "Basic x"))
        async with serving(server) as url, client(target_at(url, headers=headers)) as http:
            await http.request("POST", "/a%7E%2f?b=%zz", content=b"{}")
            await http.request("POST", "/own", headers={"authorization": "Bearer y"}, content=b"")
            await http.request("GET", "/none")
        return server

    plain, own, none = asyncio.run(look()).notes
    assert not any("content-type" in note.headers for note in (plain, own, none))
    assert plain.target == "/a%7E%2f?b=%zz"
    assert (plain.headers["x-gate"], plain.headers["authorization"]) == ("ö", "Basic x")
    assert (own.headers["authorization"], own.headers["content-length"]) == ("Bearer y", "0")
    assert "content-length" not in none.headers


def test_a_reply_is_decoded_and_its_headers_are_in_lower_case() -> None:
    """Whatever the encoding; and a redirect is a reply like any other."""

    class Packing(SmallServer):
        async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
            """Compress, and lead elsewhere."""
            response = web.Response(status=302, text="a" * 100_000, headers={"LOCATION": "/elsewhere"})
            response.enable_compression(web.ContentCoding(request.path[1:]))
            return response

    async def look() -> None:
        server = Packing()
        async with serving(server) as url, client(target_at(url)) as http:
            for coding in ("gzip", "deflate"):
                reply = await http.request("GET", f"/{coding}")
                assert (reply.status, reply.body) == (302, b"a" * 100_000)
                assert reply.headers["location"] == "/elsewhere"
                assert reply.headers["content-encoding"] == coding
        assert [note.path for note in server.notes] == ["/gzip", "/deflate"]

    asyncio.run(look())


class Dripping(asyncio.Protocol):
    """Begins a reply and goes on with it, a byte at a time or a mebibyte, and never comes to an end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Begin the reply."""
        self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.go_on(1_048_576 if b"/pour" in data else 1)

    def go_on(self, size: int) -> None:
        """Write more of it, now and then."""
        if not self.transport.is_closing():
            self.transport.write(b" " * size)
            asyncio.get_running_loop().call_later(0.01, self.go_on, size)


def test_the_time_limit_is_one_for_the_whole_reply() -> None:
    """A server that always says a little more is not waited for any longer."""

    async def look() -> float:
        async with serving_bytes(Dripping) as url, client(target_at(url, timeout=0.3)) as http:
            began = perf_counter()
            with pytest.raises(HttpFailure, match=r"no reply within 0\.\d s"):
                await http.request("GET", "/drip")
            return perf_counter() - began

    assert 0.3 <= asyncio.run(look()) < 1.5


def test_a_reply_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the limit is named."""
    monkeypatch.setattr(http_module, "LONGEST_REPLY", 4_000_000)

    async def look() -> None:
        async with serving_bytes(Dripping) as url, client(target_at(url, timeout=20)) as http:
            with pytest.raises(HttpFailure, match="the reply is longer than 4,000,000 bytes"):
                await http.request("GET", "/pour")

    asyncio.run(look())


def test_what_is_no_http_is_a_failure_in_words() -> None:
    """So is a port where nothing listens, and a header that cannot be sent."""

    class Odd(Dripping):
        def data_received(self, data: bytes) -> None:
            """Speak another protocol."""
            self.transport.write(b"220 mail.example ESMTP\r\n")

    async def look() -> None:
        async with serving_bytes(Odd) as url, client(target_at(url)) as http:
            with pytest.raises(HttpFailure, match="Expected HTTP"):
                await http.request("GET", "/")
            with pytest.raises(HttpFailure, match="header"):
                await http.request("GET", "/", headers={"x": "a\nb"})
        async with client(target_at(url)) as http:
            with pytest.raises(HttpFailure, match="Connect call failed"):
                await http.request("GET", "/")

    asyncio.run(look())
