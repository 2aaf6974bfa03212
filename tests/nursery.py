"""The process that the processes of the tests are born of, and end with: `python tests/nursery.py FD`.

Over the socket FD come requests, a line of JSON each. A command of this project's own is forked, after what it
imports has been imported here once, and goes on as Python would have started it; any other is executed. A process is
the leader of a group of its own. When the other end of the socket is closed, whoever wanted the processes has gone,
and all of them are killed.
"""

from __future__ import annotations

import ast
import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Birth", "end_with_parent", "nurse"]

TESTS = Path(__file__).resolve().parent
OURS = {
    "signalproof": ("cryptography.x509", "hypothesis.stateful", "jinja2", "jwt", "rich.progress", "uvloop"),
    "signalproof_server": (
        "jwt",
        "uvicorn.protocols.http.httptools_impl",
        "uvicorn.protocols.websockets.websockets_impl",
        "uvloop",
    ),
}
"""The packages whose commands are forked, and what they import late."""
APART = ("__main__", "plugin", "suite")
"""What is not imported beforehand: commands, and modules that pytest has to import itself."""
READ_AT_START = ("CI", "HYPOTHESIS", "LANG", "LC_", "LD_", "PYTHON", "SSL_")
"""Beginnings of variables that an interpreter or a library reads but once: who has another value starts afresh."""
PR_SET_PDEATHSIG = 1
THREADS = Path("/proc/self/task")
BITE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Birth:
    """A process that was asked for, seen from within it."""

    command: Sequence[str]
    folder: str
    environment: dict[str, str]
    streams: Sequence[int]
    forked: bool

    def live(self) -> NoReturn:
        """Become the process, and end as it."""
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        if not self.forked:
            os.execvpe(self.command[0], list(self.command), self.environment)
        time.tzset()
        tempfile.tempdir = None
        first, *rest = self.command[1:]
        code: object = None
        try:
            if first == "-m":
                sys.path[0] = self.folder
                run_module(*rest)
            else:
                sys.path[0] = str(Path(first).parent)
                sys.argv = [first, *rest]
                runpy.run_path(first, run_name="__main__")
        except SystemExit as end:
            code = end.code
        leave(code)


def run_module(*arguments: str) -> None:
    """Run a module with its arguments, as `python -m` does."""
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def leave(code: object) -> NoReturn:
    """End as the interpreter does, but without taking down what all processes share: that takes a quarter second."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    gc.collect()  # so that everything that complains of its end does
    if not isinstance(code, int | None):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


@dataclass(slots=True)
class Nurse:
    """Takes requests and buries the dead."""

    control: socket.socket
    children: dict[int, int] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    imported: set[str] = field(default_factory=set)
    bell: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    def work(self) -> Birth | None:
        """Serve until the socket is closed; within each new process, give what it is to become."""
        for end in self.bell:
            end.setblocking(False)
        self.listen()
        while True:
            ready, _, _ = select.select([self.control, self.bell[0]], [], [])
            if self.bell[0] in ready:
                self.bell[0].recv(BITE_BYTES)
                self.bury()
            if self.control in ready:
                request, streams = self.receive()
                if request is None:
                    self.kill_all()
                    return None
                if "signal" in request:
                    self.pass_on(request["signal"], request["pid"], group=request["group"])
                    continue
                *streams, status = streams
                birth = self.birth(request, streams)
                if pid := os.fork():
                    for stream in streams:
                        os.close(stream)
                    self.children[pid] = status
                    self.control.sendall(f"{pid}\n".encode())
                    continue
                self.forget(status)
                return birth

    def pass_on(self, number: int, pid: int, *, group: bool) -> None:
        """Send a signal to a process that has not ended, so that it cannot be anybody else's."""
        self.bury()
        if pid in self.children:
            try:
                (os.killpg if group else os.kill)(pid, number)
            except ProcessLookupError:  # it has no group of its own yet
                os.kill(pid, number)
        self.control.sendall(b"0\n")

    def listen(self) -> None:
        """Let the bell ring when a child has died, and be stopped by other signals as anybody is."""
        signal.set_wakeup_fd(self.bell[1].fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def forget(self, status: int) -> None:
        """Forget, in a new process, what belongs to the nursery."""
        os.setsid()
        end_with_parent(signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for one in (self.control, *self.bell):
            one.close()
        for descriptor in (status, *self.children.values()):
            os.close(descriptor)

    def receive(self) -> tuple[dict[str, Any] | None, list[int]]:
        """Take a request and the descriptors that come with it; no request at the end."""
        data, descriptors, _, _ = socket.recv_fds(self.control, BITE_BYTES, 4)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        while data and not data.endswith(b"\n"):
            more = self.control.recv(BITE_BYTES)
            data = data + more if more else b""
        return (json.loads(data) if data else None), descriptors

    def birth(self, request: dict[str, Any], streams: Sequence[int]) -> Birth:
        """Prepare a process, and what it imports unless it starts afresh."""
        command: list[str] = request["command"]
        environment: dict[str, str] = request["environment"]
        different = {key for key, _ in environment.items() ^ self.begun.items()}
        name = None if request["fresh"] or any(map(read_at_start, different)) else ours(command)
        if name is not None and name not in self.imported:
            self.prepare(name)
        return Birth(command, request["folder"], environment, streams, forked=name is not None)

    def prepare(self, name: str) -> None:
        """Import what a command imports."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for module in modules_of(name) if name in OURS else imports_of(Path(name)):
                importlib.import_module(module)
        if name == "signalproof":
            warm_up()
            self.listen()
        self.imported.add(name)
        gc.collect()
        gc.freeze()  # so that no collection touches, and thereby copies, what all processes share
        if THREADS.is_dir() and len(list(THREADS.iterdir())) > 1:
            raise RuntimeError(f"what {name} imports has started a thread, which no fork would have")

    def bury(self) -> None:
        """Tell how those ended that have."""
        for pid in list(self.children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                descriptor = self.children.pop(pid)
                with suppress(BrokenPipeError):
                    os.write(descriptor, f"{os.waitstatus_to_exitcode(status)}\n".encode())
                os.close(descriptor)

    def kill_all(self) -> None:
        """End all that has not ended."""
        for pid in self.children:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        for pid in self.children:
            os.waitpid(pid, 0)


def end_with_parent(number: int) -> None:
    """Ask for a signal, where the system can do that, when the process dies that this one was born of."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def read_at_start(variable: str) -> bool:
    """Whether a variable of the environment is read but once."""
    return variable.startswith(READ_AT_START)


def ours(command: Sequence[str]) -> str | None:
    """Give the package or the script that a command of this project runs; None for any other."""
    match command:
        case [sys.executable, "-m", name, *_] if name in OURS:
            return name
        case [sys.executable, script, *_] if script.endswith(".py") and Path(script).is_relative_to(TESTS):
            return script
    return None


def modules_of(package: str) -> Iterator[str]:
    """Give the modules that commands of a package may need."""
    paths = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(paths, f"{package}."):
        if module.name.split(".")[1] not in APART:
            yield module.name
    yield from OURS[package]


def imports_of(script: Path) -> Iterator[str]:
    """Give the modules that a script imports before it does anything else, and those that servers import late."""
    for node in ast.parse(script.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif not isinstance(node, ast.Expr):
            break
    yield from OURS["signalproof_server"]


def warm_up() -> None:
    """Let pytest import the checks, as it does it, and compile the page of the report."""
    from signalproof.reports import html

    html.template()
    with suppress(SystemExit):
        run_module("signalproof", "check", "http://localhost", "--collect-only", "--quiet", "--no-report")


def nurse(control: socket.socket) -> Birth | None:
    """Serve requests; see `Nurse.work`."""
    return Nurse(control).work()


if __name__ == "__main__":
    sys.path.insert(1, str(TESTS.parent))
    born = nurse(socket.socket(fileno=int(sys.argv[1])))
    if born is not None:
        born.live()
