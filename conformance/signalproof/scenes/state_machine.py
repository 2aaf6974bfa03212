"""The rule-based state machine of random scenes: steps that users take, in any order, as Hypothesis draws them.

Importing this module imports Hypothesis, so `run_random_scenes` does that only when it is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import ClassVar

import hypothesis
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from signalproof.errors import KitError
from signalproof.protocol.wire import POST_PATHS, Body
from signalproof.scenes import strategies
from signalproof.scenes.draw import Draw, Step, take
from signalproof.scenes.driver import Driver, Stop
from signalproof.scenes.flaws import wrong_field
from signalproof.scenes.fuzz_steps import FuzzSteps
from signalproof.scenes.local_constants import without_local_constants
from signalproof.scenes.manners import Manner
from signalproof.scenes.request_fields import request_kinds, required_fields
from signalproof.scenes.steps import Steps

__all__ = ["STEPS_PER_SCENE", "run_state_machine"]

STEPS_PER_SCENE, FUZZ_STEPS_PER_SCENE = 24, 12
"""Steps in a scene at most."""
_ENGINE = threading.Lock()


class _Scene(RuleBasedStateMachine):
    """The beginning and the end of a scene, and how its steps are taken."""

    driver: ClassVar[Driver]

    def __init__(self) -> None:
        super().__init__()
        self.steps: Steps = self.begin()

    def begin(self) -> Steps:
        """Begin a scene."""
        return self.driver.begin(Steps)

    def teardown(self) -> None:
        """End the scene."""
        self.driver.end(self.steps)

    def take(self, step: Step) -> None:
        """Take one step."""
        self.driver.take(step, self.steps)


def _user_machine(to_drive: Driver) -> type[RuleBasedStateMachine]:
    """Make the machine for a target: what users do."""

    class Scene(_Scene):
        """What users do."""

        driver = to_drive

        @rule(draw=strategies.draws(to_drive.abilities))
        def does_as_users_do(self, draw: Draw) -> None:
            """One step."""
            self.take(take(self.steps, draw))

    return Scene


def _fuzz_machine(to_drive: Driver) -> type[RuleBasedStateMachine]:
    """Make the machine that has generated input among what users do."""
    able = to_drive.abilities
    typed = [(kind, field) for kind in request_kinds(able) for field in required_fields(kind)]
    paths = [path for ability in sorted(able) for path in POST_PATHS.get(ability, ())]

    class Fuzz(_Scene):
        """Generated input among what users do."""

        driver = to_drive

        def begin(self) -> Steps:
            """Begin a scene."""
            self.fuzz_steps = self.driver.begin(FuzzSteps)
            return self.fuzz_steps

        @rule(draw=strategies.draws(able))
        def does_as_users_do(self, draw: Draw) -> None:
            """One step."""
            self.take(take(self.steps, draw))

        @rule(draw=strategies.draws(able & {"core", "ice", "correlation"}), carrying=strategies.GENERATED_TEXTS)
        def forwards_any_text(self, draw: Draw, carrying: Manner) -> None:
            """A step with a generated text."""
            self.take(take(self.steps, replace(draw, manner=carrying)))

        @rule(
            number=strategies.NUMBERS,
            field=st.sampled_from(typed),
            to=strategies.NUMBERS,
            value=strategies.WRONG_VALUES,
        )
        def refuses_a_wrong_value(self, number: int, field: tuple[str, str], to: int, value: object) -> None:
            """A required field has a generated value of the wrong type."""
            flaw = wrong_field(*field, "of another type", value)
            self.take(self.steps.posts_flawed(self.steps.device(number), self.steps.login(to), flaw))

        @rule(number=strategies.NUMBERS, path=st.sampled_from(paths), body=strategies.BODIES)
        def refuses_any_body(self, number: int, path: str, body: Body) -> None:
            """A generated body comes to an endpoint."""
            self.take(self.fuzz_steps.posts_anything(self.steps.device(number), path, body))

        @precondition(lambda _: "invent" in able)
        @rule(text=strategies.LOGINS)
        def serves_any_login(self, text: str) -> None:
            """A user with a generated login comes and goes."""
            self.take(self.fuzz_steps.visits(text))

        @precondition(lambda _: "invent" in able)
        @rule(arguments=strategies.LOGIN_ARGUMENTS)
        def refuses_a_wrong_login(self, arguments: Sequence[object]) -> None:
            """Somebody emits `login` with generated arguments."""
            self.take(self.fuzz_steps.stranger_logs_in(arguments))

        @rule(frames=strategies.FRAMES)
        def outlasts_any_frames(self, frames: Sequence[str | bytes]) -> None:
            """Somebody sends generated frames."""
            self.take(self.fuzz_steps.throws_frames(frames))

    return Fuzz


def run_state_machine(driver: Driver, *, examples: int, seed: int, fuzz: bool) -> None:
    """Run the machine to its end, in a thread of its own; the driver has what came of it."""
    machine = _fuzz_machine(driver) if fuzz else _user_machine(driver)
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=FUZZ_STEPS_PER_SCENE if fuzz else STEPS_PER_SCENE,
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
    with _ENGINE, without_local_constants() as note, TemporaryDirectory(prefix="signalproof-") as folder:
        set_hypothesis_home_dir(folder)
        driver.start(note)
        try:
            run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)
        except Stop:
            return
        except Exception as error:
            # Hypothesis complains when it was stopped within an example, and when a breach does not show again;
            # but what the target did once it has done.
            if not driver.stopped and driver.shortest is None:
                raise KitError(f"the random scenes broke off: {error}") from error
        finally:
            set_hypothesis_home_dir(None)
