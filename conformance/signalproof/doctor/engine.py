"""Engine.IO below Socket.IO: its version, its transports, and whether a proxy lets WebSocket through."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from signalproof.config.target import Target
from signalproof.doctor.gate import Gate, described, gate
from signalproof.doctor.observations import Mark, Observation, blocked, good, note
from signalproof.net.failures import HttpFailure, Redirected, SocketFailure
from signalproof.net.http import Http, HttpReply
from signalproof.net.raw_socket import RawSocket
from signalproof.text.untrusted import read_json

__all__ = ["OVERLOADED", "elsewhere", "look", "obstacle"]

EVER = 2**53
"""What no time or size reaches: whole numbers up to it are exact, whoever reads them (RFC 8259, section 6)."""
SESSIONS = 4
"""How many sessions are opened to see whether they stay: where chance decides, one in sixteen misses it."""
_WHOLE = (
    "A proxy has to pass on what is below /socket.io/, and with its whole path (nginx: `location /socket.io/` and "
    "`proxy_pass` without a path; Caddy: `handle /socket.io/*`, not `handle_path` and not without the star)."
)
_NEW = {"connection": "close"}
"""Has each request go over a connection of its own, for balancers that choose by connection."""
_TIMERS = ("pingInterval", "pingTimeout")
_OPEN = re.compile(r"^(?:\d+:)?0(\{.*?\})", re.DOTALL)
OVERLOADED = (
    "The server is there, and overloaded or standing still: look at its load and its log (one worker that waits for "
    "a database holds up all handshakes), or give it more time with --timeout."
)
_UPGRADE = (
    "A proxy in between has to pass WebSocket on: for nginx, `proxy_http_version 1.1`, "
    "`proxy_set_header Upgrade $http_upgrade` and `proxy_set_header Connection upgrade`. HAProxy and Caddy do so "
    "unless a rule takes one of these headers away, or asks for another `Connection`."
)


async def look(target: Target, http: Http) -> AsyncIterator[Observation]:
    """Look at long-polling, which browsers begin with, and at WebSocket, which the checks use."""
    polling = await _poll(target, http, 4)
    opened, way = opening(polling), _gate(target, polling)
    websocket = await _websocket(target, http, way, polls=opened is not None)
    if opened is None:
        yield await _no_polling(target, http, polling, way)
    else:
        stays = await _sessions_stay(target, http, str(opened.get("sid")))
        seen = f"version 4 over long-polling; {_timers(opened)}"
        yield (
            good("Engine.IO", seen)
            if stays
            else note(
                "Engine.IO",
                f"{seen}; but a second request does not find the session (Session ID unknown)",
                "Several processes answer: route each client to one of them (sticky sessions; nginx: `ip_hash`), "
                "run one, or let pages connect with `transports: ['websocket']` alone; others are lost now and then.",
            )
        )
    yield websocket


async def obstacle(target: Target, http: Http) -> Observation | None:
    """Give what keeps Engine.IO from working, or None where all of it works."""
    return next(iter([seen async for seen in look(target, http) if seen.mark is Mark.BLOCKED]), None)


def elsewhere(target: Target) -> str:
    """Say what to do where Socket.IO is not found, by who said where it is."""
    if target.socket_url_from:
        return (
            f"{target.socket_url_from} names {target.socket_url}: give the URL below which socket.io/ lives there, "
            "without that last part."
        )
    return "If Socket.IO lives elsewhere, name that with --socket-url."


def _gate(target: Target, polling: HttpReply | str) -> Gate | None:
    """Say what stands before Engine.IO; its own refusals are JSON with a code."""
    if isinstance(polling, str) or opening(polling) is not None or b'"code"' in polling.body[:100]:
        return None
    return gate(polling, "GET", target.socket_url, "/socket.io/")


def opening(reply: HttpReply | str) -> Mapping[str, Any] | None:
    """Read the open packet of Engine.IO out of a polling reply, of version 3 or 4."""
    if isinstance(reply, str) or reply.status != 200:
        return None
    return _open_packet(reply.body.decode("utf-8", "replace"))


def _open_packet(text: str) -> Mapping[str, Any] | None:
    found = _OPEN.match(text)
    try:
        packet = read_json(found[1]) if found else None
    except ValueError:
        return None
    return packet if isinstance(packet, dict) and "sid" in packet else None


async def _poll(target: Target, http: Http, version: int) -> HttpReply | str:
    path = f"/socket.io/?EIO={version}&transport=polling"
    try:
        return await http.request("GET", path, base=target.socket_url, headers=_NEW)
    except HttpFailure as failure:
        return str(failure)


async def _sessions_stay(target: Target, http: Http, sid: str) -> bool:
    """Open a few sessions, `sid` being the first, and say whether the second request of each finds it."""
    for _ in range(SESSIONS - 1):
        if not await _leave(target, http, sid):
            return False
        opened = opening(await _poll(target, http, 4))
        if opened is None:
            return True
        sid = str(opened.get("sid"))
    return await _leave(target, http, sid)


async def _leave(target: Target, http: Http, sid: str) -> bool:
    """End the polling session, and say whether the server still knew it."""
    path = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
    try:
        headers = {**_NEW, "content-type": "text/plain;charset=UTF-8"}
        reply = await http.request("POST", path, base=target.socket_url, headers=headers, content=b"1")
    except HttpFailure:
        return True
    return not (reply.status == 400 and b"ession" in reply.body)


async def _no_polling(target: Target, http: Http, reply: HttpReply | str, way: Gate | None) -> Observation:
    """Tell apart: polling is switched off, another version, and something else altogether."""
    if opening(await _poll(target, http, 3)) is not None:
        return blocked(
            "Engine.IO",
            "version 3 only, which is Socket.IO 2",
            "Upgrade the server to Socket.IO 3 or later (python-socketio 5 or later): VCSP needs Engine.IO 4.",
        )
    text = "" if isinstance(reply, str) else reply.body.decode("utf-8", "replace")
    if not isinstance(reply, str) and reply.status == 400 and "ransport" in text:
        return good("Engine.IO", "there, with long-polling switched off, which VCSP does not need")
    if way is not None:
        return note("Engine.IO", f"long-polling: {way.seen}", f"WebSocket decides, see below. {way.advice}")
    advice = f"WebSocket decides, see below. {elsewhere(target)}"
    return note("Engine.IO", f"long-polling got {described(reply)}", advice)


async def _websocket(target: Target, http: Http, way: Gate | None, *, polls: bool) -> Observation:
    try:
        socket = await RawSocket.open(target, http)
    except SocketFailure as failure:
        return _unopened(target, failure, way, polls=polls)
    try:
        packet = await socket.receive(target.timeout)
    except SocketFailure as failure:
        return blocked(
            "WebSocket",
            f"the WebSocket opens, but Engine.IO says nothing: {failure}",
            OVERLOADED if polls else f"Something else than Engine.IO answers there. {elsewhere(target)}",
        )
    finally:
        await socket.close()
    opened = _open_packet(packet) if isinstance(packet, str) else None
    if opened is None:
        return blocked(
            "WebSocket",
            f"the WebSocket opens, but its first frame is no open packet of Engine.IO: {str(packet)[:60]!r}",
            f"Something else than Engine.IO answers there. {elsewhere(target)}",
        )
    if wrong := [name for name in _TIMERS if _seconds(opened.get(name)) is None]:
        return blocked(
            "WebSocket",
            f"the open packet of Engine.IO gives no time as {' and '.join(wrong)}",
            "Both have to be numbers of milliseconds, such as 25000: clients compute with them.",
        )
    return good("WebSocket", "opens at once and all the way through")


def _unopened(target: Target, failure: SocketFailure, way: Gate | None, *, polls: bool) -> Observation:
    """Tell apart: something in between, a proxy that keeps WebSocket back, overload, and no Engine.IO at all."""
    if isinstance(failure, Redirected):
        return blocked("WebSocket", str(failure), way.advice if way else elsewhere(target))
    if polls:
        return blocked("WebSocket", f"long-polling works, WebSocket does not: {failure}", _UPGRADE)
    if way is not None:
        return blocked("WebSocket", way.seen, way.advice)
    if isinstance(failure.__cause__, TimeoutError):
        return blocked("WebSocket", f"no answer to a handshake within {target.timeout:g} s", OVERLOADED)
    return blocked(
        "WebSocket",
        f"there is no Engine.IO at {target.socket_url}/socket.io/: {failure}",
        f"VCSP needs Engine.IO 4 over WebSocket. {elsewhere(target)} {_WHOLE}",
    )


def _timers(opened: Mapping[str, Any]) -> str:
    interval, limit = (_seconds(opened.get(name)) for name in _TIMERS)
    if interval is None or limit is None:
        return "it does not say how often it pings"
    return f"it pings every {interval:g} s and waits {limit:g} s"


def _seconds(milliseconds: object) -> float | None:
    """Give a time out of an open packet in seconds, or None for what is none."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return milliseconds / 1000 if 0 <= milliseconds <= EVER else None
