"""The options that commands share, made from the table of options, and how they are completed and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from signalproof.config.options import TABLE, Option, Options
from signalproof.config.target_file import NAME

__all__ = ["complete_profiles", "options_of", "session_options", "target_options", "target_options_of"]


def target_options(command: click.Command) -> click.Command:
    """Give a command the options that describe the target."""
    return _add(command, [option for option in TABLE if not option.about_run])


def session_options(command: click.Command) -> click.Command:
    """Give a command the options of a whole session."""
    return _add(command, TABLE)


def _add(command: click.Command, options: Sequence[Option]) -> click.Command:
    for option in options:
        files = click.Path(path_type=str) if option.metavar in {"FILE", "DIR"} else option.kind
        command.params.append(
            click.Option(
                [option.flag],
                is_flag=option.metavar is None or None,  # None leaves it to click; False drops values
                type=None if option.metavar is None else files,
                metavar=option.metavar,
                multiple=option.repeatable,
                help=option.help,
                shell_complete=complete_profiles if option.key == "profiles" else None,
            )
        )
    return command


def complete_profiles(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the last name of a comma-separated list."""
    from signalproof.protocol.requirements import PROFILES

    before, comma, begun = incomplete.rpartition(",")
    there = before.split(",")
    return [CompletionItem(f"{before}{comma}{p}") for p in PROFILES if p.startswith(begun) and p not in there]


def options_of(url: str | None, values: Mapping[str, object]) -> Options:
    """Read the options of a command.

    Without any URL the target file of the current folder serves. With one it is left alone, so that nobody is taken
    by surprise: what a file in the folder holds, tokens among them, goes nowhere else.
    """
    file = values.get("target_file") or (NAME if url is None and Path(NAME).is_file() else None)
    return Options.of({**values, "target": url, "target_file": file})


def target_options_of(url: str | None, values: Mapping[str, object]) -> Options:
    """Read the options of a command that needs a target; raises `click.UsageError` without one."""
    options = options_of(url, values)
    if url is None and options.target_file is None:
        raise click.UsageError(
            f"give the URL of the server, such as http://127.0.0.1:8000, or write a {NAME} with: signalproof init"
        )
    return options
