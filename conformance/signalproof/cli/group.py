"""What all commands share: the group, the exit codes, and how errors end a command."""

from __future__ import annotations

import os
import sys
from enum import IntEnum

import click

from signalproof.run.interrupts import ignore_interrupts, take_termination_as_interrupt
from signalproof.text.suggestion import did_you_mean

__all__ = ["Exit", "main", "run"]


class Exit(IntEnum):
    """How a command ends."""

    CONFORMANT = 0
    BROKEN = 1
    INTERRUPTED = 2
    KIT_FAULT = 3
    UNUSABLE = 4
    NOTHING_SELECTED = 5


class Commands(click.Group):
    """Lists its commands in the order in which one needs them, and knows the one that was meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names as they were added."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; a URL in its place gets the command that takes one."""
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            remedy = did_you_mean(name, list(self.commands))
            if "://" in name or name.startswith("localhost"):
                remedy = f"; write: signalproof check {name}"
            ctx.fail(f"there is no command {name!r}{remedy}")
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end, as click's own option does, which would have to know it beforehand."""
    if not wanted or ctx.resilient_parsing:
        return
    from signalproof import __version__

    click.echo(f"{ctx.find_root().info_name}, version {__version__}")
    ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Start here:
  signalproof doctor http://127.0.0.1:8000   is it up, and does it speak VCSP?
  signalproof check http://127.0.0.1:8000    does it keep the contract, and if not, where?
  signalproof explain OFFER-1                what a requirement asks for, and why

\b
Without a server of your own:
  signalproof check                          the bundled reference server
  signalproof serve --port 8000              the same, to try your client on""",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Check servers of VCSP/1, the Video Chat Signalling Protocol."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def run() -> None:
    """Run the command, and end with the exit code that the help promises, also for mistakes in the options."""
    take_termination_as_interrupt()
    try:
        main.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(Exit.UNUSABLE)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.KIT_FAULT)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)
    finally:
        ignore_interrupts()
