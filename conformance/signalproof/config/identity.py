"""Who the participants are: logins, and the bearer tokens that prove them (profile `auth`).

Without authentication logins are invented. With it they are invented too, as long as a token can be had for
any login: minted from a secret or private key, or printed by a command. Where there are only fixed accounts,
each check draws its participants from them, and checks run one after the other.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from signalproof.errors import InvalidTarget, NotTestable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = [
    "Accounts",
    "Anonymous",
    "Commanded",
    "Identities",
    "Minted",
    "load_key",
    "parse_claims",
    "parse_command",
    "parse_key",
    "read_secret",
]

LIFETIME = 3600


class Identities(Protocol):
    """Where logins and tokens come from."""

    @property
    def invents(self) -> bool:
        """Whether any login can be used, so that checks can run side by side."""

    def claim(self, suggestion: str) -> str:
        """Give a login to a participant; raises `NotTestable` when there is none left."""

    def release(self) -> None:
        """Take all logins back, between two checks."""

    async def token(self, login: str) -> str | None:
        """Give a valid token of a login, or None where there is no authentication."""

    async def expired(self, login: str) -> str | None:
        """Give an expired token that is otherwise valid, or None where none can be had."""


class Anonymous:
    """No authentication."""

    invents = True

    def claim(self, suggestion: str) -> str:
        """Take the suggested login."""
        return suggestion

    def release(self) -> None:
        """Do nothing: logins are not used twice."""

    async def token(self, login: str) -> str | None:
        """Give none."""
        return None

    async def expired(self, login: str) -> str | None:
        """Give none."""
        return None


@dataclass(slots=True)
class Minted(Anonymous):
    """JSON Web Tokens that the kit signs itself (RFC 7519); `claims` are added to `sub`, `iat` and `exp`."""

    key: str | RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    algorithm: str
    claims: Mapping[str, object] = field(default_factory=dict)

    async def token(self, login: str) -> str | None:
        """Sign a token of one hour."""
        return self._sign(login, LIFETIME)

    async def expired(self, login: str) -> str | None:
        """Sign a token that expired an hour ago."""
        return self._sign(login, -LIFETIME)

    def _sign(self, login: str, lifetime: int) -> str:
        import jwt

        now = int(time.time())
        claims = {"iat": min(now, now + lifetime) - 1, "exp": now + lifetime, **self.claims, "sub": login}
        return jwt.encode(claims, self.key, algorithm=self.algorithm)


@dataclass(slots=True)
class Commanded(Anonymous):
    """Tokens that a command prints; `{login}` in its words stands for the login."""

    words: Sequence[str]
    timeout: float
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4), repr=False)

    async def token(self, login: str) -> str | None:
        """Run the command once a login.

        Raises `InvalidTarget` when it fails, prints nothing, or takes too long.
        """
        if login not in self._tokens:
            async with self._gate:
                self._tokens[login] = await self._run(login)
        return self._tokens[login]

    async def _run(self, login: str) -> str:
        words = [word.replace("{login}", login) for word in self.words]
        try:
            process = await asyncio.create_subprocess_exec(
                *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
        except OSError as error:
            raise InvalidTarget(f"--token-command cannot be run: {error.strerror}: {words[0]}") from None
        try:
            output, _ = await asyncio.wait_for(process.communicate(), self.timeout)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise InvalidTarget(f"--token-command printed no token within {self.timeout:g} s") from None
        token = output.decode("utf-8", "replace").strip()
        if process.returncode or not token or len(token.split()) != 1:
            raise InvalidTarget(
                f"--token-command has to print one token and nothing else; it ended with exit code {process.returncode}"
            )
        return token


@dataclass(slots=True)
class Accounts:
    """Fixed accounts with a token each, from the target file."""

    tokens: Mapping[str, str] = field(repr=False)
    invents = False
    _claimed: list[str] = field(default_factory=list)

    def claim(self, suggestion: str) -> str:
        """Give the next account."""
        if len(self._claimed) == len(self.tokens):
            raise NotTestable(f"it needs more than the {len(self.tokens)} accounts of the target file")
        self._claimed.append(list(self.tokens)[len(self._claimed)])
        return self._claimed[-1]

    def release(self) -> None:
        """Take all accounts back."""
        self._claimed.clear()

    async def token(self, login: str) -> str | None:
        """Give the account's token; raises `NotTestable` for a login that is no account."""
        if login not in self.tokens:
            raise NotTestable("it needs a login of a special form, and there are only fixed accounts")
        return self.tokens[login]

    async def expired(self, login: str) -> str | None:
        """Give none: an expired one cannot be made."""
        return None


def load_key(path: Path) -> tuple[RSAPrivateKey | EllipticCurvePrivateKey, str]:
    """Read a private key from a file; see `parse_key`."""
    return parse_key(read_secret(path, "--jwt-key-file"), f"--jwt-key-file {path}")


def parse_key(text: str, option: str) -> tuple[RSAPrivateKey | EllipticCurvePrivateKey, str]:
    """Read a private key in PEM and give it with its algorithm, RS256 or ES256 (RFC 7518).

    Raises `InvalidTarget` when it is neither.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidTarget(f"{option} is not an unencrypted private key in PEM") from error
    if isinstance(key, RSAPrivateKey):
        return key, "RS256"
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key, "ES256"
    raise InvalidTarget(f"{option} has to hold an RSA key or an EC key on P-256")


def read_secret(path: Path, option: str) -> str:
    """Read a secret from a file, without the line end; raises `InvalidTarget`."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InvalidTarget(f"{option} {path} cannot be read: {type(error).__name__}") from None
    if not secret:
        raise InvalidTarget(f"{option} {path} is empty")
    return secret


def parse_claims(lines: Sequence[str]) -> dict[str, object]:
    """Read `NAME=VALUE` lines; a value that is JSON counts as such, any other is a string."""
    claims: dict[str, object] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise InvalidTarget("--jwt-claim takes NAME=VALUE, such as --jwt-claim aud=chat")
        try:
            claims[name.strip()] = json.loads(value)
        except ValueError:
            claims[name.strip()] = value
    return claims


def parse_command(text: str, timeout: float, option: str = "--token-command") -> Commanded:
    """Read a command line with `{login}` in it; raises `InvalidTarget`."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidTarget(f"{option} cannot be read: {error}") from None
    if not any("{login}" in word for word in words):
        raise InvalidTarget(f"{option} needs {{login}} where the login belongs")
    return Commanded(words, timeout)
