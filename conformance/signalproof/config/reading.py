"""Options of the command line and the target file, read into what is under test and who takes part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

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
from signalproof.config.options import TABLE, Options
from signalproof.config.target import Target, parse_headers, parse_profiles, parse_url, tls_context
from signalproof.config.target_file import TargetFile
from signalproof.errors import InvalidTarget

__all__ = ["complete", "read"]

TIMEOUT_SECONDS = 5.0
"""The limit of every wait unless the operator names one (ORDER-3)."""
SLOWEST_RATE = 8
"""The least requests per second at which no check is late for a limit of the target."""
_PATHS = frozenset({"ca_file", "report", "baseline", "write_baseline"})
_NOT_PLAIN = frozenset({"header", "jwt_claim", "jwt_secret_file", "jwt_key_file", "token_command"})
"""What a target file may keep elsewhere, such as in an environment variable."""


def complete(options: Options) -> Options:
    """Fill from the target file what the command line leaves open; the command line wins.

    Raises `InvalidTarget` when the file is wrong, or when nothing says where the target is.
    """
    if options.target_file and options.file is None:
        options = _with_file(options, TargetFile.read(Path(options.target_file)))
    if not options.target:
        raise InvalidTarget(
            f"{options.file.path} names no url: add one, or give it on the command line"
            if options.file
            else "there is no URL to check"
        )
    return options


def _with_file(options: Options, file: TargetFile) -> Options:
    said: dict[str, Any] = {}
    places: dict[str, str] = {}
    for key, name in (("target", "url"), *((option.key, option.file_key) for option in TABLE)):
        if key in _NOT_PLAIN or name not in file.values or getattr(options, key):
            continue
        value = file.values[name]
        places[key] = file.place(name)
        said[key] = str(file.beside(value)) if key in _PATHS else value
    if isinstance(said.get("profiles"), list):
        said["profiles"] = ",".join(said["profiles"])
    given = {line.partition(":")[0].strip().lower() for line in options.header}
    said["header"] = (
        *options.header,
        *(
            f"{name}:{file.credential(value, 'headers', name)}"
            for name, value in file.values.get("headers", {}).items()
            if name.lower() not in given
        ),
    )
    return replace(options, file=file, places=places, **said)


def read(options: Options) -> tuple[Target, Identities]:
    """Read the options of a session into what is under test and who takes part.

    Raises `InvalidTarget` when they make no sense; the text names the option and the remedy.
    """
    options = complete(options)
    file, named = options.file, options.named
    profiles = parse_profiles(options.profiles, option=named("profiles")) if options.profiles else ()
    timeout = _positive(named("timeout"), options.timeout)
    rate = _positive(named("rate"), options.rate)
    if rate is not None and rate < SLOWEST_RATE:
        raise InvalidTarget(
            f"{named('rate')} has to be at least {SLOWEST_RATE}: slower, checks lose races against limits "
            "of the target, such as to post 64 candidates within 10 s"
        )
    identities = _identities(options, timeout or TIMEOUT_SECONDS)
    if profiles and type(identities) is not Anonymous and "auth" not in profiles:
        raise InvalidTarget(f"tokens are given, but {named('profiles')} leaves out auth: add it, or leave them out")
    target = Target(
        url=parse_url(options.target or "", option=named("target")),
        socket_url=parse_url(options.socket_url, option=named("socket_url")) if options.socket_url else "",
        socket_url_from=named("socket_url").removesuffix(": socket_url") if options.socket_url else "",
        profiles=profiles,
        profiles_reason=f"named by {named('profiles')}".removesuffix(": profiles") if profiles else "",
        headers=parse_headers(options.header),
        timeout=timeout or TIMEOUT_SECONDS,
        patient=timeout is None,
        slow=options.slow,
        examples=int(_positive(named("examples"), options.examples) or 0),
        seed=options.seed or 0,
        concurrency=int(_positive(named("concurrency"), options.concurrency) or 0),
        rate=rate or 0.0,
        tls=tls_context(
            Path(options.ca_file) if options.ca_file else None, insecure=options.insecure, option=named("ca_file")
        ),
        limits={name: float(value) for name, value in file.values.get("limits", {}).items()} if file else {},
        notes=(f"options from {file.path}",) if file else (),
    )
    return target, identities


def _identities(options: Options, timeout: float) -> Identities:
    # Tokens come from one source: any that the command line names puts those of the file aside.
    sources = dict(_named_sources(options, timeout)) or dict(_filed_sources(options, timeout))
    if len(sources) > 1:
        raise InvalidTarget(f"{' and '.join(sources)} exclude each other: tokens come from one source")
    file = options.file
    claims = (file.values.get("jwt_claims", {}) if file else {}) | parse_claims(options.jwt_claim)
    for make in sources.values():
        identities = make()
        if isinstance(identities, Minted):
            return replace(identities, claims=claims)
        if not claims:
            return identities
    if claims:
        where = options.named("jwt_claim") if options.jwt_claim or not file else file.place("jwt_claims")
        raise InvalidTarget(f"{where} goes with a secret or a key that signs tokens")
    return Anonymous()


def _named_sources(options: Options, timeout: float) -> Iterator[tuple[str, Callable[[], Identities]]]:
    """Give the sources of tokens that the command line names, by option."""
    if secret := options.jwt_secret_file:
        yield "--jwt-secret-file", lambda: Minted(read_secret(Path(secret), "--jwt-secret-file"), "HS256")
    if key := options.jwt_key_file:
        yield "--jwt-key-file", lambda: Minted(*load_key(Path(key)))
    if command := options.token_command:
        yield "--token-command", lambda: parse_command(command, timeout)


def _filed_sources(options: Options, timeout: float) -> Iterator[tuple[str, Callable[[], Identities]]]:
    """Give the sources of tokens that the target file names, by place."""
    file = options.file
    if file is None:
        return
    values, place = file.values, file.place
    if "jwt_secret" in values:
        yield place("jwt_secret"), lambda: Minted(file.credential(values["jwt_secret"], "jwt_secret"), "HS256")
    if "jwt_key" in values:
        pem = partial(file.credential, values["jwt_key"], "jwt_key")
        yield place("jwt_key"), lambda: Minted(*parse_key(pem(), place("jwt_key")))
    if "token_command" in values:
        yield place("token_command"), partial(parse_command, values["token_command"], timeout, place("token_command"))
    if accounts := values.get("accounts"):
        yield place("accounts"), partial(_accounts, file, accounts)


def _accounts(file: TargetFile, accounts: Sequence[Mapping[str, Any]]) -> Accounts:
    """Read fixed accounts; raises `InvalidTarget` for a login that is there twice, for the last would win unseen."""
    tokens: dict[str, str] = {}
    for number, account in enumerate(accounts):
        login = account["login"]
        if login in tokens:
            raise InvalidTarget(
                f"{file.place('accounts', number, 'login')}: there is another account with the login {login!r}: "
                "leave one of them out"
            )
        tokens[login] = file.credential(account["token"], "accounts", number, "token")
    return Accounts(tokens)


def _positive(option: str, value: float | None) -> float | None:
    if value is not None and not value > 0:
        raise InvalidTarget(f"{option} has to be greater than 0")
    return value
