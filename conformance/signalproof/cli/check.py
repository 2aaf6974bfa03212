"""`signalproof check`: the suite against a server, or against the bundled one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import click

from signalproof.cli.group import Exit
from signalproof.cli.parameters import options_of, session_options
from signalproof.cli.pytest_words import pytest_options, words_of
from signalproof.config.options import Options
from signalproof.errors import InvalidTarget, KitError
from signalproof.protocol.resources import SUITE
from signalproof.reports.folder import DEFAULT

__all__ = ["check"]

QUICK = ("--ping-interval", "0.75", "--ping-timeout", "1.75", "--ringing-seconds", "24", "--held-seconds", "24")
"""Engine.IO timers under which a silent loss shows within the time of a run (PRES-3), and limits that `--slow` waits
for no longer than a person takes anyway."""


@pytest_options
@session_options
@click.command(
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
  signalproof check URL -k offer -v                  a part of the checks, by name
  signalproof check URL test_offer test_a_post_reaches_nobody_else    the same, by module or check
  signalproof check URL -- --durations 5             what else pytest can do

\b
Exit codes: 0 conformant, 1 a requirement is broken, 2 interrupted, 3 a fault of the kit,
4 the target cannot be judged, 5 no check was selected.""",
)
@click.argument("url", required=False)
@click.argument("checks", metavar="[CHECK]...", nargs=-1)
def check(url: str | None, checks: tuple[str, ...], **values: object) -> None:
    """Check the server at URL.

    Without URL, target.toml in the current folder says which; without that file, check the bundled reference
    server, first without and then with authentication.
    All checks that its profiles ask for are run, or those that are named.
    """
    if url == "":
        raise click.UsageError("the URL is empty: leave it out to check the bundled reference server")
    given = (url, *checks) if url is not None else ()
    if url is not None and url.startswith(("-", "test_")):
        url, checks = None, given
    words = words_of(checks, values)
    options = options_of(url, values)
    if url is None and options.target_file is None:
        sys.exit(_check_reference_server(options, words))
    sys.exit(_run_pytest(options, words))


def _check_reference_server(options: Options, words: Sequence[str]) -> int:
    """Check the bundled server without and with authentication; give the worse exit code."""
    from signalproof.config import embedded

    with TemporaryDirectory(prefix="signalproof-") as folder:
        secret = Path(folder, "secret")
        secret.write_text(token_hex(32), encoding="utf-8")
        report = Path(options.report or DEFAULT)
        codes: list[int] = []
        for auth in (False, True):
            if auth:
                click.echo()
            click.echo(f"the reference server {'with' if auth else 'without'} authentication")
            with embedded.reference_server(*QUICK, *(("--auth-secret-file", str(secret)) if auth else ())) as server:
                import signalproof.pytest_plugin.session  # noqa: F401 - imported while the server starts

                try:
                    url = embedded.url_of(server)
                except KitError as error:
                    raise click.ClickException(str(error)) from None
                one = replace(
                    options,
                    target=url,
                    jwt_secret_file=str(secret) if auth else None,
                    report=str(report / "auth" if auth else report),
                )
                codes.append(_run_pytest(one, words))
            if codes[-1] in {Exit.INTERRUPTED, Exit.UNUSABLE}:
                return codes[-1]
    # What was selected in one of the two runs only is no reason to complain.
    return max([code for code in codes if code != Exit.NOTHING_SELECTED] or codes)


def _run_pytest(options: Options, words: Sequence[str]) -> int:
    """Run the suite in this process, untouched by the plugins and settings of the current folder."""
    import pytest

    # Now, for pytest would swallow an interrupt while it is imported.
    from signalproof.pytest_plugin.session import ConformanceSession

    try:
        session = ConformanceSession(options)
    except InvalidTarget as error:
        raise click.UsageError(str(error)) from None
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    own = ["-c", str(SUITE / "pytest.toml"), "-p", "signalproof.plugin", "-p", "no:cacheprovider"]
    # It collects garbage at the end, a tenth of the run, to find faults of the suite's own code.
    own += ["-p", "no:unraisableexception"]
    return int(pytest.main([*own, *words], plugins=[session]))
