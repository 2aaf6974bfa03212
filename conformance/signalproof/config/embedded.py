"""Starts the reference server as a process of its own, for runs without a target URL.

The kit and the server share data, never code; all that passes between them is a URL.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator

from signalproof.errors import KitError

__all__ = ["reference_server"]

_READY = re.compile(r"http://\S+$")


@contextlib.contextmanager
def reference_server(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Start the server on a free port of this machine and stop it at the end; `url_of` gives its URL."""
    process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [sys.executable, "-m", "signalproof_server", "--port", "0", "--log-level", "warning", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def url_of(process: subprocess.Popen[str]) -> str:
    """Wait for the server's start line and give its URL.

    Raises `KitError` when it ends instead.
    """
    line = process.stdout.readline() if process.stdout else ""
    found = _READY.search(line.strip())
    if found is None:
        raise KitError(f"the reference server did not start (exit code {process.poll()})")
    return found[0]
