"""`signalproof completion`: the script that lets a shell complete commands, options, ids and profiles."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from signalproof.cli.group import main

__all__ = ["completion"]


@click.command(
    epilog="""\b
Put one of these into the file that your shell reads at its start:
  eval "$(signalproof completion bash)"              ~/.bashrc
  eval "$(signalproof completion zsh)"               ~/.zshrc
  signalproof completion fish | source               ~/.config/fish/config.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"click has no completion for {shell}")
    click.echo(kind(main, {}, "signalproof", "_SIGNALPROOF_COMPLETE").source())
