"""Random scenes: they find what is broken, shrink it, repeat it, and end in time."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from signalproof.cast.cast import Cast
from signalproof.cast.setting import Setting
from signalproof.config.identity import Anonymous
from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.ledger import Ledger
from signalproof.net.http import Http
from signalproof.scenes.driver import Driver, FalsifyingExample
from signalproof.scenes.random_scenes import run_random_scenes
from signalproof.scenes.state_machine import STEPS_PER_SCENE
from signalproof.scenes.steps import Steps

FAULTS = Path(__file__).parents[2] / "faults" / "serve.py"


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve faults by name, `none` being none, and give their URLs."""
    from tests.processes import running

    with ExitStack() as stack:

        def start(name: str) -> str:
            process = stack.enter_context(running(sys.executable, str(FAULTS), name, folder=tmp_path))
            return process.line().rpartition(" ")[2]

        yield start


def play(url: str, *, examples: int, seed: int = 0, fuzz: bool = False, known: str = "") -> Cast:
    """Play random scenes at a server and give the cast; raises what they find."""
    profiles = ("core", "ice", "call", "presence", "correlation")
    target = Target(url, url, profiles, "", timeout=2.0, examples=examples, seed=seed)

    async def run() -> Cast:
        http = Http(target)
        cast = Cast(
            Setting(
                number=1,
                requirements=("OFFER-1",),
                target=target,
                http=http,
                ledger=Ledger(),
                identities=Anonymous(),
                in_baseline=lambda found: known in found.requirements,
            )
        )
        try:
            await cast.enter("man", "woman")
            await run_random_scenes(cast, fuzz=fuzz)
        finally:
            await cast.close()
            await http.close()
        return cast

    return asyncio.run(run())


@pytest.mark.parametrize("fuzz", [False, True], ids=["steps", "fuzz"])
def test_a_sound_server_keeps_to_the_model(faulty: Callable[[str], str], fuzz: bool) -> None:
    """Many scenes, each with logins of its own, and none finds anything."""
    cast = play(faulty("none"), examples=20, fuzz=fuzz)
    played = next(entry.text for entry in cast.transcript.entries if "random scenes" in entry.text)
    scenes, requests = map(int, re.findall(r"\d+", played)[:2])
    assert scenes >= 10
    assert requests > scenes
    assert cast.evidence > scenes


@pytest.mark.parametrize(
    ("fault", "seed"),
    [
        ("thanks_for_second_answers", 0),
        ("has_one_row_per_sender", 0),
        ("rings_the_busy", 0),
        ("sends_candidates_to_all_peers", 5),  # which about every other seed meets in so many scenes
    ],
)
def test_a_fault_is_found(faulty: Callable[[str], str], fault: str, seed: int) -> None:
    """It names a requirement, and the hint says how to repeat it."""
    with pytest.raises(NonConformance) as caught:
        play(faulty(fault), examples=100, seed=seed)
    assert caught.value.requirements
    assert f"--examples 100 --seed {seed}" in str(caught.value.hint)


def test_what_was_wrong_with_an_accepted_request_is_said(faulty: Callable[[str], str]) -> None:
    """The ladder shows a request like any other, so the breach has to name the flaw."""
    with pytest.raises(NonConformance) as caught:
        play(faulty("reads_json_whatever_it_is_called"), examples=100)
    assert "(case: the content type is " in caught.value.expected


def test_a_race_is_called_one(faulty: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails once, and not when the same steps are taken again, cannot be shrunk."""
    take = Driver.take

    def fail_once(driver: Driver, step: Coroutine[Any, Any, None], steps: Steps) -> None:
        take(driver, step, steps)
        if driver.scenes and steps.scene.postings and driver.shortest is None:
            breach = NonConformance("OFFER-1", expected="sender_offer at woman", received="nothing")
            driver.shortest = FalsifyingExample(breach, steps.scene, 1)
            driver.times_seen = 1
            raise breach

    monkeypatch.setattr(Driver, "take", fail_once)
    with pytest.raises(NonConformance) as caught:
        play(faulty("none"), examples=4)
    hint = str(caught.value.hint)
    assert "a race, so the scene is not shrunk" in hint
    assert "--examples 4 --seed 0 takes the same steps" in hint


def test_a_known_breach_ends_no_scene(faulty: Callable[[str], str]) -> None:
    """What a baseline expects of forwarded texts does not hide what else random scenes could find."""
    url = faulty("trims_offers")
    with pytest.raises(NonConformance) as caught:
        play(url, examples=20)
    assert caught.value.requirements == ("OFFER-4",)
    cast = play(url, examples=20, known="OFFER-4")
    assert cast.foundation.noted
    assert len(cast.scenes) >= 10


def test_the_scene_that_is_shown_is_the_shortest(faulty: Callable[[str], str]) -> None:
    """Its ladder holds the steps that matter and hardly more, and nothing of the scenes around it."""
    target, found = faulty("thanks_for_second_answers"), None
    cast: Cast | None = None

    async def run() -> None:
        nonlocal cast, found
        aim = Target(target, target, ("core",), "", timeout=2.0, examples=100)
        http = Http(aim)
        cast = Cast(
            Setting(number=1, requirements=("OFFER-1",), target=aim, http=http, ledger=Ledger(), identities=Anonymous())
        )
        try:
            with pytest.raises(NonConformance):
                await run_random_scenes(cast)
        finally:
            await cast.close()
            await http.close()

    asyncio.run(run())
    assert cast is not None
    posts = [entry.text for entry in cast.transcript.entries if entry.text.startswith("POST")]
    assert sum("reciever" in text for text in posts) >= 2, posts
    assert len(posts) <= STEPS_PER_SCENE, posts
    assert len(cast.scenes) == 1, "only the scene that is shown is judged"


def test_the_same_seed_plays_the_same_scenes(faulty: Callable[[str], str]) -> None:
    """And another seed plays others."""
    url = faulty("none")
    first, again, other = (
        [entry.text for scene in play(url, examples=6, seed=seed).scenes for entry in scene.transcript.entries]
        for seed in (7, 7, 8)
    )
    assert list(steps(first)) == list(steps(again))
    assert list(steps(first)) != list(steps(other))


def steps(texts: list[str]) -> Iterator[str]:
    """Give what was posted; the offers after a leave are repeated until one is refused."""
    posts = (text for text in texts if text.startswith(("POST", "connects", "disconnects")))
    yield from (text for text, _ in groupby(posts))


def test_it_stops_when_the_run_is_cancelled(faulty: Callable[[str], str]) -> None:
    """The thread of the machine ends with the loop; nothing is left behind."""
    url = faulty("none")
    threads = threading.active_count()

    async def run() -> None:
        aim = Target(url, url, ("core",), "", examples=100_000)
        http = Http(aim)
        cast = Cast(
            Setting(number=1, requirements=("OFFER-1",), target=aim, http=http, ledger=Ledger(), identities=Anonymous())
        )
        task = asyncio.create_task(run_random_scenes(cast))
        while not any(scene.postings for scene in cast.scenes):
            await asyncio.wait([task], timeout=0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await cast.close()
        await http.close()

    asyncio.run(run())
    assert threading.active_count() == threads


def test_the_time_it_takes_is_bounded(faulty: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a number of examples it plays as many as fit, and says how many."""
    monkeypatch.setattr("signalproof.scenes.random_scenes.BUDGET_SECONDS", 0.3)
    monkeypatch.setattr("signalproof.scenes.random_scenes.DEFAULT_EXAMPLES", 100_000)
    cast = play(faulty("none"), examples=0)
    assert any("random scenes" in entry.text for entry in cast.transcript.entries)


def test_a_hypothesis_without_the_private_name_finds_what_is_broken(
    faulty: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an aid to repeat scenes elsewhere, which the ladder then does without and says so."""
    monkeypatch.delattr(providers, "_get_local_constants", raising=True)
    monkeypatch.setattr(providers.HypothesisProvider, "_local_constants", Constants(), raising=True)
    cast = play(faulty("none"), examples=4)
    assert any("may play other scenes for this seed elsewhere" in entry.text for entry in cast.transcript.entries)
