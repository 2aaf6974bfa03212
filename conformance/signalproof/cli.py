"""The command `signalproof`."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

import click

from signalproof import __version__
from signalproof.errors import KitError
from signalproof.resources import SUITE

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="signalproof")
def main() -> None:
    """Check servers of VCSP/1, the Video Chat Signalling Protocol."""


@main.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  signalproof check                                  the bundled reference server
  signalproof check http://127.0.0.1:8000            a server at your desk
  signalproof check https://chat.example.org/api --socket-url https://rt.example.org
  signalproof check URL --report out --strict        in CI: exit code 0 or 1, out/report.json
  signalproof check URL -k offer -v                  pytest's own options pass through

\b
Exit codes: 0 conformant, 1 a requirement is broken, 2 interrupted, 3 a fault of the kit,
4 the target cannot be judged, 5 no check was selected.""",
)
@click.argument("url", required=False)
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
@click.option("--socket-url", metavar="URL", help="Base URL of Socket.IO, where it is another one.")
@click.option("--profiles", metavar="LIST", help="Profiles to check, such as core,ice.")
@click.option("--header", "headers", metavar="NAME:VALUE", multiple=True, help="Send this header; repeatable.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Limit of every wait.  [default: 5]")
@click.option("--concurrency", type=int, metavar="N", help="Checks under way at once.  [default: 16]")
@click.option("--serial", is_flag=True, help="One check at a time, for debugging.")
@click.option("--slow", is_flag=True, help="Also run checks that wait for long limits of the target.")
@click.option("--strict", is_flag=True, help="A SHOULD that is not followed fails the run.")
@click.option("--report", metavar="DIR", help="Write report.json into this folder.")
def check(  # noqa: PLR0917 - click passes them all by name
    url: str | None,
    pytest_args: tuple[str, ...],
    socket_url: str | None,
    profiles: str | None,
    headers: tuple[str, ...],
    timeout: float | None,
    concurrency: int | None,
    serial: bool,
    slow: bool,
    strict: bool,
    report: str | None,
) -> None:
    """Check the server at URL, or the bundled reference server when there is no URL."""
    if url is not None and url.startswith("-"):
        pytest_args = (url, *pytest_args)
        url = None
    values = {
        "--socket-url": socket_url,
        "--profiles": profiles,
        "--timeout": timeout,
        "--concurrency": concurrency,
        "--report": report,
    }
    options = [f"{name}={value}" for name, value in values.items() if value is not None]
    options += [f"--header={line}" for line in headers]
    options += [name for name, given in (("--serial", serial), ("--slow", slow), ("--strict", strict)) if given]
    with ExitStack() as stack:
        if url is None:
            from signalproof import embedded

            server = stack.enter_context(embedded.reference_server())
            import signalproof.session  # noqa: F401 - imported while the server starts

            try:
                url = embedded.url_of(server)
            except KitError as error:
                raise click.ClickException(str(error)) from None
        code = _run_pytest([f"--target={url}", *options, *pytest_args])
    sys.exit(code)


def _run_pytest(options: list[str]) -> int:
    """Run the suite in this process, untouched by the plugins and settings of the current folder."""
    import pytest

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    paths = [] if any(SUITE.name in option and "::" in option for option in options) else [str(SUITE)]
    settings = SUITE / "pytest.toml"
    return int(
        pytest.main(["-c", str(settings), "-p", "signalproof.plugin", "-p", "no:cacheprovider", *options, *paths])
    )
