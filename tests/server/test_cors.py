"""Origins: the same list for both edges, and no credentials on either."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import websockets
from tests.server.conftest import LIMIT, Running, serving
from websockets.sync.client import connect

from signalproof_server.config import Settings

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
PATHS = ["/online", "/nowhere", HANDSHAKE, "/socket.io/?EIO=3"]
PAGE = "https://page.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


@pytest.fixture(scope="module")
def choosy() -> Iterator[Running]:
    """A server for the pages of one origin."""
    with serving(settings=Settings(cors_origins=(PAGE,))) as running:
        yield running


def get(server: Running, path: str, origin: str) -> httpx.Response:
    """Ask as a page of this origin."""
    return httpx.get(server.url + path, headers={"origin": origin}, timeout=LIMIT, trust_env=False)


@pytest.mark.parametrize("origin", [PAGE, "null"])
@pytest.mark.parametrize("path", PATHS)
def test_any_page_may_ask_and_none_with_credentials(server: Running, path: str, origin: str) -> None:
    """HTTP-11: `*` hands a foreign page nothing that it could not have by itself."""
    headers = get(server, path, origin).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_the_list_may_ask_and_caches_are_told(choosy: Running, path: str) -> None:
    """A reply for one origin must not be given to a page of another one."""
    headers = get(choosy, path, PAGE).headers
    assert headers["access-control-allow-origin"] == PAGE
    assert "origin" in headers["vary"].lower()
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", ["https://other.example", "null"])
def test_another_page_may_not(choosy: Running, path: str, origin: str) -> None:
    """The browser keeps the reply from it."""
    headers = get(choosy, path, origin).headers
    assert "access-control-allow-origin" not in headers
    assert "origin" in headers["vary"].lower()


@pytest.mark.parametrize("path", ["/offer", HANDSHAKE])
def test_a_preflight_is_answered_on_both_edges(server: Running, choosy: Running, path: str) -> None:
    """HTTP-11."""
    for running, origin, status in [(server, PAGE, 200), (choosy, PAGE, 200), (choosy, "https://other.example", 400)]:
        reply = httpx.options(running.url + path, headers=PREFLIGHT | {"origin": origin}, trust_env=False)
        assert reply.status_code == status
        assert "access-control-allow-credentials" not in reply.headers


def test_a_websocket_asks_nobody_so_the_server_looks(choosy: Running) -> None:
    """RFC 6455, section 10.2: there is no preflight."""
    url = choosy.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    with connect(url, origin=websockets.Origin(PAGE), proxy=None) as page:
        assert str(page.recv(LIMIT)).startswith("0{")
    with pytest.raises(websockets.InvalidStatus), connect(url, origin=websockets.Origin("null"), proxy=None):
        pass
