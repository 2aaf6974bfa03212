"""Preflight: what must work before any check can say something, each failure with its remedy."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from signalproof.errors import InvalidTarget, TargetUnusable
from signalproof.identity import Anonymous, Identities
from signalproof.peer import host_addresses
from signalproof.requirements import PROFILES
from signalproof.schemas import violation
from signalproof.target import Target, parse_url
from signalproof.transport import ConnectRefused, Http, HttpFailure, HttpReply, Socket, SocketFailure
from signalproof.wire import connect_auth, encode_body, login_payload, offer_fields

__all__ = ["examine", "require_interface"]


async def examine(target: Target, http: Http, identities: Identities, *, available: Sequence[str]) -> Target:
    """Find out whether the target can be judged, and complete what the options left open.

    Raises `TargetUnusable` when it cannot: nothing listens, no Socket.IO, no VCSP.
    """
    discovered = await _discovery(target, http)
    target = _complete(target, discovered, available, tokens=type(identities) is not Anonymous)
    login = identities.claim(f"sp.{secrets.token_hex(4)}.doctor")
    token = await identities.token(login)
    identities.release()
    if token is None and "auth" in target.profiles:
        raise TargetUnusable(
            f"{target.url} asks for bearer tokens (profile auth), and there are none.",
            "Give --jwt-secret-file or --jwt-key-file to sign tokens, --token-command to print them, "
            "or --target-file with accounts.",
        )
    probe = await _probe_offer(target, http)
    socket = Socket(target, http, lambda *_: None, lambda: None)
    try:
        await _probe_socket(target, socket, token)
        if probe.status in {404, 405} or 300 <= probe.status < 400:
            raise TargetUnusable(
                f"POST {target.url}/offer got HTTP {probe.status}: there is Socket.IO, but no VCSP endpoint.",
                "Give the base URL below which /offer lives, with its path prefix if it has one; "
                "if Socket.IO lives elsewhere, name that with --socket-url.",
            )
        await _probe_login(target, socket, login)
    finally:
        await socket.close()
    declared = discovered.get("limits", {})
    limits = {name: float(value) for name, value in declared.items() if isinstance(value, int | float)}
    limits["silent_loss_seconds"] = socket.ping_seconds + 5
    concurrency = target.concurrency or min(16 + round(probe.elapsed * 600), 128)
    return replace(target, round_trip=probe.elapsed, limits=limits, concurrency=concurrency)


def require_interface() -> None:
    """Raise `TargetUnusable` when this machine has no interface on which two WebRTC peers can meet."""
    if not host_addresses():
        raise TargetUnusable(
            "This machine has no network interface besides loopback, which ICE cannot use for WebRTC peers.",
            "Add one (as root: ip link add vcsp0 type dummy && ip address add 192.0.2.1/24 dev vcsp0 "
            "&& ip link set vcsp0 up) or leave the checks of real peers out with -m 'not webrtc'.",
        )


async def _discovery(target: Target, http: Http) -> dict[str, Any]:
    """Read the discovery document; an absent or invalid one is none."""
    try:
        reply = await http.request("GET", "/.well-known/vcsp")
    except HttpFailure as failure:
        remedy = "Is the server running, and are host, port and scheme (http or https) right?"
        if "CERTIFICATE" in str(failure):
            remedy = "Trust its authority with --ca-file FILE, or any certificate with --insecure."
        raise TargetUnusable(f"Nothing usable answers at {target.url}: {failure}.", remedy) from None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(reply.body)
        if reply.status == 200 and isinstance(document, dict) and violation("Discovery", document) is None:
            return document
    return {}


def _complete(target: Target, discovered: dict[str, Any], available: Sequence[str], *, tokens: bool) -> Target:
    socket_url = target.socket_url
    if not socket_url:
        try:
            socket_url = parse_url(str(discovered.get("socket_url", target.url)), option="socket_url")
        except InvalidTarget as error:
            raise TargetUnusable(f"The discovery document is wrong: {error}.", "Correct its socket_url.") from None
    profiles, reason = target.profiles, target.profiles_reason
    if not profiles:
        claimed = [name for name in PROFILES if name in discovered.get("profiles", [])]
        profiles = tuple(name for name in PROFILES if name in available and (name == "core" or name in claimed))
        reason = "claimed by the discovery document" if discovered else "no discovery document, so core alone"
        if tokens and "auth" not in profiles:
            profiles, reason = (*profiles, "auth"), f"{reason}; auth, because tokens were given"
    return replace(target, socket_url=socket_url, profiles=profiles, profiles_reason=reason)


async def _probe_offer(target: Target, http: Http) -> HttpReply:
    body = encode_body(offer_fields("signalproof-doctor", "nobody", "{}"))
    try:
        return await http.request(
            "POST", "/offer", headers={"content-type": body.content_type or ""}, content=body.content
        )
    except HttpFailure as failure:
        raise TargetUnusable(
            f"POST {target.url}/offer got no reply: {failure}.",
            "Look into the server's log, or raise --timeout.",
        ) from None


async def _probe_socket(target: Target, socket: Socket, token: str | None) -> None:
    try:
        await socket.connect(connect_auth(token))
    except ConnectRefused as refusal:
        raise TargetUnusable(
            f"{target.socket_url}/socket.io/ refused the connection: {refusal}.",
            "If it asks for a token: is it the right secret, key or command, and are claims such as aud missing?",
        ) from None
    except SocketFailure as failure:
        raise TargetUnusable(
            f"There is no Socket.IO server at {target.socket_url}/socket.io/: {failure}.",
            "VCSP needs Engine.IO 4 over WebSocket; if Socket.IO lives elsewhere, name that with --socket-url.",
        ) from None


async def _probe_login(target: Target, socket: Socket, login: str) -> None:
    try:
        acknowledgement = await socket.request("login", login_payload(login), timeout=target.timeout)
    except SocketFailure as failure:
        raise TargetUnusable(
            f"{target.socket_url}/socket.io/ speaks Socket.IO, but the event `login` got {failure}.",
            "Acknowledge `login` once the login is stored (LOGIN-2); without that nothing else can be checked.",
        ) from None
    if acknowledgement and violation("Failure", acknowledgement[0]) is None:
        raise TargetUnusable(
            f"{target.socket_url}/socket.io/ refused the login {login}: {acknowledgement[0]}.",
            "If it only takes known users, give their tokens or accounts; if names have a form, list accounts.",
        )
