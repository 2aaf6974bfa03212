"""The kinds of stress that the suite is repeated under."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.processes import running

__all__ = ["STRESSES", "NotServing", "Stress", "serving"]

START: Final = 20
"""Seconds until a server that has not started is killed."""
DEPLOYMENTS: Final = Path(__file__).parents[1] / "kit" / "deployments.py"
REFERENCE: Final = (
    *(sys.executable, "-m", "signalproof_server", "--log-level", "error"),
    *("--ping-interval", "0.75", "--ping-timeout", "1.75"),
)
LOOP: Final = """
import os, sys, time
parent, end = os.getppid(), time.monotonic() + float(sys.argv[1])
while os.getppid() == parent and time.monotonic() < end:
    sum(range(100_000))
"""
"""Keeps a core busy until its time is over or whoever started it has gone, should nobody end it before."""


class NotServing(Exception):
    """The server, or the proxy before it, did not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """What makes a run hard.

    `server` is the command that serves the target; its first line ends in the URL, and it takes
    `--auth-secret-file`. `round_trip` (seconds) and `jitter` (the part of it that varies) are those of a proxy
    before it. `loops` keep cores busy. `excused` are the SHOULDs that the target really misses under this stress.
    """

    what: str
    server: tuple[str, ...] = REFERENCE
    round_trip: float = 0.0
    jitter: float = 0.0
    loops: int = 0
    excused: frozenset[str] = frozenset()


STRESSES: Final[Mapping[str, Stress]] = {
    "none": Stress(what="the machine as it is"),
    "busy": Stress(
        what="two endless loops keep the cores busy",
        loops=max(2, os.cpu_count() or 1),
        excused=frozenset({"ORDER-4"}),
    ),
    "rtt": Stress(
        what="a proxy with 200 ms round trip, each direction varying by 30 % at random, in order",
        round_trip=0.2,
        jitter=0.3,
    ),
    "queue": Stress(
        what="events come by an ordered queue, 12 to 228 ms after the reply",
        server=(sys.executable, str(DEPLOYMENTS), "queue"),
        excused=frozenset({"ORDER-4"}),
    ),
}


@contextmanager
def serving(stress: Stress, secret: Path | None, folder: Path, limit: float, *, fresh: bool) -> Iterator[str]:
    """Serve the target under a stress and give its URL; all that runs ends with it, at the latest after `limit`."""
    with ExitStack() as stack:

        def start(*command: str) -> str:
            line = stack.enter_context(running(*command, folder=folder, fresh=fresh)).line(START)
            url = line.rpartition(" ")[2]
            if not url.startswith("http"):
                raise NotServing(f"{' '.join(command)} did not start: {line or 'no output'}")
            return url

        url = start(*stress.server, *(["--auth-secret-file", str(secret)] if secret else []))
        if stress.round_trip:
            port = url.rpartition(":")[2]
            delay = ("--delay", str(stress.round_trip / 2), "--jitter", str(stress.jitter))
            url = start(sys.executable, str(DEPLOYMENTS), "proxy", "--port", port, *delay)
        for _ in range(stress.loops):
            stack.enter_context(running(sys.executable, "-c", LOOP, str(limit), folder=folder))
        yield url
