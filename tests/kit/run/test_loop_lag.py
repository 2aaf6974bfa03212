"""A machine that is too busy is named in the verdict, and only such a one."""

from __future__ import annotations

import asyncio
from time import perf_counter

import pytest
from tests.kit.sample_reports import invalid

from signalproof.config.target import Target
from signalproof.pause import pause
from signalproof.reports import json_report, markdown, terminal
from signalproof.run.loop_lag import LONGEST_SECONDS, TICK_SECONDS, LoopLag

TARGET = Target("http://127.0.0.1:1", "http://127.0.0.1:1", ("core",), "")


def measure(busy: float) -> LoopLag:
    """Keep a loop from running for some seconds."""

    async def run() -> LoopLag:
        lag = LoopLag()
        with lag.measured():
            await pause(TICK_SECONDS / 2)
            until = perf_counter() + busy
            while perf_counter() < until:
                pass
            await pause(2 * TICK_SECONDS)
        return lag

    return asyncio.run(run())


def test_a_loop_that_is_held_up_shows() -> None:
    """By what its timers are late; one that runs freely is late by little."""
    held, free = measure(0.4), measure(0.0)
    assert 0.3 < held.longest <= held.total < held.elapsed
    assert free.longest < held.longest


@pytest.mark.parametrize(
    ("delays", "elapsed", "said"),
    [
        ([LONGEST_SECONDS], 60.0, True),
        ([0.2] * 20, 10.0, True),
        ([0.2] * 20, 60.0, False),
        ([0.2], 0.3, False),
        ([], 0.0, False),
    ],
    ids=["long", "often", "rarely", "short run", "no run"],
)
def test_it_is_said_where_it_may_have_cost_a_verdict(delays: list[float], elapsed: float, said: bool) -> None:
    """One long delay, or short ones for a good part of the run."""
    lag = LoopLag()
    lag.elapsed = elapsed
    for delay in delays:
        lag.add(delay)
    assert bool(lag.sentence()) is said


def test_the_verdict_and_the_reports_say_it() -> None:
    """On the terminal, in `report.json`, which stays valid, and in what is made of it."""
    lag = LoopLag()
    lag.elapsed = 20.0
    lag.add(3.0)
    words = "kept the kit waiting for 3.0 of 20.0 s, once for 3.0 s"
    lines = terminal.summary(TARGET, [], 20.0, strict=False, stalled=lag.sentence())
    assert any(words in line for line in lines)
    report = json_report.document(TARGET, [], 20.0, strict=False, stalled=lag.sentence())
    assert invalid(report) == []
    assert words in report["stalled"]
    assert words in markdown.render(report).decode()
