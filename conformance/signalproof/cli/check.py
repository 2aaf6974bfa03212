"""`signalproof check`: the suite against a server, or against the bundled one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import click

from signalproof.cli.group import Exit
from signalproof.cli.parameters import arguments, session_options, usual_target_file
from signalproof.errors import KitError
from signalproof.protocol.resources import SUITE
from signalproof.reports.folder import DEFAULT

__all__ = ["check"]

QUICK = ("--ping-interval", "0.75", "--ping-timeout", "1.75")
"""Engine.IO timers under which a silent loss shows within the time of a run (PRES-3)."""


@session_options
@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  signalproof check                                  what target.toml says, or the bundled reference server
  signalproof check http://127.0.0.1:8000            a server at your desk
  signalproof check https://chat.example.org/api --socket-url https://rt.example.org
  signalproof check URL --jwt-secret-file secret     a server that asks for tokens
  signalproof check URL --rate 20                    a live deployment, politely
  signalproof check URL --report out --strict        in CI: exit code 0 or 1, reports in out/
  signalproof check URL --dry-run                    what would run
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

    Without URL, target.toml in the current folder says which; without that file, check the bundled reference
    server, first without and then with authentication.
    """
    if url == "":
        raise click.UsageError("the URL is empty: leave it out to check the bundled reference server")
    if url is not None and url.startswith("-"):
        words = (url, *pytest_args)
        url = next((word for word in words if word.startswith(("http://", "https://"))), None)
        pytest_args = tuple(word for word in words if word != url)
    values["target_file"] = usual_target_file(url, values["target_file"])
    if url is None and values["target_file"] is None:
        sys.exit(_check_reference_server(values, pytest_args))
    target = [] if url is None else [f"--target={url}"]
    sys.exit(_run_pytest([*target, *arguments(values), *pytest_args]))


def _check_reference_server(values: Mapping[str, object], pytest_args: tuple[str, ...]) -> int:
    """Check the bundled server without and with authentication; give the worse exit code."""
    from signalproof.config import embedded

    with TemporaryDirectory(prefix="signalproof-") as folder:
        secret = Path(folder, "secret")
        secret.write_text(token_hex(32), encoding="utf-8")
        codes: list[int] = []
        for auth in (False, True):
            report = Path(str(values["report"] or DEFAULT))
            changed = {
                **values,
                "jwt_secret_file": str(secret) if auth else None,
                "report": report / "auth" if auth else report,
            }
            options = [*QUICK, *(("--auth-secret-file", str(secret)) if auth else ())]
            if auth:
                click.echo()
            click.echo(f"the reference server {'with' if auth else 'without'} authentication")
            with embedded.reference_server(*options) as server:
                import signalproof.pytest_plugin.session  # noqa: F401 - imported while the server starts

                try:
                    url = embedded.url_of(server)
                except KitError as error:
                    raise click.ClickException(str(error)) from None
                codes.append(_run_pytest([f"--target={url}", *arguments(changed), *pytest_args]))
            if codes[-1] in {Exit.INTERRUPTED, Exit.UNUSABLE}:
                break
    if codes[-1] in {Exit.INTERRUPTED, Exit.UNUSABLE}:
        return codes[-1]
    # What was selected in one of the two runs only is no reason to complain.
    return max([code for code in codes if code != Exit.NOTHING_SELECTED] or codes)


def _run_pytest(options: list[str]) -> int:
    """Run the suite in this process, untouched by the plugins and settings of the current folder."""
    import pytest

    import signalproof.pytest_plugin.session  # noqa: F401 - pytest would swallow an interrupt while it is imported

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    paths = [] if any(SUITE.name in option and ".py" in option for option in options) else [str(SUITE)]
    own = ["-c", str(SUITE / "pytest.toml"), "-p", "signalproof.plugin", "-p", "no:cacheprovider"]
    # It collects garbage at the end, a tenth of the run, to find faults of the suite's own code.
    own += ["-p", "no:unraisableexception"]
    return int(pytest.main([*own, *options, *paths]))
