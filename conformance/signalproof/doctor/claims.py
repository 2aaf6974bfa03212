"""What the target says of itself: the discovery document fills in what the options left open."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from signalproof.config.identity import Anonymous, Identities
from signalproof.config.target import Target, parse_url
from signalproof.doctor.engine import EVER
from signalproof.errors import InvalidTarget, TargetUnusable
from signalproof.net.http import HttpReply
from signalproof.protocol.discovery import Discovery, read_discovery
from signalproof.protocol.requirements import CHECKED_PROFILES

__all__ = ["complete", "discovery_in"]

FROM_DOCUMENT = "the discovery document"


def discovery_in(reply: HttpReply) -> Discovery:
    """Read the discovery document out of the reply to the request for it."""
    return read_discovery(reply.status, reply.headers.get("content-type", ""), reply.body)


def complete(target: Target, discovery: Discovery, identities: Identities) -> Target:
    """Fill in profiles, limits, and where Socket.IO is.

    A document that is wrong is read as far as it can be: it is to fail the run, not to make it smaller. Raises
    `TargetUnusable` when it leads where the operator has not been asked about.
    """
    socket_url, named_by = target.socket_url, target.socket_url_from
    if not socket_url:
        socket_url = _named(target, discovery)
        named_by = FROM_DOCUMENT if socket_url else ""
        if socket_url:
            _require_leave(target, socket_url, identities)
    profiles, reason = target.profiles, target.profiles_reason
    claimed = [name for name in CHECKED_PROFILES if name in discovery.profiles]
    left_out = tuple(name for name in claimed if profiles and name not in profiles)
    if not profiles:
        profiles = tuple(name for name in CHECKED_PROFILES if name == "core" or name in claimed)
        reason = _reason(discovery)
        if type(identities) is not Anonymous and "auth" not in profiles:
            profiles, reason = (*profiles, "auth"), f"{reason}; auth, because tokens were given"
    limits = {name: float(min(value, EVER)) for name, value in discovery.limits.items()}
    return replace(
        target,
        socket_url=socket_url or target.url,
        socket_url_from=named_by,
        profiles=profiles,
        profiles_reason=reason,
        left_out=left_out,
        limits={**limits, **target.limits},
    )


def _reason(discovery: Discovery) -> str:
    if not discovery.served:
        return "no discovery document, so core alone"
    if discovery.problem:
        return f"{FROM_DOCUMENT} is wrong: {discovery.problem}; checking core and what it names readably"
    return f"claimed by {FROM_DOCUMENT}"


def _named(target: Target, discovery: Discovery) -> str:
    """Give the URL that the document names for Socket.IO, or an empty string for none that can be used."""
    if (url := discovery.socket_url(target.url)) is None:
        return ""
    try:
        return parse_url(url, option="socket_url")
    except InvalidTarget as error:
        raise TargetUnusable(
            f"{FROM_DOCUMENT[0].upper()}{FROM_DOCUMENT[1:]} is wrong: {error}.",
            "Correct its socket_url, or name where Socket.IO is with --socket-url.",
        ) from None


def _require_leave(target: Target, socket_url: str, identities: Identities) -> None:
    """Raise `TargetUnusable` where the document leads to another origin, and the operator alone can say yes to that.

    Secrets go to the origin that the operator named, and never over less than what was named.
    """
    here, there = _origin(target.url), _origin(socket_url)
    if here == there:
        return
    secrets = [*(["headers"] if target.headers else []), *(["tokens"] if type(identities) is not Anonymous else [])]
    weaker = here.startswith("https:") and there.startswith("http:")
    if not secrets and not weaker:
        return
    why = "without TLS" if weaker else f"and the {' and '.join(secrets)} given for {here} go nowhere else unasked"
    raise TargetUnusable(
        f"{target.url} says in its discovery document that Socket.IO is at {there}, another origin than {here}, {why}.",
        f"If that is right, say so: --socket-url {socket_url}; if not, correct socket_url in the document.",
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    shown = "" if port == {"http": 80, "https": 443}[parts.scheme] else f":{port}"
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}{shown}"
