"""Plays random scenes at the target and keeps the shortest that breaks a requirement.

Hypothesis is synchronous, so its machine runs in a thread, and each act is a coroutine that it hands to the
event loop of the run. Every example is a scene of its own, with logins of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, TypeVar

from signalproof.cast.cast import Cast
from signalproof.errors import KitError, NonConformance
from signalproof.scenes.steps import Acts

__all__ = ["EXAMPLES", "explore"]

T = TypeVar("T")
_ENGINE = threading.Lock()
EXAMPLES = 4
"""Scenes, where the operator names no number."""
SECONDS, ROUND_TRIPS = 1.0, 6
"""How long they may take together: seconds, and round trips."""
STEPS, NONSENSE_STEPS = 24, 12
"""Acts in a scene at most."""
KEPT_OPEN = 24
"""Scenes whose connections stay open, to catch late events."""
SHRINKING = 6.0
"""Seconds after which what was found is reported, shrunk as far as it got."""
PATIENCE = 0.5
"""Seconds for an event to come while what was found is shrunk, beside the round trip."""


class _Stop(BaseException):
    """Ends the machine at once, whatever Hypothesis would do next."""


@dataclass(slots=True)
class Exploration:
    """What came of it: the scenes played and requests sent, and the shortest scene that broke a requirement.

    `length` is the number of messages of that scene.
    """

    scenes: int = 0
    requests: int = 0
    found: NonConformance | None = None
    scene: Cast | None = None
    length: int = 0


class _Player:
    """Plays scenes from the machine's thread in the loop of the run, and keeps the shortest that failed."""

    def __init__(self, cast: Cast, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.cast = cast
        self.abilities = frozenset(cast.target.profiles)
        if cast.invents:
            self.abilities |= {"invent"}
        self.result = Exploration()
        self.stopped = False
        self.error: BaseException | None = None
        self._loop = loop
        self._seconds = seconds
        self._until = float("inf")

    def start(self) -> None:
        """Count the time from now."""
        self._until = perf_counter() + self._seconds

    def do(self, act: Coroutine[Any, Any, T], acts: Acts | None = None) -> T:
        """Play one act of a scene, and wait for it."""
        if self.stopped or perf_counter() > self._until:
            self.stopped = True
            act.close()
            raise _Stop
        try:
            return asyncio.run_coroutine_threadsafe(act, self._loop).result()
        except NonConformance as found:
            if acts is not None and not self._keep(acts, found):
                from hypothesis import reject

                reject()
            raise
        except BaseException as error:
            self.error = error
            raise _Stop from error

    def _keep(self, acts: Acts, found: NonConformance) -> bool:
        """Keep a scene that broke something; false when it is another requirement than the first scene broke.

        Scenes that are played to shrink the first one have little patience, so what they break may be their own fault.
        """
        result = self.result
        if result.found is not None and found.requirements[0] != result.found.requirements[0]:
            return False
        if result.found is None:
            # What the baseline expects needs no short ladder.
            self._until = perf_counter() + (0 if acts.scene.in_baseline(found) else SHRINKING)
        length = len(acts.scene.transcript.entries)
        if result.found is None or length < result.length:
            result.found, result.scene, result.length = found, acts.scene, length
        return True

    def begin(self, kind: type[Acts]) -> Acts:
        """Begin a scene; while a breach is being shrunk, one with little patience."""
        patience = None if self.result.found is None else PATIENCE + self.cast.target.round_trip
        acts = kind(self.cast.scene(patience))
        self.do(acts.begin(), acts)
        return acts

    def end(self, acts: Acts) -> None:
        """End a scene: count it, and send home those of scenes that are of no more use."""
        self.result.scenes += 1
        self.result.requests += len(acts.scene.postings)
        with suppress(_Stop):
            self.do(self._farewell(acts.scene))

    async def _farewell(self, scene: Cast) -> None:
        scenes = self.cast.scenes
        if not self.cast.invents:
            await scene.vacate()
        self.cast.evidence += scene.evidence
        self.cast.warnings += scene.warnings
        if self.result.found is not None:
            await self.keep_only(self.result.scene)
        elif len(scenes) > KEPT_OPEN:
            await scenes[-KEPT_OPEN - 1].close()

    async def keep_only(self, kept: Cast | None) -> None:
        """Send everybody home but those of one scene, and judge no other."""
        scenes = self.cast.scenes
        done = [scene for scene in scenes if scene is not kept]
        scenes[:] = [kept] if kept is not None else []
        await asyncio.gather(*(scene.close() for scene in done))


async def explore(cast: Cast, *, nonsense: bool = False) -> None:
    """Play random scenes; raise the breach of the shortest one that breaks a requirement, with its transcript.

    Unless the operator asks for a number of examples it plays a few, and fewer where they would take long.
    With `nonsense` generated input is among the acts.
    """
    target = cast.target
    if not cast.invents:
        await cast.vacate()
    seconds = float("inf") if target.examples else SECONDS + ROUND_TRIPS * target.round_trip
    player = _Player(cast, asyncio.get_running_loop(), seconds)
    examples = target.examples or EXAMPLES
    try:
        await asyncio.to_thread(_run, player, examples // 2 or 1 if nonsense else examples, target.seed, nonsense)
    finally:
        player.stopped = True
    if player.error is not None:
        raise player.error
    result = player.result
    cast.transcript.note("kit", f"{result.scenes} random scenes, {result.requests} requests, --seed {target.seed}")
    if result.found is not None and result.scene is not None:
        await player.keep_only(result.scene)
        cast.transcript = result.scene.transcript
        again = f"--examples {examples} --seed {target.seed}"
        result.found.hint = " ".join(
            part for part in (result.found.hint, f"Found at random; {again} repeats it.") if part
        )
        raise result.found


def _run(player: _Player, examples: int, seed: int, nonsense: bool) -> None:
    """Run the machine to its end, in a thread."""
    import hypothesis
    from hypothesis.configuration import set_hypothesis_home_dir
    from hypothesis.stateful import run_state_machine_as_test

    from signalproof.scenes.state_machine import make_machine

    machine = make_machine(player, nonsense=nonsense)
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=NONSENSE_STEPS if nonsense else STEPS,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    # One at a time: Hypothesis keeps its notes in one folder, by default the current one, and seeds the global
    # generator of `random`; what of the kit runs meanwhile takes nothing from that but jitter.
    with _ENGINE, _without_constants(), TemporaryDirectory(prefix="signalproof-") as folder:
        set_hypothesis_home_dir(folder)
        player.start()
        try:
            run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)
        except _Stop:
            return
        except Exception as error:
            # Hypothesis complains when it was stopped within an example, and when a breach does not show again;
            # but what the target did once it has done.
            if not player.stopped and player.result.found is None:
                raise KitError(f"the random scenes broke off: {error}") from error
        finally:
            set_hypothesis_home_dir(None)


@contextmanager
def _without_constants() -> Iterator[None]:
    """Keep Hypothesis from drawing constants of the modules that happen to be loaded.

    So a seed plays the same scenes wherever the kit is installed, and nothing has to be read for them.
    """
    from hypothesis.internal.conjecture import providers
    from hypothesis.internal.constants_ast import Constants

    name = "_get_local_constants"
    before = getattr(providers, name)
    setattr(providers, name, Constants)
    try:
        yield
    finally:
        setattr(providers, name, before)
