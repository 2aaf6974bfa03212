"""HTTP below the application: what is no request, or would never end, is refused in JSON and bounded."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

import httpx
import pytest
from tests.server.conftest import LIMIT, OK, Running, Stage, play

MIB = 1_048_576
POST = b"POST /offer HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def tell(server: Running, *pieces: bytes) -> tuple[int, dict[str, str], Any]:
    """Send bytes, read until the server closes, and give status, headers and JSON body of the reply."""
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port), timeout=LIMIT) as connection:
        for piece in pieces:
            with suppress(ConnectionError):  # the reply may be there before the last byte is sent
                connection.sendall(piece)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert int(headers["content-length"]) == len(body)
    assert headers["content-type"] == "application/json"
    return int(lines[0].split()[1]), headers, json.loads(body)


ENDLESS = {
    "request line": [b"GET /online?x=" + b"x" * MIB],
    "request line at once": [b"GET /online?x=" + b"x" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"],
    "header": [b"GET /online HTTP/1.1\r\nhost: x\r\nx: " + b"x" * MIB],
    "headers": [b"GET /online HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 100_000],
    "headers at once": [b"GET /online HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 12_000 + b"\r\n"],
    "trailer": [POST + b"transfer-encoding: chunked\r\n\r\n0\r\nx: " + b"x" * MIB],
    "trailers": [POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 100_000],
    "chunk extension": [POST + b"transfer-encoding: chunked\r\n\r\n1;" + b"x" * MIB],
}


@pytest.mark.parametrize("pieces", ENDLESS.values(), ids=ENDLESS)
def test_a_head_without_end_is_refused(server: Running, pieces: list[bytes]) -> None:
    """HTTP-3, HTTP-12: after 64 KiB of head or trailers the connection ends, and the refusal can be read."""
    status, headers, body = tell(server, *pieces)
    assert (status, headers["connection"]) == (431, "close")
    assert (body["status"], body["code"]) == (1, "too_large")


NO_HTTP = {
    "words": b"this is no request\r\n\r\n",
    "control characters": b"GET /online HTTP/1.1\r\nho\0st: x\r\n\r\n",
    "length twice": POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    "length in words": POST + b"content-length: many\r\n\r\n",
    "length beyond counting": POST + b"content-length: " + b"9" * 5_000 + b"\r\n\r\n",
    "chunk": POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "next request": b"GET /online HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\nx\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_request_is_refused_in_json(server: Running, request_bytes: bytes) -> None:
    """HTTP-3, HTTP-14, HTTP-15."""
    status, headers, body = tell(server, request_bytes)
    assert (status, headers["connection"]) == (400, "close")
    assert (body["status"], body["code"]) == (1, "bad_request")


def test_a_length_of_many_zeros_is_a_length(server: Running) -> None:
    """HTTP-12: Python refuses to count to a number of 5,000 digits."""
    body = b"[]"
    request = POST + b"connection: close\r\ncontent-length: " + b"0" * 5_000 + b"2\r\n\r\n" + body
    status, _, reply = tell(server, request)
    assert (status, reply["code"]) == (400, "bad_request")
    assert "object" in reply["message"]


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("pieces", [1, 2], ids=["at once", "in two pieces"])
@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "h2c, websocket"])
def test_an_offer_to_upgrade_is_declined_by_answering(server: Running, upgrade: str, pieces: int, framing: str) -> None:
    """RFC 9110, 7.8: what is not upgraded is an ordinary request with its body; Java's client offers h2c."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob:
            fields = {"sid": alice.sid, "type": "sender", "reciever_login": "bob", "offer": "o" * 9_000}
            body = json.dumps(fields).encode()
            head = POST + b"connection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
            head += f"upgrade: {upgrade}\r\n".encode()
            if framing == "length":
                request = [head + f"content-length: {len(body)}\r\n\r\n".encode(), body]
            else:
                chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
                request = [head + b"transfer-encoding: chunked\r\n\r\n", chunk]
            status, _, reply = tell(server, *(request if pieces == 2 else [b"".join(request)]))
            assert (status, reply) == (200, OK)
            assert (await bob.next())[1]["sender_offer"] == "o" * 9_000

    play(server.url, scene)


def test_an_endpoint_does_not_turn_into_a_websocket(server: Running) -> None:
    """HTTP-3: only Socket.IO's path does."""
    handshake = b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
    status, _, reply = tell(
        server,
        b"GET /online HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n" + handshake + b"\r\n",
    )
    assert (status, reply) == (200, {"status": 0, "payload": []})
