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
    process = None
    try:
        with _uninterrupted():
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
            )
        yield process
    finally:
        if process is not None:
            # Not reaped yet, the group cannot be anybody else's.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            if process.stdout is not None:
                process.stdout.close()
            process.wait()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold interrupts back: one between the fork and the assignment would leave a process that nobody knows."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python interrupts its main thread only
        return
    caught: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _frame: caught.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for missed in caught:
            signal.raise_signal(missed)


def first_line(process: subprocess.Popen[str], limit: float) -> str:
    """Wait for a line of output, at most `limit` seconds; then the process is killed and the line is empty."""
    watchdog = threading.Timer(limit, process.kill)
    watchdog.start()
    try:
        return process.stdout.readline().strip() if process.stdout else ""
    finally:
        watchdog.cancel()
        watchdog.join()
