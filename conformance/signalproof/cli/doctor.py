"""`signalproof doctor`: what works between here and the server, and what does not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from signalproof.cli.group import Exit
from signalproof.cli.parameters import target_options, target_options_of
from signalproof.text.untrusted import printable

if TYPE_CHECKING:
    from signalproof.config.identity import Identities
    from signalproof.config.target import Target
    from signalproof.doctor import Observation

__all__ = ["doctor"]

WIDTH = 16
"""Columns of the name of a step."""


@target_options
@click.command(
    epilog="""\b
Examples:
  signalproof doctor http://127.0.0.1:8000
  signalproof doctor https://chat.example.org --jwt-secret-file secret
  signalproof doctor                                 what target.toml in this folder says

\b
A line begins with ok, with note (a run is possible), or with stop (it is not).
Exit codes: 0 the server can be checked, 2 interrupted, 4 it cannot.""",
)
@click.argument("url", required=False)
def doctor(url: str | None, **values: object) -> None:
    """Examine the way to the server at URL.

    Everything that a run needs, step by step, with what was seen and what to do.
    Name, TCP, TLS, HTTP, Engine.IO, WebSocket, login, CORS, clocks, round trip, and UDP on this machine.
    """
    options = target_options_of(url, values)
    import asyncio

    from signalproof.config import reading
    from signalproof.errors import InvalidTarget

    try:
        target, identities = reading.read(options)
    except InvalidTarget as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"examining {target.url}")
    for note in target.notes:
        click.echo(note)
    stops = asyncio.run(_examine(target, identities))
    click.echo()
    again = "signalproof check" + (f" {url}" if url else "")
    if stops:
        click.echo(f"{target.url} cannot be checked: see {', '.join(stops)} above.")
        sys.exit(Exit.UNUSABLE)
    click.echo(f"{target.url} can be checked: {again}{' with the same options' if _more(values) else ''}")


def _more(values: dict[str, object]) -> bool:
    return any(value for key, value in values.items() if key != "target_file")


async def _examine(target: Target, identities: Identities) -> list[str]:
    """Print each observation as it is made, and give the steps that stop a run."""
    from signalproof.doctor import Mark, consult

    stops: list[str] = []
    async for observation in consult(target, identities):
        _print(observation)
        if observation.mark is Mark.BLOCKED and observation.step not in stops:
            stops.append(observation.step)
    return stops


def _print(seen: Observation) -> None:
    colour = {"ok": "green", "note": "yellow", "stop": "red"}[seen.mark]
    click.echo(f"{click.style(f'{seen.mark:5}', fg=colour)} {seen.step:{WIDTH}} {printable(seen.seen)}")
    if seen.advice:
        click.echo(f"{'':5} {'':{WIDTH}} → {printable(seen.advice)}")
