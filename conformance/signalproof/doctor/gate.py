"""What stands in front of a server, or in its place, as far as one reply tells: a sentence, and its remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from signalproof.judge.reply import Outcome, read_reply
from signalproof.net.http import HttpReply
from signalproof.text.redact import cut

__all__ = ["Gate", "described", "gate", "is_refusal"]

_TLS_WANTED = re.compile(r"plain HTTP|HTTP request to an HTTPS|HTTP requests? .{0,20}HTTPS port", re.IGNORECASE)
"""How nginx, Apache and Go answer plain HTTP on a port that speaks TLS."""
_SLASH_WANTED = "APPEND_SLASH"
_TOKENS = (
    "If the server asks for tokens (profile auth), give --jwt-secret-file, --jwt-key-file, --token-command or accounts."
)
_GATEWAYS: Mapping[int, str] = {
    502: "the proxy there gets no usable reply from the server behind it",
    503: "whatever answers there says that the service is not available",
    504: "the proxy there waits in vain for the server behind it",
}
_CHALLENGES = ("basic", "digest", "negotiate", "ntlm")
"""Authentication that no protocol of tokens uses: a proxy asks for it, or a web server."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What keeps requests from the server, and what to do about it."""

    seen: str
    advice: str


def is_refusal(reply: HttpReply) -> bool:
    """Whether a reply refuses as the protocol does, whatever its status."""
    read = read_reply(reply, "OfferAccepted")
    return read.outcome is Outcome.REFUSED and read.broken is None


def gate(reply: HttpReply, method: str, url: str, path: str, *, everywhere: bool = True) -> Gate | None:
    """Say what stands between here and the endpoint at `path` below `url`, or give None when nothing seems to.

    `everywhere` says that other requests are answered like that too: a 401 or 403 of one endpoint may be its own.
    """
    what = f"{method} {url}{path}"
    if 300 <= reply.status < 400:
        return _redirect(reply, what, url, path)
    if found := _misdirected(reply, what, url, path):
        return found
    if is_refusal(reply):
        return None
    if reply.status in {401, 403} and (everywhere or _challenge(reply)):
        return _locked(reply, what)
    if reply.status in {502, 504} or (reply.status == 503 and everywhere):
        return Gate(
            f"{what} got HTTP {reply.status}: {_GATEWAYS[reply.status]}",
            "Is the server running, and does the proxy forward to the right host and port? Its error log says what "
            "it tried.",
        )
    return None


def _misdirected(reply: HttpReply, what: str, url: str, path: str) -> Gate | None:
    """Say what is wrong with the URL, or with how often it is used, whatever the form of the reply."""
    what = f"{what} got HTTP {reply.status}"
    if reply.status == 400 and _TLS_WANTED.search(_start(reply)):
        return Gate(
            f"{what}: this port speaks TLS, and was spoken to without",
            f"Give {url.replace('http://', 'https://', 1)} instead of {url}.",
        )
    if reply.status == 500 and _SLASH_WANTED in reply.body.decode("utf-8", "replace"):
        return Gate(f"{what}: Django wants a slash at the end of that path", _no_slash(path))
    if reply.status == 421:
        return Gate(
            f"{what}: who answers there does not serve the host {urlsplit(url).netloc}",
            "Give the URL under the host name that the server or its proxy is set up for, not an alias or an address.",
        )
    if reply.status == 429:
        after = f"; it asks to wait {reply.headers['retry-after']} s" if _seconds(reply) else ""
        return Gate(
            f"{what}: the server or a proxy limits how many requests come from here{after}",
            "Wait until the limit lets requests through, then stay below it with --rate N (requests per second), or "
            "exempt this machine.",
        )
    return None


def _locked(reply: HttpReply, what: str) -> Gate:
    if reply.status == 401:
        return Gate(
            f"{what} got HTTP 401: something in front asks for credentials{_challenge(reply)}",
            f"Send them with --header 'Authorization: …', or let the endpoints through without. {_TOKENS}",
        )
    return Gate(
        f"{what} got {described(reply)}: something in front forbids it",
        "A firewall, a list of allowed addresses or a login page may stand there: let this machine through, or send "
        f"what it asks for with --header. {_TOKENS}",
    )


def _redirect(reply: HttpReply, what: str, url: str, path: str) -> Gate:
    """Say where a redirect leads; clients of the protocol follow none, for a POST does not survive it."""
    if not (location := reply.headers.get("location")):
        return Gate(f"{what} got HTTP {reply.status} without saying where to", "Give the URL of the server itself.")
    target = urljoin(f"{url}{path}", location)
    seen = f"{what} got HTTP {reply.status}, a redirect to {cut(target, 200)}"
    end = urlsplit(path).path
    old, new = urlsplit(f"{url}{end}"), urlsplit(target)
    if (old.netloc, f"{old.path}/") == (new.netloc, new.path):
        return Gate(seen, _no_slash(end))
    if (old.netloc, old.path) == (new.netloc, f"{new.path}/"):
        return Gate(
            seen,
            f"Let {end} keep its slash: Socket.IO has it, and browsers follow no redirect of a WebSocket (nginx: "
            "exempt it from `rewrite ^/(.*)/$ /$1`; Next.js: `skipTrailingSlashRedirect`).",
        )
    if not new.netloc or not new.path.endswith(end):
        return Gate(seen, _led_astray(end))
    there = f"{new.scheme}://{new.netloc}{new.path.removesuffix(end)}"
    if end.startswith("/socket.io/") and old.hostname != new.hostname:
        return Gate(seen, f"If Socket.IO lives there, give --socket-url {there}: redirects are not followed.")
    return Gate(seen, f"Give {there} instead of {url}: redirects are not followed.")


def _led_astray(end: str) -> str:
    if end.startswith("/socket.io/"):
        return "Give the URL below which socket.io/ itself lives with --socket-url: redirects are not followed."
    return (
        f"Give the base URL below which {end} lives; if a login page stands in front, let the endpoints through, or "
        "send what it asks for with --header."
    )


def _no_slash(path: str) -> str:
    end = urlsplit(path).path
    return (
        f"Let {end} answer without a slash behind it, for clients of the protocol post there and follow no redirect "
        f"(Django: APPEND_SLASH redirects where only {end}/ has a route: name the route `{end[1:]}`; Starlette and "
        "FastAPI: `redirect_slashes`; Flask: the rule without the slash)."
    )


def _challenge(reply: HttpReply) -> str:
    asked = reply.headers.get("www-authenticate", "")
    return f" ({cut(asked, 80)})" if asked.lower().startswith(_CHALLENGES) else ""


def _seconds(reply: HttpReply) -> bool:
    return reply.headers.get("retry-after", "").isdigit()


def _start(reply: HttpReply) -> str:
    return reply.body[:2_000].decode("utf-8", "replace")


def described(reply: HttpReply | str) -> str:
    """Say in a few words what a reply is."""
    if isinstance(reply, str):
        return reply
    text = reply.body.decode("utf-8", "replace").strip()
    lowered = text[:400].lower()
    if "<html" in lowered or "<!doctype" in lowered:
        return f"HTTP {reply.status} with an HTML page"
    if not text:
        return f"HTTP {reply.status} without a body"
    return f"HTTP {reply.status}: {text if len(text) <= 80 else f'{text[:79]}…'}"
