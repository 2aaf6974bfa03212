"""The command `signalproof`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import click

from signalproof import __version__, contracts
from signalproof.errors import KitError
from signalproof.flags import FLAGS, Flag
from signalproof.resources import SUITE

__all__ = ["main", "run"]

STRICT = click.Option(["--strict"], is_flag=True, help="A SHOULD that is not followed fails the run.")
QUICK = ("--ping-interval", "0.5", "--ping-timeout", "2")
"""Engine.IO timers under which a silent loss shows within the time of a run (PRES-3)."""
INTERRUPTED = 2
KIT_FAULT = 3
UNUSABLE = 4
NOTHING_SELECTED = 5


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="signalproof")
def main() -> None:
    """Check servers of VCSP/1, the Video Chat Signalling Protocol."""


def run() -> None:
    """Run the command, and end with the exit code that the help promises, also for mistakes in the options."""
    try:
        main.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(UNUSABLE)
    except click.ClickException as error:
        error.show()
        sys.exit(KIT_FAULT)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)


def _target_options(command: click.Command) -> click.Command:
    """Give a command the options that describe the target."""
    return _options(command, [flag for flag in FLAGS if not flag.about_run])


def _session_options(command: click.Command) -> click.Command:
    """Give a command the options of a whole session."""
    _options(command, FLAGS).params.append(STRICT)
    return command


def _options(command: click.Command, flags: Sequence[Flag]) -> click.Command:
    for flag in flags:
        command.params.append(
            click.Option(
                [flag.name],
                is_flag=flag.metavar is None or None,  # None leaves it to click; False drops values
                type=None if flag.metavar is None else flag.kind,
                metavar=flag.metavar,
                multiple=flag.repeatable,
                help=flag.help,
            )
        )
    return command


def _arguments(values: Mapping[str, object]) -> list[str]:
    """Write options that click has read as pytest reads them."""
    arguments = ["--strict"] if values["strict"] else []
    for flag in FLAGS:
        value = values[flag.key]
        if flag.metavar is None:
            arguments += [flag.name] if value else []
        elif isinstance(value, tuple):
            arguments += [f"{flag.name}={part}" for part in value]
        elif value is not None:
            arguments.append(f"{flag.name}={value}")
    return arguments


@_session_options
@main.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  signalproof check                                  the bundled reference server
  signalproof check http://127.0.0.1:8000            a server at your desk
  signalproof check https://chat.example.org/api --socket-url https://rt.example.org
  signalproof check URL --jwt-secret-file secret     a server that asks for tokens
  signalproof check URL --report out --strict        in CI: exit code 0 or 1, out/report.json
  signalproof check URL --baseline known.toml        fail only for breaches that it does not list
  signalproof check URL -k offer -v                  pytest's own options pass through

\b
Exit codes: 0 conformant, 1 a requirement is broken, 2 interrupted, 3 a fault of the kit,
4 the target cannot be judged, 5 no check was selected.""",
)
@click.argument("url", required=False)
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def check(url: str | None, pytest_args: tuple[str, ...], **values: object) -> None:
    """Check the server at URL.

    Without URL, check the bundled reference server, first without and then with authentication.
    """
    if url == "":
        raise click.UsageError("the URL is empty: leave it out to check the bundled reference server")
    if url is not None and url.startswith("-"):
        words = (url, *pytest_args)
        url = next((word for word in words if word.startswith(("http://", "https://"))), None)
        pytest_args = tuple(word for word in words if word != url)
    if url is None:
        sys.exit(_check_reference_server(values, pytest_args))
    sys.exit(_run_pytest([f"--target={url}", *_arguments(values), *pytest_args]))


@main.command("list")
@click.option("--profiles", metavar="LIST", default="", help="Only these profiles, such as core,ice.")
def list_requirements(profiles: str) -> None:
    """Print the table of requirements and their checks, in Markdown."""
    from signalproof.coverage import table
    from signalproof.requirements import PROFILES

    names = tuple(name.strip() for name in profiles.split(",") if name.strip())
    if unknown := set(names) - set(PROFILES):
        raise click.UsageError(f"there is no profile {min(unknown)!r}; choose from {', '.join(PROFILES)}")
    for line in table(names):
        click.echo(line)


def _document_options(command: click.Command) -> click.Command:
    """Give a command one option for each document."""
    for option, (_, what) in contracts.DOCUMENTS.items():
        command.params.append(click.Option([f"--{option}"], is_flag=True, help=what))
    return command


@_document_options
@main.command(
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
    """Print the contract: the definition called NAME, or one of the documents, as JSON."""
    chosen = [option for option, given in documents.items() if given]
    if len(chosen) + (name is not None) + show_list != 1:
        options = ", ".join(f"--{option}" for option in contracts.DOCUMENTS)
        raise click.UsageError(f"give one of {options}, --list, or the name of a definition")
    if show_list:
        for known, what in contracts.names().items():
            click.echo(f"{known:<23}{what}")
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


@_target_options
@main.command(
    "call",
    epilog="""\b
Examples:
  signalproof call http://127.0.0.1:8000
  signalproof call http://127.0.0.1:8000 --from bob --to alice --seconds 30""",
)
@click.argument("url")
@click.option("--from", "caller", default="man", show_default=True, metavar="LOGIN", help="Who rings.")
@click.option("--to", "callee", default="woman", show_default=True, metavar="LOGIN", help="Who accepts.")
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(min=0.5), help="How long they talk.")
def make_call(url: str, caller: str, callee: str, seconds: float, **values: object) -> None:
    """Make one real call through the server at URL and say what happens.

    Two clients log in, one rings, the other accepts; both send a tone and a moving picture.
    """
    import asyncio
    from argparse import Namespace

    from signalproof import client, options
    from signalproof.errors import NonConformance, SignalproofError

    try:
        target, identities = options.read(Namespace(target=url, **values))
        asyncio.run(client.call(target, identities, caller=caller, callee=callee, seconds=seconds, say=click.echo))
    except SignalproofError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(UNUSABLE)
    except NonConformance as found:
        click.echo(f"failed: {found}", err=True)
        sys.exit(1)


def _check_reference_server(values: Mapping[str, object], pytest_args: tuple[str, ...]) -> int:
    """Check the bundled server without and with authentication; give the worse exit code."""
    from signalproof import embedded

    with TemporaryDirectory(prefix="signalproof-") as folder:
        secret = Path(folder, "secret")
        secret.write_text(token_hex(32), encoding="utf-8")
        codes: list[int] = []
        for auth in (False, True):
            report = values["report"]
            changed = {
                **values,
                "jwt_secret_file": str(secret) if auth else None,
                "report": Path(str(report), "auth") if auth and report else report,
            }
            options = [*QUICK, *(("--auth-secret-file", str(secret)) if auth else ())]
            if auth:
                click.echo()
            click.echo(f"the reference server {'with' if auth else 'without'} authentication")
            with embedded.reference_server(*options) as server:
                import signalproof.session  # noqa: F401 - imported while the server starts

                try:
                    url = embedded.url_of(server)
                except KitError as error:
                    raise click.ClickException(str(error)) from None
                codes.append(_run_pytest([f"--target={url}", *_arguments(changed), *pytest_args]))
            if codes[-1] in {INTERRUPTED, UNUSABLE}:
                break
    # What was selected in one of the two runs only is no reason to complain.
    return max([code for code in codes if code != NOTHING_SELECTED] or codes)


def _run_pytest(options: list[str]) -> int:
    """Run the suite in this process, untouched by the plugins and settings of the current folder."""
    import pytest

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    paths = [] if any(SUITE.name in option and "::" in option for option in options) else [str(SUITE)]
    own = ["-c", str(SUITE / "pytest.toml"), "-p", "signalproof.plugin", "-p", "no:cacheprovider"]
    # It collects garbage at the end, a tenth of the run, to find faults of the suite's own code.
    own += ["-p", "no:unraisableexception"]
    return int(pytest.main([*own, *options, *paths]))
