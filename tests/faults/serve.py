"""Serve one fault on a free port: `python tests/faults/serve.py FAULT [--auth-secret-file FILE]`.

The line with the URL on standard output says that it is ready.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.faults import FAULTS
from tests.faults.seams import Variant

from signalproof_server.config import Settings
from signalproof_server.log import make_logger
from signalproof_server.serve import Server, listen, new_event_loop
from signalproof_server.tokens import read_secret


def _variant(name: str, settings: Settings) -> Variant:
    """Make the variant of the server that has this fault; `none` has none."""
    server = Variant(settings)
    if name != "none":
        FAULTS[name].breaks(server)
    server.log = make_logger(server.settings.log_level)
    return server


def _say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def _serve(name: str, settings: Settings) -> None:
    """Serve until told to stop."""
    app = _variant(name, settings).build()
    server = Server(app, listen("127.0.0.1", 0), lambda url: _say(f"listening on {url}"))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.run_app())


def _settings(given: argparse.Namespace) -> Settings:
    return Settings(
        token_key=read_secret(given.auth_secret_file) if given.auth_secret_file else None,
        ping_interval=given.ping_interval,
        ping_timeout=given.ping_timeout,
        log_level=given.log_level,
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("fault", nargs="?", choices=["none", *FAULTS], metavar="FAULT", default="none")
    parser.add_argument("--auth-secret-file", type=Path)
    parser.add_argument("--ping-interval", type=float, default=0.5)
    parser.add_argument("--ping-timeout", type=float, default=1.5)
    parser.add_argument("--log-level", default="error")
    given = parser.parse_args()
    _serve(given.fault, _settings(given))


if __name__ == "__main__":
    main()
