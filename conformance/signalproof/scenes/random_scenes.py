"""Random scenes of one check: as many as fit, and the breach of the shortest that breaks a requirement."""

from __future__ import annotations

import asyncio

from signalproof.cast.cast import Cast
from signalproof.scenes.driver import Driver

__all__ = ["DEFAULT_EXAMPLES", "run_random_scenes"]

DEFAULT_EXAMPLES = 4
"""Scenes, where the operator names no number."""
BUDGET_SECONDS, BUDGET_ROUND_TRIPS = 1.0, 6
"""How long they may take together, then."""


async def run_random_scenes(cast: Cast, *, fuzz: bool = False) -> None:
    """Play random scenes; raise the breach of the shortest one that breaks a requirement, with its transcript.

    Unless the operator asks for a number of examples it plays a few, and fewer where they would take long.
    With `fuzz`, generated input is among the steps.
    """
    target = cast.target
    if not cast.invents:
        await cast.vacate()
    budget = float("inf") if target.examples else BUDGET_SECONDS + BUDGET_ROUND_TRIPS * target.round_trip
    driver = Driver(cast, asyncio.get_running_loop(), budget)
    examples = target.examples or DEFAULT_EXAMPLES
    number = examples // 2 or 1 if fuzz else examples
    try:
        await asyncio.to_thread(_run, driver, number, target.seed, fuzz)
    finally:
        driver.stop()
    if driver.error is not None:
        raise driver.error
    played = f"{driver.scenes} random scenes, {driver.requests} requests, --seed {target.seed}"
    for note in (played, *driver.notes):
        cast.transcript.note("kit", note)
    found = driver.shortest
    if found is not None:
        await cast.show_scene(found.scene)
        for note in driver.notes:
            cast.transcript.note("kit", note)
        again = f"Found at random; --examples {examples} --seed {target.seed} repeats it."
        if driver.is_race:
            again = (
                f"Found at random, and not again when the same steps were taken {_times(driver.tries)}: a race, so the "
                f"scene is not shrunk; --examples {examples} --seed {target.seed} takes the same steps."
            )
        raise found.breach.with_hint(again)


def _run(driver: Driver, examples: int, seed: int, fuzz: bool) -> None:
    """Run the state machine in a thread, where the loop does not wait for the import of Hypothesis."""
    from signalproof.scenes.state_machine import run_state_machine

    run_state_machine(driver, examples=examples, seed=seed, fuzz=fuzz)


def _times(number: int) -> str:
    return "once" if number == 1 else f"or shorter ones, {number} times"
