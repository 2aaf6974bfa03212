"""The command `signalproof-server`."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from signalproof_server import __version__
from signalproof_server.config import Limits, Settings, TokenKey

__all__ = ["main"]

LEVELS = ("debug", "info", "warning", "error")

EXAMPLES = """
Examples:

\b
  signalproof-server                                    any free port, state in memory
  signalproof-server --host 0.0.0.0 --port 8080         all interfaces
  signalproof-server --database /var/lib/vcsp.sqlite3   state in a file
  signalproof-server --ping-interval 2 --ping-timeout 2 notice silent losses soon
  signalproof-server --auth-secret-file secret          ask for tokens (JSON Web Tokens, HS256)
  signalproof-server --root-path /api                   serve below a path
"""


KEY_FILE = click.Path(dir_okay=False, path_type=Path)
SECONDS = click.FloatRange(0.1, 3600)


def _root_path(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Bring a path into the form that `Settings` wants; a slash at its end means nothing."""
    path = value.rstrip("/")
    if not re.fullmatch(r"(/[\w.~-]+)*", path, re.ASCII):
        raise click.BadParameter("write it as /api or /api/v2.")
    return path


def _held_candidates(_context: click.Context, _option: click.Parameter, value: int) -> int:
    """Allow what the specification allows (ICE-4)."""
    if 0 < value < 64:
        raise click.BadParameter("hold at least 64, or none.")
    return value


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
@click.option(
    "--root-path",
    default="",
    metavar="PATH",
    callback=_root_path,
    help="Path that everything is served below, Socket.IO included.",
)
@click.option("--socket-url", metavar="URL", help="Where the discovery document says that Socket.IO is.")
@click.option(
    "--auth-secret-file",
    type=KEY_FILE,
    metavar="FILE",
    help="Ask for tokens, signed by HS256 with the secret in this file: 32 bytes or more.",
)
@click.option(
    "--auth-public-key-file",
    type=KEY_FILE,
    metavar="FILE",
    help="Ask for tokens, signed by RS256 or ES256; the file holds the public key as PEM.",
)
@click.option("--ping-interval", default=25, type=SECONDS, help="Seconds between two Engine.IO pings.")
@click.option("--ping-timeout", default=20, type=SECONDS, help="Seconds to wait for the answer to a ping.")
@click.option(
    "--ringing-seconds",
    default=Limits().ringing_seconds,
    type=click.IntRange(1),
    help="Seconds that a call rings.",
)
@click.option(
    "--held-candidates",
    default=Limits().held_candidates,
    type=click.IntRange(0),
    callback=_held_candidates,
    help="Early candidates to hold for a connection and peer: 64 or more, or 0 to refuse them.",
)
@click.option(
    "--held-seconds",
    default=Limits().held_seconds,
    type=click.IntRange(10),
    help="Seconds to hold them for.",
)
@click.option(
    "--body-limit",
    default=Limits().body_bytes,
    type=click.IntRange(524_288),
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
    root_path: str,
    socket_url: str | None,
    auth_secret_file: Path | None,
    auth_public_key_file: Path | None,
    ping_interval: float,
    ping_timeout: float,
    ringing_seconds: int,
    held_candidates: int,
    held_seconds: int,
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
        limits=Limits(
            body_bytes=body_limit,
            held_candidates=held_candidates,
            held_seconds=held_seconds,
            ringing_seconds=ringing_seconds,
        ),
        token_key=_token_key(auth_secret_file, auth_public_key_file),
        root_path=root_path,
        socket_url=socket_url,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        log_level=log_level,
    )
    _run(settings)


def _token_key(secret_file: Path | None, public_key_file: Path | None) -> TokenKey | None:
    """Read the one key file that is given, if any."""
    if secret_file is None and public_key_file is None:
        return None
    if secret_file is not None and public_key_file is not None:
        raise click.UsageError("give --auth-secret-file or --auth-public-key-file, not both.")
    with _unneeded_imports_off():
        from signalproof_server.tokens import UnusableKey, read_public_key, read_secret
    try:
        if secret_file is not None:
            return read_secret(secret_file)
        return read_public_key(public_key_file) if public_key_file is not None else None
    except UnusableKey as error:
        raise click.ClickException(str(error)) from error


def _run(settings: Settings) -> None:
    with _unneeded_imports_off():
        from signalproof_server.app import create_app
        from signalproof_server.log import forward_library_logs, make_logger
        from signalproof_server.serve import Server, listen, new_event_loop

    log = make_logger(settings.log_level)
    forward_library_logs(log)
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}."
        ) from error
    server = Server(create_app(settings, log=log), listener, _announce)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(server.run_app())
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        reason = "another server uses it" if busy else error
        raise click.ClickException(f"cannot use the database {settings.database}: {reason}.") from error


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
