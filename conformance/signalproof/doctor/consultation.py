"""The whole examination, step by step, for a person who reads it: `signalproof doctor`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from statistics import median

from signalproof.config.identity import Identities
from signalproof.config.target import Target
from signalproof.doctor import clock, endpoints, engine, layers, preflight
from signalproof.doctor.claims import complete, discovery_in
from signalproof.doctor.gate import described, gate
from signalproof.doctor.observations import Mark, Observation, blocked, good, note
from signalproof.errors import SignalproofError, TargetUnusable
from signalproof.judge.reply import Outcome, read_reply
from signalproof.net.failures import HttpFailure
from signalproof.net.http import Http, HttpReply
from signalproof.net.link import round_trip
from signalproof.net.sockets import Socket
from signalproof.protocol.discovery import DISCOVERY, Discovery

__all__ = ["consult"]

ORIGIN = "https://page.example"
"""An origin that no server knows, for asking as a page would."""
SAMPLES = 5


async def consult(target: Target, identities: Identities) -> AsyncIterator[Observation]:
    """Look at everything that a run needs, and give each observation as it is made.

    What a blocked step makes pointless is left out.
    """
    http = Http(target)
    try:
        reached = True
        async for observation in layers.look(target.url, target.tls, target.timeout):
            reached = reached and observation.mark is not Mark.BLOCKED
            yield observation
        if reached:
            async for observation in _speak(target, http, identities):
                seen, advice = target.conceal(observation.seen), target.conceal(observation.advice)
                yield replace(observation, seen=seen, advice=advice)
    finally:
        await http.close()
    yield _udp()


async def _speak(target: Target, http: Http, identities: Identities) -> AsyncIterator[Observation]:
    try:
        reply = await preflight.discover(target, http)
    except TargetUnusable as unusable:
        yield blocked("HTTP", unusable.problem, unusable.remedy)
        return
    yield _http(target, reply)
    discovery = discovery_in(reply)
    try:
        claims = complete(target, discovery, identities)
    except TargetUnusable as unusable:
        yield blocked("discovery", unusable.problem, unusable.remedy)
        return
    yield _discovery(claims, reply, discovery)
    async for observation in _use(claims, reply, http, identities):
        yield observation


async def _use(target: Target, reply: HttpReply, http: Http, identities: Identities) -> AsyncIterator[Observation]:
    """Go on with what it claims."""
    try:
        probe = await endpoints.probe_offer(target, http)
        endpoints.judge_way(target, probe, reply)
    except TargetUnusable as unusable:
        yield blocked("base path", unusable.problem, unusable.remedy)
        return
    yield await _endpoint(target, probe, http)
    if not endpoints.absent(probe):
        yield _endpoints(target, await endpoints.found(http, None))
    if target.socket_url != target.url:
        async for observation in layers.look(target.socket_url, target.tls, target.timeout):
            yield Observation(f"{observation.step}, Socket.IO", observation.mark, observation.seen, observation.advice)
    websocket = True
    async for observation in engine.look(target, http):
        websocket = websocket and observation.mark is not Mark.BLOCKED
        yield observation
    token: str | None = None
    if websocket:
        try:
            login, token = await preflight.new_login(target, identities)
        except SignalproofError as error:
            yield _refused("tokens", error)
        else:
            async for observation in _session(target, http, login, token, probe):
                yield observation
    yield await _cors(http)
    yield _clock(reply, token)
    yield await _round_trip(target, http)


def _http(target: Target, reply: HttpReply) -> Observation:
    server = f", from {reply.headers['server']}" if "server" in reply.headers else ""
    seen = f"GET {DISCOVERY} got HTTP {reply.status} in {reply.elapsed * 1000:.1f} ms{server}"
    if found := gate(reply, "GET", target.url, DISCOVERY):
        return note("HTTP", f"{seen}; {found.seen}", found.advice)
    return good("HTTP", seen)


def _discovery(target: Target, reply: HttpReply, discovery: Discovery) -> Observation:
    if discovery.served and discovery.problem is None:
        return good("discovery", f"claims {', '.join(discovery.profiles)}")
    profiles = f"The profiles checked are {', '.join(target.profiles)}; name others with --profiles."
    if discovery.served:
        seen = f"the discovery document is wrong: {discovery.problem} ({discovery.broken})"
        return note("discovery", seen, f"Correct it, for it is judged. {profiles}")
    seen = "no discovery document"
    if reply.status == 200:
        seen = f"{described(reply)} in place of the discovery document"
    return note("discovery", seen, profiles)


async def _endpoint(target: Target, probe: HttpReply, http: Http) -> Observation:
    """Say whether `/offer` answers as the protocol says: then the base URL is the right one."""
    what = f"POST {target.url}/offer"
    if endpoints.absent(probe):
        seen = f"there is no VCSP endpoint: {what} got {described(probe)}"
        return blocked("base path", seen, f"{await endpoints.where_it_lives(target, http)}.")
    if read_reply(probe, "OfferAccepted").outcome is Outcome.REFUSED:
        return good("base path", f"{what} refuses an unknown sid, as it should")
    seen = f"{what} with an unknown sid got {described(probe)}, which is no refusal"
    if probe.status >= 500:
        return note("base path", seen, "The server threw: look into its log for the traceback of this request.")
    page = "HTML" in described(probe)
    return note(
        "base path",
        seen,
        "A web site answers there: give the base URL below which /offer lives."
        if page
        else "Is this the right base URL? If it is, the checks will say what is wrong.",
    )


def _endpoints(target: Target, there: Mapping[str, bool]) -> Observation:
    """Compare the endpoints that answer with the profiles that are to be checked."""
    seen = f"{', '.join(['POST /offer', *(name for name, answers in there.items() if answers)])} answer"
    if missing := endpoints.lacking(there, target.profiles):
        needed = [name for name in target.profiles if endpoints.lacking(there, [name])]
        return note(
            "endpoints",
            f"{seen}; there is no {', no '.join(missing)}",
            f"Serve what profile {' and '.join(needed)} needs, or do not claim it.",
        )
    if more := [name for name in endpoints.profiles_of(there) if name not in target.profiles]:
        return note(
            "endpoints", seen, f"--profiles {','.join([*target.profiles, *more])} checks {' and '.join(more)} too."
        )
    return good("endpoints", seen.removesuffix(" answer") if seen.count(",") else "POST /offer")


async def _session(
    target: Target, http: Http, login: str, token: str | None, probe: HttpReply
) -> AsyncIterator[Observation]:
    socket = Socket(target, http, lambda *_: None, lambda: None)
    try:
        await preflight.connect(target, http, socket, token, probe)
        yield good("CONNECT", f"accepted{' with a token' if token else ''}; a silent loss shows after "
                   f"{socket.ping_seconds:g} s")  # fmt: skip
        await preflight.log_in(target, socket, login, token)
        yield good("login", f"acknowledged, as {login}")
    except TargetUnusable as unusable:
        yield _refused("login" if socket.connected else "CONNECT", unusable)
    finally:
        await socket.close()


def _refused(step: str, error: SignalproofError) -> Observation:
    if isinstance(error, TargetUnusable):
        return blocked(step, error.problem, error.remedy)
    return blocked(step, str(error), "Correct the option that is named.")


async def _cors(http: Http) -> Observation:
    headers = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    try:
        reply = await http.request("OPTIONS", "/offer", headers=headers)
    except HttpFailure as failure:
        return note("CORS", f"a preflight got no reply: {failure}", "Pages of other origins cannot use this server.")
    origin = reply.headers.get("access-control-allow-origin")
    if 200 <= reply.status < 300 and origin in {"*", ORIGIN}:
        return good("CORS", f"pages of any origin may use it ({origin})")
    return note(
        "CORS",
        f"a preflight from {ORIGIN} got HTTP {reply.status}, {f'for {origin}' if origin else 'without CORS headers'}",
        "Pages of other origins cannot use this server (HTTP-11); fine if there are none, or only known ones.",
    )


def _clock(reply: HttpReply, token: str | None) -> Observation:
    skew = clock.ahead(reply)
    seen = "the target does not say what time it is" if skew is None else "the same as ours, give or take 2 s"
    if skew is not None and abs(skew) > 2:
        seen = f"the target's is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours"
    if token is not None and (left := clock.expires_in(token)) is not None:
        seen += f"; the token {f'expires in {left:.0f} s' if left > 0 else f'expired {-left:.0f} s ago'}"
    if clock.notes(reply, token):
        return note("clock", seen, "Set the clocks (NTP), or take fresher tokens: they are refused otherwise.")
    return good("clock", seen)


async def _round_trip(target: Target, http: Http) -> Observation:
    try:
        times = [(await http.request("GET", DISCOVERY)).elapsed for _ in range(SAMPLES)]
    except HttpFailure as failure:
        return note("round trip", f"one of {SAMPLES} requests got no reply: {failure}", "Expect failed checks.")
    request, link = median(times), await round_trip(target, http)
    scaled = preflight.scaled(target, request if link is None else min(link, request))
    seen = f"a request takes {request * 1000:.1f} ms"
    seen += "" if link is None else f", the link {link * 1000:.1f} ms of it"
    return good("round trip", f"{seen}; so checks wait up to {scaled.timeout:.3g} s, {scaled.concurrency} at once")


def _udp() -> Observation:
    from signalproof.net.interfaces import host_addresses

    try:
        preflight.require_interface()
    except TargetUnusable as unusable:
        return blocked("local UDP", unusable.problem, unusable.remedy)
    return good("local UDP", f"WebRTC peers can meet at {', '.join(host_addresses())}")
