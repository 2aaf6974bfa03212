"""Processes that end with whoever started them, together with all that they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["first_line", "started"]


@contextmanager
def started(*command: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process in a group of its own, its output in one pipe; kill the group in any case."""
    foreign = ("PYTEST", "COV_", "GITHUB_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    # An interrupt between the fork and the `try` would leave the process behind, so it waits that long.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, held),  # noqa: PLW1509 - one system call
    )
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        yield process
    finally:
        # Not reaped yet, the group cannot be anybody else's.
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            process.stdout.close()
        process.wait()


def first_line(process: subprocess.Popen[str], limit: float) -> str:
    """Wait for a line of output, at most `limit` seconds; then the process is killed and the line is empty."""
    watchdog = threading.Timer(limit, process.kill)
    watchdog.start()
    try:
        return process.stdout.readline().strip() if process.stdout else ""
    finally:
        watchdog.cancel()
        watchdog.join()
