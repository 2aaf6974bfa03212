"""Processes that end with whoever started them, together with all that they have started."""

from __future__ import annotations

import atexit
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

__all__ = ["Nursery", "Process", "StillRunning", "alive", "end_all", "running"]

HIDDEN = ("PYTEST", "COV_", "GITHUB_")
"""Beginnings of the names of environment variables that processes do not inherit."""
LIMIT_SECONDS = 30
"""After which a process that should have said something, or ended, is killed."""
BITE_BYTES = 65_536


class StillRunning(AssertionError):
    """A process has not ended in time; `output` is what it has written."""

    def __init__(self, command: tuple[str, ...], limit: float, output: str) -> None:
        super().__init__(f"{command!r} is still running after {limit} s:\n{output}")
        self.output = output


class Nursery:
    """The process that all others are born of; see `nursery.py`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("nursery.py")), str(theirs.fileno())],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def ask(self, request: dict[str, Any], *descriptors: int) -> int:
        """Send a request and give the answer."""
        message = f"{json.dumps(request)}\n".encode()
        with self._lock, _uninterrupted():
            sent = socket.send_fds(self._control, [message], descriptors) if descriptors else 0
            self._control.sendall(message[sent:])
            answer = b""
            while not answer.endswith(b"\n"):
                if not (more := self._control.recv(BITE_BYTES)):
                    raise RuntimeError("the nursery has ended: standard error says why")
                answer += more
        return int(answer)

    def close(self) -> None:
        """End it, and with it all processes that are left."""
        self._control.close()
        self._process.wait()


_nurseries: list[Nursery] = []
_lock = threading.Lock()


def nursery() -> Nursery:
    """Give the one nursery of this process."""
    with _lock:
        if not _nurseries:
            _nurseries.append(Nursery())
        return _nurseries[0]


def end_all() -> None:
    """End all processes that are left, and what they were born of."""
    with _lock:
        while _nurseries:
            _nurseries.pop().close()


def environment() -> dict[str, str]:
    """Give the environment of a process: ours, but for what is about our own tests."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith(HIDDEN)}
    return ours | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


class Process:
    """A running process with a group of its own, so that to kill it is to kill what it has started too."""

    def __init__(self, *command: str, folder: Path, fresh: bool, errors: Path | None) -> None:
        self.command = command
        self._code: int | None = None
        self._said = b""
        self._output, output = os.pipe()
        self._status, status = os.pipe()
        with ExitStack() as stack:
            nothing = stack.enter_context(Path(os.devnull).open("rb"))
            complaints = stack.enter_context(errors.open("wb")).fileno() if errors else output
            request = {
                "command": command,
                "folder": str(folder),
                "environment": environment(),
                "fresh": fresh,
            }
            try:
                self.pid = nursery().ask(request, nothing.fileno(), output, complaints, status)
            finally:
                os.close(output)
                os.close(status)

    def line(self, limit: float = LIMIT_SECONDS) -> str:
        """Give the next line of its output, without white space around it; an empty one when it ends or is late."""
        until = monotonic() + limit
        while b"\n" not in self._said and self._listen(until):
            pass
        line, _, self._said = self._said.partition(b"\n")
        return _text(line).strip()

    def finish(self, limit: float = LIMIT_SECONDS) -> str:
        """Wait until it has ended and give the rest of its output; raises `StillRunning` after `limit` seconds."""
        until = monotonic() + limit
        try:
            while self._listen(until):
                pass
            if monotonic() > until or self.wait(until - monotonic()) is None:
                raise StillRunning(self.command, limit, _text(self._said))
        finally:
            self.kill()
        return _text(self._said)

    def _listen(self, until: float) -> bool:
        """Read some of its output; false at the end of that, and when it is too late, and the process is killed."""
        ready, _, _ = select.select([self._output], [], [], max(until - monotonic(), 0))
        more = os.read(self._output, BITE_BYTES) if ready else b""
        if not ready:
            self.kill()
        self._said += more
        return bool(more)

    @property
    def returncode(self) -> int:
        """How it has ended, as `subprocess` says it."""
        assert self._code is not None, f"{self.command!r} has not ended"
        return self._code

    def poll(self) -> int | None:
        """Give its exit code if it has ended."""
        return self.wait(0)

    def wait(self, limit: float) -> int | None:
        """Wait until it has ended, at most `limit` seconds, and give its exit code."""
        if self._code is None:
            ready, _, _ = select.select([self._status], [], [], max(limit, 0))
            if ready:
                self._code = int(os.read(self._status, BITE_BYTES) or -signal.SIGKILL)
        return self._code

    def send_signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to it, or to its whole group, if it still runs."""
        if self._code is None:
            nursery().ask({"pid": self.pid, "signal": number, "group": group})

    def kill(self) -> None:
        """End it and whatever it has started."""
        self.send_signal(signal.SIGKILL, group=True)

    def close(self) -> None:
        """Kill it if it still runs, and let go of it."""
        self.kill()
        self.wait(LIMIT_SECONDS)
        os.close(self._output)
        os.close(self._status)


@contextmanager
def running(*command: str, folder: Path, fresh: bool = False, errors: Path | None = None) -> Iterator[Process]:
    """Start a process, its output in one pipe, unless `errors` is where those go; end it in any case.

    Python commands of this project are forked, with all that they import there already, unless they are to be `fresh`.
    """
    process = None
    try:
        with _uninterrupted():
            process = Process(*command, folder=folder, fresh=fresh, errors=errors)
        yield process
    finally:
        if process is not None:
            process.close()


def _text(output: bytes) -> str:
    return io.IncrementalNewlineDecoder(None, translate=True).decode(output.decode("utf-8", "replace"), final=True)


def alive(pids: set[int]) -> Iterator[int]:
    """Give those that are still there, and not just waiting to be reaped."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    for line in table.splitlines():
        pid, state = line.split()
        if int(pid) in pids and not state.startswith("Z"):
            yield int(pid)


atexit.register(end_all)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold interrupts back: one between a request and its answer would leave a process that nobody knows."""
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
