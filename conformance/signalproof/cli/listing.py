"""`signalproof list`: the requirements by profile, and the checks that decide them."""

from __future__ import annotations

import sys
from shutil import get_terminal_size

import click

from signalproof.cli.parameters import complete_profiles

__all__ = ["list_requirements"]


@click.command(
    "list",
    epilog="""\b
Examples:
  signalproof list --profiles ice,call
  signalproof list --markdown > requirements.md
  signalproof explain OFFER-1                        everything about one of them""",
)
@click.option(
    "--profiles",
    metavar="LIST",
    default="",
    help="Only these profiles, such as core,ice.",
    shell_complete=complete_profiles,
)
@click.option("--markdown", is_flag=True, help="A table with the checks that decide each requirement.")
def list_requirements(profiles: str, markdown: bool) -> None:
    """List the requirements by profile."""
    from signalproof.protocol import coverage
    from signalproof.protocol.requirements import PROFILES
    from signalproof.text.suggestion import did_you_mean

    names = tuple(name.strip() for name in profiles.split(",") if name.strip())
    for name in names:
        if name not in PROFILES:
            raise click.UsageError(f"there is no profile {name!r}{did_you_mean(name, PROFILES)}")
    # One line each for grep; wrapped for eyes.
    width = get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in coverage.table(names) if markdown else coverage.listing(names, width=width):
        click.echo(line)
