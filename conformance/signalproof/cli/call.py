"""`signalproof call`: one real call, step by step."""

from __future__ import annotations

import sys

import click

from signalproof.cli.group import Exit
from signalproof.cli.parameters import target_options, target_options_of
from signalproof.text.untrusted import one_line, printable

__all__ = ["call"]


@target_options
@click.command(
    epilog="""\b
Examples:
  signalproof call http://127.0.0.1:8000
  signalproof call http://127.0.0.1:8000 --from bob --to alice --seconds 30""",
)
@click.argument("url", required=False)
@click.option("--from", "caller", default="man", show_default=True, metavar="LOGIN", help="Who rings.")
@click.option("--to", "callee", default="woman", show_default=True, metavar="LOGIN", help="Who accepts.")
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(min=0.5), help="How long they talk.")
def call(url: str | None, caller: str, callee: str, seconds: float, **values: object) -> None:
    """Make one real call through the server.

    Each step is told as it happens.
    Two clients log in, one rings, the other accepts; both send a tone and a moving picture.
    Without URL, target.toml in the current folder says which server.
    """
    options = target_options_of(url, values)
    import asyncio

    from signalproof.cli import conversation
    from signalproof.config import reading
    from signalproof.errors import NonConformance, SignalproofError
    from signalproof.protocol.schemas import violation

    for option, name in (("--from", caller), ("--to", callee)):
        if violation("Login", name) is not None:
            raise click.UsageError(f"{option} {_unfit(name)} (LOGIN-3)")
    if caller == callee:
        raise click.UsageError("--from and --to name the same user: a call needs two")

    def say(text: str) -> None:
        click.echo(printable(text))

    try:
        target, identities = reading.read(options)
        asyncio.run(conversation.converse(target, identities, caller=caller, callee=callee, seconds=seconds, say=say))
    except SignalproofError as error:
        click.echo(printable(f"Error: {error}"), err=True)
        sys.exit(Exit.UNUSABLE)
    except NonConformance as found:
        hint = f"\nhint: {found.hint}" if found.hint else ""
        click.echo(printable(f"failed: {found}{hint}"), err=True)
        sys.exit(Exit.BROKEN)


def _unfit(name: str) -> str:
    """Say why a name is no login."""
    if not name:
        return "is empty: a login has 1 to 80 characters"
    if len(name) > 80:
        return f"has {len(name)} characters: a login has 1 to 80"
    return f"{one_line(name)!r} holds a control character, which no login may"
