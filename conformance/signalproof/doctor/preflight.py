"""Preflight: what must work before any check can say something, each failure with its remedy."""

from __future__ import annotations

import secrets
import socket as udp
from dataclasses import replace

from signalproof.config.identity import Identities
from signalproof.config.target import Target
from signalproof.doctor import clock, endpoints, engine, layers
from signalproof.doctor.claims import complete, discovery_in
from signalproof.errors import TargetUnusable
from signalproof.net.failures import ConnectRefused, HttpFailure, SocketFailure
from signalproof.net.http import Http, HttpReply
from signalproof.net.link import round_trip
from signalproof.net.sockets import Socket
from signalproof.protocol.discovery import DISCOVERY
from signalproof.protocol.schemas import violation
from signalproof.protocol.wire import connect_auth, login_payload
from signalproof.text.redact import cut

__all__ = ["connect", "discover", "examine", "log_in", "new_login", "require_interface"]


async def examine(target: Target, http: Http, identities: Identities) -> Target:
    """Find out whether the target can be judged, and complete what the options left open.

    Raises `TargetUnusable` when it cannot: nothing listens, no Socket.IO, no VCSP.
    """
    try:
        target = await _examined(target, http, identities)
    except TargetUnusable as unusable:
        raise TargetUnusable(target.conceal(unusable.problem), target.conceal(unusable.remedy)) from None
    http.adopt(target)
    return target


async def _examined(target: Target, http: Http, identities: Identities) -> Target:
    reply = await discover(target, http)
    discovery = discovery_in(reply)
    open_to_proposals = not target.profiles and not discovery.served
    target = complete(target, discovery, identities)
    login, token = await new_login(target, identities)
    probe = await endpoints.probe_offer(target, http)
    endpoints.judge_way(target, probe, reply)
    socket = Socket(target, http, lambda *_: None, lambda: None)
    try:
        await connect(target, http, socket, token, probe)
        await endpoints.judge_offer(target, probe, http)
        await log_in(target, socket, login, token)
    finally:
        await socket.close()
    proposal = await endpoints.proposal(target, http, token) if open_to_proposals else None
    notes = (*target.notes, *filter(None, [proposal]), *clock.notes(reply, token))
    limits = {"silent_loss_seconds": socket.ping_seconds + 5, "ping_seconds": socket.ping_seconds, **target.limits}
    # What a request takes beyond the link is the server's own time: more checks at once would only make it longer.
    link = await round_trip(target, http)
    distance = probe.elapsed if link is None else min(link, probe.elapsed)
    return replace(scaled(target, distance), limits=limits, notes=notes)


def scaled(target: Target, round_trip: float) -> Target:
    """Fit time limit and concurrency, where the operator left them open, to the distance of the target."""
    many = 16 + round(round_trip * 600)
    if target.rate:
        # Checks have time limits too: few that run at full speed instead of many that wait for their turn.
        many = min(many, round(target.rate / 20))
    return replace(
        target,
        round_trip=round_trip,
        concurrency=target.concurrency or max(1, min(many, 128)),
        timeout=target.timeout + 10 * round_trip if target.patient else target.timeout,
    )


def require_interface() -> None:
    """Raise `TargetUnusable` when two WebRTC peers on this machine could not meet."""
    from signalproof.net.interfaces import host_addresses

    addresses = host_addresses()
    if not addresses:
        raise TargetUnusable(
            "This machine has no network interface besides loopback, which ICE cannot use for WebRTC peers.",
            "Add one (as root: ip link add vcsp0 type dummy && ip address add 192.0.2.1/24 dev vcsp0 "
            "&& ip link set vcsp0 up) or leave the checks of real peers out with -m 'not webrtc'.",
        )
    if not any(map(_udp_passes, addresses)):
        raise TargetUnusable(
            f"UDP does not pass between two ports of this machine ({', '.join(addresses)}), so WebRTC peers cannot "
            "meet.",
            "Let the firewall of this machine pass it, or leave the checks of real peers out with -m 'not webrtc'.",
        )


def _udp_passes(address: str) -> bool:
    family = udp.AF_INET6 if ":" in address else udp.AF_INET
    try:
        with udp.socket(family, udp.SOCK_DGRAM) as one, udp.socket(family, udp.SOCK_DGRAM) as other:
            for end in (one, other):
                end.bind((address, 0))
                end.settimeout(1)
            for sender, hearer in ((one, other), (other, one)):
                sender.sendto(b"signalproof", hearer.getsockname())
                if hearer.recv(64) != b"signalproof":
                    return False
    except OSError:
        return False
    return True


async def discover(target: Target, http: Http) -> HttpReply:
    """Ask for the discovery document; raises `TargetUnusable` when nothing answers."""
    try:
        return await http.request("GET", DISCOVERY)
    except HttpFailure as failure:
        raise await _unreachable(target, failure) from None


async def _unreachable(target: Target, failure: HttpFailure) -> TargetUnusable:
    """Say in which layer it fails; only a failed run pays for that."""
    obstacle = await layers.first_obstacle(target.url, target.tls, target.timeout)
    seen, remedy = str(failure), "Is this the port of a web server?"
    if obstacle is not None:
        seen, remedy = f"{obstacle.step}: {obstacle.seen}", obstacle.advice
    elif target.url.startswith("http://") and await layers.speaks_tls(target.url, target.timeout):
        seen = "this port speaks TLS, and was spoken to without"
        remedy = f"Give {target.url.replace('http://', 'https://', 1)} instead of {target.url}."
    elif isinstance(failure.__cause__, TimeoutError):
        seen, remedy = f"the port is open, but {failure}", engine.OVERLOADED
    return TargetUnusable(f"Nothing usable answers at {target.url}: {seen}.", remedy)


async def new_login(target: Target, identities: Identities) -> tuple[str, str | None]:
    """Give a login for the doctor and its token, if there is one; raises `TargetUnusable` when there should be."""
    login = identities.claim(f"sp.{secrets.token_hex(4)}.doctor")
    token = await identities.token(login)
    identities.release()
    if token is None and "auth" in target.profiles:
        raise TargetUnusable(
            f"{target.url} asks for bearer tokens (profile auth), and there are none.",
            "Give --jwt-secret-file or --jwt-key-file to sign tokens, --token-command to print them, "
            "or --target-file with accounts.",
        )
    return login, token


async def connect(target: Target, http: Http, socket: Socket, token: str | None, probe: HttpReply) -> None:
    """Connect as the checks do; raises `TargetUnusable` when that fails, with the cause where it can be told.

    `probe` is the reply of the endpoint for offers.
    """
    try:
        await socket.connect(connect_auth(token))
    except ConnectRefused as refusal:
        raise TargetUnusable(
            f"{target.socket_url}/socket.io/ refused the connection: {_quoted(str(refusal), token)}.",
            "If it asks for a token: is it the right secret, key or command, and are claims such as aud missing?",
        ) from None
    except SocketFailure as failure:
        raise await _unconnected(target, http, failure, probe) from None


async def _unconnected(target: Target, http: Http, failure: SocketFailure, probe: HttpReply) -> TargetUnusable:
    """Say why there is no connection; only a failed run pays for that."""
    there = f"{target.socket_url}/socket.io/"
    if (found := await engine.obstacle(target, http)) is None:
        late = isinstance(failure.__cause__, TimeoutError)
        return TargetUnusable(
            f"{there}: Engine.IO answers, but a Socket.IO connection does not come about: {failure}.",
            engine.OVERLOADED if late else "Look into the server's log: does its `connect` handler fail?",
        )
    if not found.seen.startswith("there is no Engine.IO"):
        return TargetUnusable(f"{there}: {found.seen}.", found.advice)
    if not target.socket_url_from and endpoints.absent(probe):
        return TargetUnusable(
            f"There is no Socket.IO server at {there}: {failure}, and POST {target.url}/offer got HTTP {probe.status}.",
            f"Neither is there: {await endpoints.where_it_lives(target, http)}; if Socket.IO lives elsewhere, "
            "name that with --socket-url.",
        )
    return TargetUnusable(f"There is no Socket.IO server at {there}: {failure}.", found.advice)


async def log_in(target: Target, socket: Socket, login: str, token: str | None) -> None:
    """Log in as the checks do; raises `TargetUnusable` when that fails."""
    try:
        acknowledgement = await socket.request("login", login_payload(login), timeout=target.timeout)
    except SocketFailure as failure:
        raise TargetUnusable(
            f"{target.socket_url}/socket.io/ speaks Socket.IO, but the event `login` got {failure}.",
            "Acknowledge `login` once the login is stored (LOGIN-2); without that nothing else can be checked.",
        ) from None
    if acknowledgement and violation("Failure", acknowledgement[0]) is None:
        raise TargetUnusable(
            f"{target.socket_url}/socket.io/ refused the login {login}: {_quoted(str(acknowledgement[0]), token)}.",
            "If it only takes known users, give their tokens or accounts; if names have a form, list accounts.",
        )


def _quoted(text: str, token: str | None) -> str:
    """Quote what the target says, but neither at length nor the token, which some servers repeat."""
    return cut(text.replace(token, "<token>") if token else text, 200)
