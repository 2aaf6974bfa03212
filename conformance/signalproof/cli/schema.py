"""`signalproof schema`: the contract, from the installed package."""

from __future__ import annotations

import click

from signalproof.protocol import contracts

__all__ = ["print_schema"]


def _document_options(command: click.Command) -> click.Command:
    """Give a command one option for each document."""
    for option, (_, what) in contracts.DOCUMENTS.items():
        command.params.append(click.Option([f"--{option}"], is_flag=True, help=what))
    return command


@_document_options
@click.command(
    "schema",
    epilog="""\b
Examples:
  signalproof schema --openapi > openapi.json    feed a generator of clients
  signalproof schema SenderOfferEvent            one message, with all that it refers to
  signalproof schema --list                      what there is""",
)
@click.argument("name", required=False)
@click.option("--list", "show_list", is_flag=True, help="Print the names that can be given, and what they are.")
def print_schema(name: str | None, *, show_list: bool, **documents: bool) -> None:
    """Print the contract as JSON: a definition by NAME, or a document."""
    chosen = [option for option, given in documents.items() if given]
    if len(chosen) + (name is not None) + show_list != 1:
        options = ", ".join(f"--{option}" for option in contracts.DOCUMENTS)
        raise click.UsageError(f"give one of {options}, --list, or the name of a definition")
    if show_list:
        for defined, what in contracts.names().items():
            click.echo(f"{defined:<23}{what}")
    elif name is not None:
        click.echo(_definition(name).encode(), nl=False)
    else:
        click.echo(contracts.document(chosen[0]).encode(), nl=False)


def _definition(name: str) -> str:
    try:
        return contracts.definition(name)
    except KeyError:
        meant = " or ".join(contracts.similar(name))
        advice = f"did you mean {meant}?" if meant else "--list prints those that there are."
        raise click.UsageError(f"there is no definition {name!r}: {advice}") from None
