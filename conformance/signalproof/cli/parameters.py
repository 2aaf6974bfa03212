"""The options that commands share, made from the table of flags, and how they are completed and passed on."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from signalproof.config.flags import FLAGS, Flag
from signalproof.config.target_file import NAME

__all__ = ["arguments", "namespace", "session_options", "target_options", "usual_target_file"]


def target_options(command: click.Command) -> click.Command:
    """Give a command the options that describe the target."""
    return _options(command, [flag for flag in FLAGS if not flag.about_run])


def session_options(command: click.Command) -> click.Command:
    """Give a command the options of a whole session."""
    strict = click.Option(["--strict"], is_flag=True, help="A SHOULD that is not followed fails the run.")
    _options(command, FLAGS).params.append(strict)
    return command


def _options(command: click.Command, flags: Sequence[Flag]) -> click.Command:
    for flag in flags:
        files = click.Path(path_type=str) if flag.metavar in {"FILE", "DIR"} else flag.kind
        command.params.append(
            click.Option(
                [flag.name],
                is_flag=flag.metavar is None or None,  # None leaves it to click; False drops values
                type=None if flag.metavar is None else files,
                metavar=flag.metavar,
                multiple=flag.repeatable,
                help=flag.help,
                shell_complete=complete_profiles if flag.name == "--profiles" else None,
            )
        )
    return command


def complete_profiles(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the last name of a comma-separated list."""
    from signalproof.protocol.requirements import PROFILES

    before, comma, begun = incomplete.rpartition(",")
    there = before.split(",")
    return [CompletionItem(f"{before}{comma}{p}") for p in PROFILES if p.startswith(begun) and p not in there]


def arguments(values: Mapping[str, object]) -> list[str]:
    """Write options that click has read as pytest reads them."""
    words = ["--strict"] if values["strict"] else []
    for flag in FLAGS:
        value = values[flag.key]
        if flag.metavar is None:
            words += [flag.name] if value else []
        elif isinstance(value, tuple):
            words += [f"{flag.name}={part}" for part in value]
        elif value is not None:
            words.append(f"{flag.name}={value}")
    return words


def usual_target_file(url: str | None, target_file: object) -> str | None:
    """Give the target file to read: the one named, or without any URL that of the current folder.

    With a URL nobody is taken by surprise: what a file in the folder holds, tokens among them, goes nowhere else.
    """
    if target_file:
        return str(target_file)
    return NAME if url is None and Path(NAME).is_file() else None


def namespace(url: str | None, values: Mapping[str, object]) -> Namespace:
    """Give the options of a command that needs a target; raises `click.UsageError` without one."""
    file = usual_target_file(url, values["target_file"])
    if url is None and file is None:
        raise click.UsageError(
            f"give the URL of the server, such as http://127.0.0.1:8000, or write a {NAME} with: signalproof init"
        )
    return Namespace(**{**values, "target": url, "target_file": file})
