"""`signalproof init`: writes a target file, after a look at the server or by asking."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path

import click

from signalproof.cli.parameters import target_options
from signalproof.config.target_file import NAME

__all__ = ["init"]

SECRET_HEADER = re.compile(r"auth|cookie|key|token|secret|password", re.IGNORECASE)
SOURCES = ("no", "secret", "key", "command", "accounts")


@target_options
@click.command(
    epilog="""\b
Examples:
  signalproof init                                   asks
  signalproof init http://127.0.0.1:8000             looks at the server
  signalproof init https://chat.example.org --jwt-secret-file secret --rate 20

\b
Secrets are never written into the file: it says where they are.""",
)
@click.argument("url", required=False)
@click.option("--output", default=NAME, show_default=True, metavar="FILE", help="The file to write.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def init(url: str | None, output: str, force: bool, **options: object) -> None:
    """Write a commented target.toml.

    It is about the server at URL, and says what a look at it found.
    Without URL, ask for it. The options that are given go into the file.
    """
    path = Path(output)
    if path.exists() and not force:
        raise click.UsageError(f"{path} is there already: --force overwrites it, --output FILE writes another")
    if options["target_file"]:
        raise click.UsageError("--target-file names a file to read; the file to write is that of --output")
    given = dict(options)
    if url is None:
        if not on_terminal():
            raise click.UsageError("give the URL of the server: there is no terminal to ask on")
        url = click.prompt("URL of the server", default="http://127.0.0.1:8000")
        given |= _ask()
    from signalproof.config.target import parse_url
    from signalproof.errors import InvalidTarget

    try:
        base = parse_url(str(url), option="the URL")
        values, todo = _values(base, given, path)
        about = _look(base, given)
    except InvalidTarget as error:
        raise click.UsageError(str(error)) from None
    from signalproof.config import template

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.render(values, about), encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None
    for line in [*about, *todo]:
        click.echo(line)
    more = "" if path == Path(NAME) else f" --target-file {path}"
    click.echo(f"wrote {path}; next: signalproof check{more}")


def on_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def _ask() -> dict[str, object]:
    """Ask how tokens are to be had."""
    source = click.prompt("Does it ask for tokens, and what makes them?", type=click.Choice(SOURCES), default="no")
    if source == "secret":
        return {"jwt_secret_file": click.prompt("File with the secret that signs them (HS256)")}
    if source == "key":
        return {"jwt_key_file": click.prompt("File with the private key that signs them (PEM)")}
    if source == "command":
        return {"token_command": click.prompt("Command that prints one, with {login} in it")}
    return {"accounts": source == "accounts"}


def _values(url: str, given: Mapping[str, object], path: Path) -> tuple[dict[str, object], list[str]]:
    """Turn options into values of the file, and say what is left to do."""
    from signalproof.config.identity import parse_claims
    from signalproof.config.target import parse_headers

    values: dict[str, object] = {"url": url}
    todo: list[str] = []
    for key in ("socket_url", "timeout", "rate", "insecure", "token_command"):
        if given[key]:
            values[key] = given[key]
    if given["profiles"]:
        values["profiles"] = [name.strip() for name in str(given["profiles"]).split(",") if name.strip()]
    for key, name in (("jwt_secret_file", "jwt_secret"), ("jwt_key_file", "jwt_key"), ("ca_file", "ca_file")):
        if given[key]:
            file = relpath(str(given[key]), path.parent)
            values[name] = file if name == "ca_file" else {"file": file}
    values["jwt_claims"] = parse_claims(_texts(given["jwt_claim"]))
    headers: dict[str, object] = {}
    for name, value in parse_headers(_texts(given["header"])):
        headers[name] = value
        if SECRET_HEADER.search(name):
            variable = re.sub(r"[^A-Z0-9]+", "_", name.upper())
            headers[name] = {"env": variable}
            todo.append(f"the value of {name} is not in the file: put it into the environment variable {variable}")
    values["headers"] = headers
    if given.get("accounts"):
        values["accounts"] = [{"login": "alice", "token": {"env": "ALICE_TOKEN"}}]
        todo.append("write your accounts and where their tokens are into [[accounts]]")
    return values, todo


def _texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, tuple | list) else []


def _look(url: str, given: Mapping[str, object]) -> list[str]:
    """Examine the server and say in a few lines what it is; it need not be there yet."""
    import asyncio

    from signalproof import doctor
    from signalproof.config import reading
    from signalproof.config.options import Options
    from signalproof.errors import NotTestable, TargetUnusable
    from signalproof.net.http import Http

    today = datetime.now(UTC).date().isoformat()
    target, identities = reading.read(Options.of({**given, "target": url}))

    async def examine() -> list[str]:
        http = Http(target)
        try:
            found = await doctor.examine(target, http, identities)
        finally:
            await http.close()
        lines = [f"On {today} it answered in {found.round_trip * 1000:.1f} ms, with the profiles"]
        lines[0] += f" {', '.join(found.profiles)} ({found.profiles_reason})."
        if found.socket_url != found.url:
            lines.append(f"Socket.IO is at {found.socket_url}.")
        return lines

    try:
        return asyncio.run(examine())
    except (TargetUnusable, NotTestable) as unusable:
        first, *rest = str(unusable).splitlines()
        return [f"On {today} it could not be checked: {first}", *rest]
