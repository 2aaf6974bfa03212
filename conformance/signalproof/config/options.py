"""Options of the command line and the target file, read into what is under test and who takes part."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from signalproof.config.flags import FLAGS
from signalproof.config.identity import (
    Accounts,
    Anonymous,
    Identities,
    Minted,
    load_key,
    parse_claims,
    parse_command,
    parse_key,
    read_secret,
)
from signalproof.config.target import Target, parse_headers, parse_profiles, parse_url, tls_context
from signalproof.config.target_file import TargetFile
from signalproof.errors import InvalidTarget

__all__ = ["CHECKED_PROFILES", "complete", "read"]

CHECKED_PROFILES = ("core", "ice", "call", "presence", "correlation", "auth")
"""The profiles that this kit has checks for."""
SLOWEST = 8
"""The least requests per second at which no check is late for a limit of the target."""
_PATHS = frozenset({"ca_file", "report", "baseline", "write_baseline"})
_TOKENS = ("jwt_secret_file", "jwt_key_file", "token_command")


def complete(option: Namespace) -> Namespace:
    """Fill from the target file what the command line leaves open; the command line wins.

    An option that the parser does not know counts as not given. Beside the options there is `file`, the
    target file or None, and `named(key)`, which says where a value comes from.
    Raises `InvalidTarget` when the file is wrong.
    """
    option = Namespace(**{flag.key: flag.default for flag in FLAGS} | vars(option))
    option.file = file = TargetFile.read(Path(option.target_file)) if option.target_file else None
    taken: dict[str, str] = {}
    if file is not None:
        _take(file, option, taken)
    option.named = lambda key: file.place(taken[key]) if file and key in taken else f"--{key.replace('_', '-')}"
    if not getattr(option, "target", None):
        raise InvalidTarget(
            f"{file.path} names no url: add one, or give it on the command line" if file else "there is no URL to check"
        )
    return option


def _take(file: TargetFile, option: Namespace, taken: dict[str, str]) -> None:
    keys = {"target": "url", "strict": "strict"} | {flag.key: flag.file_key for flag in FLAGS if flag.file_key}
    # Tokens come from one source: any of the command line puts those of the file aside.
    mine = any(getattr(option, key) for key in _TOKENS)
    for key, name in keys.items():
        special = key in {"header", "jwt_claim"} or (mine and key in _TOKENS)
        if special or name not in file.values or getattr(option, key, None):
            continue
        value = file.values[name]
        taken[key] = name
        setattr(option, key, str(file.beside(value)) if key in _PATHS else value)
    given = {line.partition(":")[0].strip().lower() for line in option.header}
    for name, value in file.values.get("headers", {}).items():
        if name.lower() not in given:
            option.header = [*option.header, f"{name}:{file.credential(value, 'headers', name)}"]
    if isinstance(option.profiles, list):
        option.profiles = ",".join(option.profiles)


def read(option: Namespace) -> tuple[Target, Identities]:
    """Read the options of a session; one that the parser does not know counts as not given.

    Raises `InvalidTarget` when they make no sense; the text names the option and the remedy.
    """
    if not hasattr(option, "named"):
        option = complete(option)
    named: Callable[[str], str] = option.named
    file: TargetFile | None = option.file
    profiles = (
        parse_profiles(option.profiles, available=CHECKED_PROFILES, option=named("profiles")) if option.profiles else ()
    )
    timeout = _positive(named("timeout"), option.timeout)
    rate = _positive(named("rate"), option.rate)
    if rate is not None and rate < SLOWEST:
        raise InvalidTarget(
            f"{named('rate')} has to be at least {SLOWEST}: slower, checks lose races against limits "
            "of the target, such as to post 64 candidates within 10 s"
        )
    identities = _identities(option, timeout or 5.0)
    if profiles and type(identities) is not Anonymous and "auth" not in profiles:
        raise InvalidTarget(f"tokens are given, but {named('profiles')} leaves out auth: add it, or leave them out")
    target = Target(
        url=parse_url(option.target, option=named("target")),
        socket_url=parse_url(option.socket_url, option=named("socket_url")) if option.socket_url else "",
        profiles=profiles,
        profiles_reason=f"named by {named('profiles')}".removesuffix(": profiles") if profiles else "",
        headers=parse_headers(option.header),
        timeout=timeout or 5.0,
        patient=timeout is None,
        slow=bool(option.slow),
        examples=int(_positive(named("examples"), option.examples) or 0),
        seed=option.seed or 0,
        concurrency=int(_positive(named("concurrency"), option.concurrency) or 0),
        rate=rate or 0.0,
        tls=tls_context(
            Path(option.ca_file) if option.ca_file else None, insecure=bool(option.insecure), option=named("ca_file")
        ),
        limits={name: float(value) for name, value in file.values.get("limits", {}).items()} if file else {},
        notes=(f"options from {file.path}",) if file else (),
    )
    return target, identities


def _identities(option: Namespace, timeout: float) -> Identities:
    file: TargetFile | None = option.file
    named: Callable[[str], str] = option.named
    given = [key for key in _TOKENS if getattr(option, key)]
    accounts = file.values.get("accounts", []) if file else []
    # Accounts stand in the file alone; so a source named on the command line puts them aside too.
    accounts = [] if any(named(key).startswith("--") for key in given) else accounts
    sources = [named(key) for key in given] + ([file.place("accounts")] if file and accounts else [])
    if len(sources) > 1:
        raise InvalidTarget(f"{' and '.join(sources)} exclude each other: tokens come from one source")
    claims = (file.values.get("jwt_claims", {}) if file else {}) | parse_claims(option.jwt_claim)
    if claims and not (option.jwt_secret_file or option.jwt_key_file):
        where = named("jwt_claim") if option.jwt_claim or not file else file.place("jwt_claims")
        raise InvalidTarget(f"{where} goes with a secret or a key that signs tokens")
    if option.jwt_secret_file:
        if file and named("jwt_secret_file") != "--jwt-secret-file":
            secret = file.credential(option.jwt_secret_file, "jwt_secret")
        else:
            secret = read_secret(Path(option.jwt_secret_file), "--jwt-secret-file")
        return Minted(secret, "HS256", claims)
    if option.jwt_key_file:
        if file and named("jwt_key_file") != "--jwt-key-file":
            key = parse_key(file.credential(option.jwt_key_file, "jwt_key"), file.place("jwt_key"))
        else:
            key = load_key(Path(option.jwt_key_file))
        return Minted(*key, claims)
    if option.token_command:
        return parse_command(option.token_command, timeout, named("token_command"))
    if file and accounts:
        tokens = {
            account["login"]: file.credential(account["token"], "accounts", index, "token")
            for index, account in enumerate(accounts)
        }
        return Accounts(tokens)
    return Anonymous()


def _positive(option: str, value: float | None) -> float | None:
    if value is not None and not value > 0:
        raise InvalidTarget(f"{option} has to be greater than 0")
    return value
