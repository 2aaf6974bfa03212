"""What is under test: where it is, how to speak to it, how patient to be."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from signalproof.errors import InvalidTarget
from signalproof.protocol.requirements import CHECKED_PROFILES, PROFILES
from signalproof.text.suggestion import did_you_mean

PATIENCE = 10.0
"""Checks that wait longer than this many seconds for a limit of the target need `--slow`."""
SECRET = 6
"""Values of headers with fewer characters are taken for settings, not for credentials."""

__all__ = ["PATIENCE", "Target", "parse_headers", "parse_profiles", "parse_url", "tls_context"]


@dataclass(frozen=True, slots=True)
class Target:
    """One server under test.

    `url` is the base URL of the HTTP endpoints and `socket_url` that of Socket.IO, both without a
    trailing slash; `socket_url_from` says who named the latter, if anybody did;
    `timeout` (seconds) bounds every wait for a reply or an event (ORDER-3);
    `tail` (seconds) is the shared window in which late and stray events still count;
    `concurrency` is the number of checks under way at once; `limits` are those that the target declares,
    in discovery and in the Engine.IO handshake, by name; `slow` runs checks that wait for long limits too;
    `examples` is the number of random scenes, 0 being as many as fit, and `seed` what they are drawn from;
    `tls` says whom to trust, None being the authorities of the system; `patient` lets `timeout` grow with the
    measured round trip; `rate` bounds requests and connects per second, 0 being no bound; `notes` are what the
    operator should know before the run; `left_out` are profiles that it claims and the operator did not select.
    """

    url: str
    socket_url: str
    profiles: tuple[str, ...]
    profiles_reason: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 5.0
    tail: float = 1.0
    concurrency: int = 16
    round_trip: float = 0.0
    slow: bool = False
    examples: int = 0
    seed: int = 0
    tls: ssl.SSLContext | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    patient: bool = False
    rate: float = 0.0
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    socket_url_from: str = ""

    @property
    def not_claimed(self) -> tuple[str, ...]:
        """The profiles of the protocol that the target does not claim."""
        return tuple(name for name in PROFILES if name not in {*self.profiles, *self.left_out})

    @property
    def secrets(self) -> dict[str, str]:
        """The values of headers, which may be credentials, and what stands in for them where they are quoted."""
        found = {}
        for name, value in self.headers:
            scheme, _, credentials = value.partition(" ")
            for secret in (value, credentials or scheme):
                if len(secret) >= SECRET:
                    found[secret] = f"<header {name}>"
        return found

    def conceal(self, text: str) -> str:
        """Put their names in place of the values of headers, which some servers repeat."""
        for secret, name in self.secrets.items():
            text = text.replace(secret, name)
        return text

    @property
    def shown(self) -> tuple[str, ...]:
        """The addresses that the operator gave, which head every report anyway."""
        return tuple({urlsplit(url).netloc for url in (self.url, self.socket_url) if url})

    def reason_to_skip(self, limit: str | float) -> str | None:
        """Say why a check that waits for a limit, or for so many seconds, is not run, or give None when it is."""
        seconds = self.limits.get(limit) if isinstance(limit, str) else limit
        if seconds is None:
            return f"the target does not declare {limit}"
        if seconds > PATIENCE and not self.slow:
            return f"it waits {seconds:g} s; run it with --slow"
        return None


def parse_url(text: str, *, option: str) -> str:
    """Give `text` as an http(s) URL without a trailing slash; `http://` is supplied where it lacks.

    Raises `InvalidTarget` when it is no such URL.
    """
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise InvalidTarget(f"{option} holds a user or a password, which would be shown: send them with --header")
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        usable = usable and not parts.query and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise InvalidTarget(
            f"{option} {text!r} is not a base URL: write it like https://example.org or http://127.0.0.1:8000/api"
        )
    return url.rstrip("/")


def tls_context(ca_file: Path | None, *, insecure: bool, option: str = "--ca-file") -> ssl.SSLContext | None:
    """Make the TLS settings of `--ca-file` and `--insecure`; raises `InvalidTarget`."""
    if ca_file is not None:
        try:
            return ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise InvalidTarget(f"{option} {ca_file} holds no certificates in PEM: {error}") from None
    if insecure:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    return None


def parse_headers(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Read `NAME:VALUE` lines into header pairs.

    Raises `InvalidTarget` for a line without a colon or with an empty name.
    """
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            # The line is not repeated: it may hold a secret.
            raise InvalidTarget("--header takes NAME:VALUE, such as --header 'Authorization: Bearer …'")
        if "\n" in value.strip() or "\r" in value.strip():
            raise InvalidTarget(f"the header {name.strip()} holds a line break, which HTTP does not allow")
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def parse_profiles(text: str, *, option: str = "--profiles") -> tuple[str, ...]:
    """Read a comma-separated list of profiles; `core` is always among them.

    Raises `InvalidTarget` for a name that the protocol does not have, or for which there are no checks.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in PROFILES:
            raise InvalidTarget(f"{option}: there is no profile {name!r}{did_you_mean(name, CHECKED_PROFILES)}")
        if name not in CHECKED_PROFILES:
            has = ", ".join(CHECKED_PROFILES)
            raise InvalidTarget(f"{option}: this kit has no checks for {name!r} yet; it has {has}")
    return tuple(name for name in PROFILES if name == "core" or name in wanted)
