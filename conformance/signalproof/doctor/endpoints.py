"""The HTTP endpoints: whether they are where the operator says, and which of them there are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from signalproof.config.target import Target
from signalproof.doctor.gate import gate, is_refusal
from signalproof.errors import TargetUnusable
from signalproof.judge.reply import Outcome, read_reply
from signalproof.net.failures import HttpFailure
from signalproof.net.http import Http, HttpReply
from signalproof.protocol.wire import encode_body, offer_fields

__all__ = [
    "absent",
    "found",
    "judge_offer",
    "judge_way",
    "lacking",
    "probe_offer",
    "profiles_of",
    "proposal",
    "where_it_lives",
]

_MISSING = "Give the base URL below which /offer lives, with its path prefix if it has one"


async def probe_offer(target: Target, http: Http) -> HttpReply:
    """Post an offer with a sid that nobody has; raises `TargetUnusable` when there is no reply."""
    try:
        return await _post_offer(http, target.url)
    except HttpFailure as failure:
        raise TargetUnusable(
            f"POST {target.url}/offer got no reply: {failure}.",
            "Look into the server's log, or raise --timeout.",
        ) from None


async def _post_offer(http: Http, url: str) -> HttpReply:
    body = encode_body(offer_fields("signalproof-doctor", "nobody", "{}"))
    headers = {"content-type": body.content_type or ""}
    return await http.request("POST", "/offer", base=url, headers=headers, content=body.content)


def judge_way(target: Target, probe: HttpReply, before: HttpReply) -> None:
    """Raise `TargetUnusable` when something else than the server answers the probe.

    `before` is the reply to another request: who forbids one endpoint alone may be the server itself.
    """
    everywhere = before.status == probe.status and not is_refusal(before)
    if found := gate(probe, "POST", target.url, "/offer", everywhere=everywhere):
        raise TargetUnusable(f"{found.seen}.", found.advice)


def absent(probe: HttpReply) -> bool:
    """Whether the reply to the probe shows that there is no such endpoint."""
    if probe.status not in {404, 405}:
        return False
    reply = read_reply(probe, "OfferAccepted")
    return reply.outcome is not Outcome.REFUSED or reply.code not in {"unknown_sid", "offline"}


async def judge_offer(target: Target, probe: HttpReply, http: Http) -> None:
    """Raise `TargetUnusable` when there is Socket.IO, but no endpoint for offers."""
    if absent(probe):
        also = "" if target.socket_url_from else "; if Socket.IO lives elsewhere, name that with --socket-url"
        raise TargetUnusable(
            f"POST {target.url}/offer got HTTP {probe.status}: there is Socket.IO, but no VCSP endpoint.",
            f"{await where_it_lives(target, http)}{also}.",
        )


async def where_it_lives(target: Target, http: Http) -> str:
    """Say which base URL to give where there is no endpoint: the right one, if that is not far."""
    if base := await _better_base(target, http):
        return f"Give {base} instead of {target.url}: there /offer answers"
    return _MISSING


async def _better_base(target: Target, http: Http) -> str | None:
    """Look for the endpoint above the path of the base URL and below `/api`, and give the base URL of it."""
    for base in _bases_nearby(target.url):
        try:
            reply = await _post_offer(http, base)
        except HttpFailure:
            return None
        if not absent(reply) and is_refusal(reply):
            return base
    return None


def _bases_nearby(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    path = parts.path
    while path:
        path = path.rpartition("/")[0]
        yield f"{parts.scheme}://{parts.netloc}{path}"
    yield f"{url}/api"


# ── which of them there are ────────────────────────────────────────────────────────────────────

_SID = {"sid": "signalproof-doctor"}
_OPTIONAL: Mapping[str, tuple[tuple[str, str, Mapping[str, object]], ...]] = {
    "ice": (("POST", "/ice", {**_SID, "ice": "null"}),),
    "call": (
        ("POST", "/call", {**_SID, "login": "nobody"}),
        ("POST", "/decline", {**_SID, "reciever_login": "nobody"}),
        ("POST", "/status", {**_SID, "status": "free"}),
        ("POST", "/refresh", {**_SID, "login": "nobody"}),
    ),
    "presence": (("GET", "/online", {}),),
}
"""The endpoints of each profile that has some, with a request that changes nothing, for its sid is nobody's."""
_NOWHERE = "/signalproof-no-such-endpoint"


async def found(http: Http, token: str | None) -> dict[str, bool]:
    """Say of each endpoint of the optional profiles whether there is one: it answers otherwise than an unknown path."""
    wanted = [request for requests in _OPTIONAL.values() for request in requests]
    controls = {
        "POST": await _face(http, "POST", _NOWHERE, _SID, token),
        "GET": await _face(http, "GET", _NOWHERE, {}, token),
    }
    faces = await asyncio.gather(*(_face(http, *request, token) for request in wanted))
    return {
        f"{method} {path}": face is not None and face != controls[method]
        for (method, path, _), face in zip(wanted, faces, strict=True)
    }


async def _face(
    http: Http, method: str, path: str, fields: Mapping[str, object], token: str | None
) -> tuple[int, bool, object] | None:
    """Give what tells one kind of reply from another, or None where the reply says that there is nothing."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    content = None
    if method == "POST":
        content = json.dumps(fields).encode()
        headers["content-type"] = "application/json"
    try:
        reply = await http.request(method, path, headers=headers, content=content)
    except HttpFailure:
        return None
    read = read_reply(reply, "OnlineAccepted" if method == "GET" else "PlainAccepted")
    return None if absent(reply) else (reply.status, read.outcome is Outcome.REFUSED, read.code)


def lacking(there: Mapping[str, bool], profiles: Iterable[str]) -> list[str]:
    """Give the endpoints of these profiles that are not there."""
    wanted = [f"{method} {path}" for name in profiles for method, path, _ in _OPTIONAL.get(name, ())]
    return [name for name in wanted if not there.get(name, False)]


def profiles_of(there: Mapping[str, bool]) -> tuple[str, ...]:
    """Give the optional profiles of which every endpoint is there."""
    return tuple(name for name in _OPTIONAL if not lacking(there, [name]))


async def proposal(target: Target, http: Http, token: str | None) -> str | None:
    """Say in one line which profiles might be checked besides, where no document claims any; None for none."""
    more = [name for name in profiles_of(await found(http, token)) if name not in target.profiles]
    if not more:
        return None
    wanted = ",".join([*target.profiles, *more])
    return f"endpoints of {', '.join(more)} answer too: --profiles {wanted} checks them"
