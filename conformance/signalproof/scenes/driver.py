"""Drives the steps of random scenes: Hypothesis is synchronous, and the target is spoken to in an event loop.

So the state machine runs in a thread, and hands each step to the loop of the run. Every scene has logins of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from signalproof.cast.cast import Cast
from signalproof.errors import NonConformance
from signalproof.scenes.steps import Steps

__all__ = ["Driver", "FalsifyingExample", "Stop"]

T = TypeVar("T")
S = TypeVar("S", bound=Steps)
OPEN_SCENES = 24
"""Scenes whose connections stay open, to catch late events."""
SHRINKING_SECONDS = 6.0
"""After how long what was found is reported, shrunk as far as it got."""
SHRINKING_PATIENCE_SECONDS = 0.5
"""How long an event may take to come while what was found is shrunk, beside the round trip."""


class Stop(BaseException):
    """Ends the state machine at once, whatever Hypothesis would do next."""


@dataclass(frozen=True, slots=True)
class FalsifyingExample:
    """A scene that broke a requirement: `length` is the number of messages in its ladder."""

    breach: NonConformance
    scene: Cast
    length: int


class Driver:
    """Takes the steps of scenes in the loop of the run, counts, and keeps the shortest scene that failed.

    `abilities` say which kinds of steps the target takes; `tries` counts the scenes that were played to shrink the one
    that failed first, and `times_seen` those that failed like it, itself among them; `error` is what ended the machine,
    where that was no breach; `notes` belong into the ladder.
    """

    def __init__(self, cast: Cast, loop: asyncio.AbstractEventLoop, budget_seconds: float) -> None:
        self.cast = cast
        self.abilities = frozenset(cast.target.profiles)
        if cast.invents:
            self.abilities |= {"invent"}
        self.scenes = 0
        self.requests = 0
        self.shortest: FalsifyingExample | None = None
        self.tries = 0
        self.times_seen = 0
        self.stopped = False
        self.error: BaseException | None = None
        self.notes: list[str] = []
        self._loop = loop
        self._budget_seconds = budget_seconds
        self._until = float("inf")

    def start(self, note: str | None = None) -> None:
        """Count the time from now; `note` says what is odd about the machine."""
        self.notes += filter(None, [note])
        self._until = perf_counter() + self._budget_seconds

    def stop(self) -> None:
        """Take no further step."""
        self.stopped = True

    @property
    def is_race(self) -> bool:
        """Whether what failed did not fail again when the same steps were taken, and shorter ones."""
        return self.tries > 0 and self.times_seen == 1

    # ── in the thread of the machine ───────────────────────────────────────────────────────────

    def begin(self, kind: type[S]) -> S:
        """Begin a scene; while a breach is being shrunk, one with little patience."""
        patience = None if self.shortest is None else SHRINKING_PATIENCE_SECONDS + self.cast.target.round_trip
        self.tries += self.shortest is not None
        steps = kind(self.cast.scene(patience))
        self.take(steps.begin(), steps)
        return steps

    def take(self, step: Coroutine[Any, Any, None], steps: Steps) -> None:
        """Take one step of a scene, and wait for what comes of it."""
        try:
            self._await(step)
        except NonConformance as breach:
            if not self._keep(FalsifyingExample(breach, steps.scene, len(steps.scene.transcript.entries))):
                from hypothesis import reject

                reject()
            raise

    def end(self, steps: Steps) -> None:
        """End a scene: count it, and send home those of scenes that are of no more use."""
        self.scenes += 1
        self.requests += len(steps.scene.postings)
        with suppress(Stop):
            self._await(self._farewell(steps.scene))

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        if self.stopped or perf_counter() > self._until:
            self.stopped = True
            work.close()
            raise Stop
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except NonConformance:
            raise
        except BaseException as error:
            self.error = error
            raise Stop from error

    def _keep(self, found: FalsifyingExample) -> bool:
        """Keep a scene that broke something; false when it is another requirement than the first scene broke.

        Scenes that are played to shrink the first one have little patience, so what they break may be their own fault.
        """
        shortest = self.shortest
        if shortest is None:
            # What the baseline expects needs no short ladder.
            self._until = perf_counter() + (0 if found.scene.in_baseline(found.breach) else SHRINKING_SECONDS)
        elif found.breach.requirements[0] != shortest.breach.requirements[0]:
            return False
        self.times_seen += 1
        if shortest is None or found.length < shortest.length:
            self.shortest = found
        return True

    # ── in the loop of the run ─────────────────────────────────────────────────────────────────

    async def _farewell(self, scene: Cast) -> None:
        scenes = self.cast.scenes
        if not self.cast.invents:
            await scene.vacate()
        self.cast.count(scene)
        if self.shortest is not None:
            await self.cast.keep_scene(self.shortest.scene)
        elif len(scenes) > OPEN_SCENES:
            await scenes[-OPEN_SCENES - 1].close()
