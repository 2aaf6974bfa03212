"""`signalproof serve`: the bundled reference server, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import click

__all__ = ["serve"]


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def serve(options: tuple[str, ...]) -> None:
    """Run the bundled reference server.

    The options are those of `signalproof-server`, see --help there.
    """
    command = [sys.executable, "-m", "signalproof_server", *options]
    if os.name == "posix":
        # In place of this process, so that signals and the exit code are the server's own.
        os.execv(sys.executable, command)  # noqa: S606 - our own module, our own interpreter
    sys.exit(subprocess.call(command))  # noqa: S603 - the same
