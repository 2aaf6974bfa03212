"""The command `signalproof-server`."""

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from signalproof_server import __version__
from signalproof_server.config import Limits, Settings

__all__ = ["main"]

LEVELS = ("debug", "info", "warning", "error")

EXAMPLES = """
Examples:

\b
  signalproof-server                                    any free port, state in memory
  signalproof-server --host 0.0.0.0 --port 8080         all interfaces
  signalproof-server --database /var/lib/vcsp.sqlite3   state in a file
  signalproof-server --ping-interval 2 --ping-timeout 2 notice silent losses soon
"""


@click.command(epilog=EXAMPLES, context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port; 0 takes any free one.")
@click.option(
    "--database",
    default=":memory:",
    metavar="FILE",
    help="SQLite file for the state, one server at a time. What it holds is forgotten at every start.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    default=("*",),
    metavar="ORIGIN",
    help="Origin whose pages may use the server; repeatable.",
)
@click.option("--ping-interval", default=25, type=click.IntRange(1), help="Seconds between two Engine.IO pings.")
@click.option("--ping-timeout", default=20, type=click.IntRange(1), help="Seconds to wait for the answer to a ping.")
@click.option(
    "--body-limit",
    default=Limits().body_bytes,
    type=click.IntRange(65_536),
    metavar="BYTES",
    help="Longest request body.",
)
@click.option("--log-level", default="info", type=click.Choice(LEVELS), help="Least severity to log.")
@click.version_option(__version__, prog_name="signalproof-server")
def main(
    *,
    host: str,
    port: int,
    database: str,
    cors_origins: tuple[str, ...],
    ping_interval: int,
    ping_timeout: int,
    body_limit: int,
    log_level: str,
) -> None:
    """Run the reference server of VCSP/1, the Video Chat Signalling Protocol.

    It prints one line with its URL on standard output when it is ready, and logs JSON lines to standard
    error. SIGINT and SIGTERM stop it.
    """
    settings = Settings(
        host=host,
        port=port,
        database=database,
        cors_origins=cors_origins,
        limits=Limits(body_bytes=body_limit),
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        log_level=log_level,
    )
    _run(settings)


def _run(settings: Settings) -> None:
    with _unneeded_imports_off():
        from signalproof_server.app import create_app
        from signalproof_server.log import forward_library_logs, make_logger
        from signalproof_server.serve import Server, listen, new_event_loop

    log = make_logger(settings.log_level)
    forward_library_logs(log)
    try:
        listener = listen(settings.host, settings.port)
    except OSError as exc:
        raise click.ClickException(
            f"cannot listen on {settings.host} port {settings.port}: {exc.strerror or exc}."
        ) from exc
    server = Server(create_app(settings, log=log), listener, _announce)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(server.run_app())
    except sqlite3.Error as exc:
        raise click.ClickException(f"cannot use the database {settings.database}: {exc}.") from exc


def _announce(url: str) -> None:
    click.echo(f"Signalproof server listening on {url}")
    sys.stdout.flush()


@contextmanager
def _unneeded_imports_off() -> Iterator[None]:
    """Keep optional parts of our libraries from being loaded: they are half of the time that a start takes.

    python-socketio imports its clients, and they aiohttp; structlog imports rich. Each does without.
    """
    names = [name for name in ("aiohttp", "rich", "requests") if name not in sys.modules]
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
