"""The servers that generated clients talk to: the reference server, and one that does everything open otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codegen.outcome import Broken

__all__ = ["SERVERS", "serving"]

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {
    "reference": ("-m", "signalproof_server", "--port", "0", "--log-level", "error"),
    "contrarian": (str(ROOT / "tests" / "targets" / "contrarian.py"),),
}
LIMIT = 60
"""Seconds until a server has to have told its URL."""


@contextmanager
def serving(name: str) -> Iterator[str]:
    """Run one of the servers and give its URL; it ends afterwards."""
    command = (sys.executable, *SERVERS[name])
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        watchdog = threading.Timer(LIMIT, process.kill)
        watchdog.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
            watchdog.cancel()
            found = re.search(r"http://127\.0\.0\.1:\S+", line)
            if found is None:
                raise Broken(f"the {name} server did not start: {line!r}")
            yield found[0]
        finally:
            watchdog.cancel()
            process.terminate()
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
