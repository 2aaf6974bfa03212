"""Options of the command line and the target file, read into what is under test and who takes part."""

from __future__ import annotations

import os
import tomllib
from argparse import Namespace
from pathlib import Path
from typing import Any

from signalproof.errors import InvalidTarget
from signalproof.flags import FLAGS
from signalproof.identity import (
    Accounts,
    Anonymous,
    Identities,
    Minted,
    load_key,
    parse_claims,
    parse_command,
    read_secret,
)
from signalproof.target import Target, parse_headers, parse_profiles, parse_url, tls_context

__all__ = ["CHECKED_PROFILES", "read"]

CHECKED_PROFILES = ("core", "ice", "call", "presence", "correlation", "auth")
"""The profiles that this kit has checks for."""


def read(option: Namespace) -> tuple[Target, Identities]:
    """Read the options of a session; one that the parser does not know counts as not given.

    Raises `InvalidTarget` when they make no sense; the text names the option and the remedy.
    """
    option = Namespace(**{**{flag.key: flag.default for flag in FLAGS}, **vars(option)})
    file = _target_file(Path(option.target_file)) if option.target_file else {}
    named = option.profiles or ",".join(file.get("profiles", []))
    profiles = parse_profiles(named, available=CHECKED_PROFILES) if named else ()
    timeout = _positive("--timeout", option.timeout, 5.0)
    identities = _identities(option, file, timeout)
    if profiles and type(identities) is not Anonymous and "auth" not in profiles:
        raise InvalidTarget("tokens are given, but --profiles leaves out auth: add it, or leave the tokens out")
    target = Target(
        url=parse_url(option.target, option="--target"),
        socket_url=parse_url(option.socket_url, option="--socket-url") if option.socket_url else "",
        profiles=profiles,
        profiles_reason=("named by --profiles" if option.profiles else "named in the target file") if profiles else "",
        headers=parse_headers(option.header),
        timeout=timeout,
        slow=bool(option.slow),
        examples=int(_positive("--examples", option.examples, 0)),
        seed=option.seed or 0,
        concurrency=int(_positive("--concurrency", option.concurrency, 0)),
        tls=tls_context(Path(option.ca_file) if option.ca_file else None, insecure=bool(option.insecure)),
    )
    return target, identities


def _identities(option: Namespace, file: dict[str, Any], timeout: float) -> Identities:
    accounts = file.get("accounts", [])
    sources = {
        "--jwt-secret-file": option.jwt_secret_file,
        "--jwt-key-file": option.jwt_key_file,
        "--token-command": option.token_command,
        "accounts in the target file": accounts,
    }
    given = [name for name, value in sources.items() if value]
    if len(given) > 1:
        raise InvalidTarget(f"{' and '.join(given)} exclude each other: tokens come from one source")
    claims = parse_claims(option.jwt_claim)
    if claims and not (option.jwt_secret_file or option.jwt_key_file):
        raise InvalidTarget("--jwt-claim goes with --jwt-secret-file or --jwt-key-file")
    if option.jwt_secret_file:
        return Minted(read_secret(Path(option.jwt_secret_file), "--jwt-secret-file"), "HS256", claims)
    if option.jwt_key_file:
        return Minted(*load_key(Path(option.jwt_key_file)), claims)
    if option.token_command:
        return parse_command(option.token_command, timeout)
    if accounts:
        return Accounts({account["login"]: _account_token(account) for account in accounts})
    return Anonymous()


def _target_file(path: Path) -> dict[str, Any]:
    """Read a target file: `profiles`, a list of names, and `[[accounts]]` with `login` and a token."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidTarget(f"--target-file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InvalidTarget(f"--target-file {path} is not TOML: {error}") from None
    if unknown := set(content) - {"profiles", "accounts"}:
        raise InvalidTarget(f"--target-file {path}: {min(unknown)!r} is unknown; it takes profiles and accounts")
    accounts = content.get("accounts", [])
    sound = isinstance(accounts, list) and all(
        isinstance(a, dict) and isinstance(a.get("login"), str) and all(isinstance(v, str) for v in a.values())
        for a in accounts
    )
    if not sound:
        raise InvalidTarget(f"--target-file {path}: each of [[accounts]] takes login and token, both text")
    return content


def _account_token(account: dict[str, str]) -> str:
    """Give the token of an account, by value, from the environment, or from a file."""
    login = account["login"]
    if "token_env" in account:
        if account["token_env"] not in os.environ:
            raise InvalidTarget(f"account {login!r}: the environment variable {account['token_env']} is not set")
        return os.environ[account["token_env"]]
    if "token_file" in account:
        return read_secret(Path(account["token_file"]), f"account {login!r}: token_file")
    if "token" in account:
        return account["token"]
    raise InvalidTarget(f"account {login!r} needs token, token_env or token_file")


def _positive(option: str, value: float | None, default: float) -> float:
    if value is None:
        return default
    if not value > 0:
        raise InvalidTarget(f"{option} has to be greater than 0")
    return value
