"""The Hypothesis machines of random scenes: steps that users take, in any order.

A step is drawn without knowledge of the scene. Its numbers choose among whoever is there, and an apt step chooses
those for whom it makes sense: an answer comes from a user to whom there is an offer, a candidate from a connection
in a negotiation. Importing this module imports Hypothesis, so `explore` does that only when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from signalproof import generate
from signalproof.acts import TEXTS, USERS, Act, Acts, Flaw, flaws
from signalproof.nonsense import Nonsense
from signalproof.wire import POST_PATHS, Body, Encoding

__all__ = ["Player", "Step", "make_machine"]

Play = Coroutine[Any, Any, None]


class Player(Protocol):
    """Who plays the acts: it begins and ends scenes, and says which kinds of acts the target takes."""

    abilities: frozenset[str]

    def begin(self, kind: type[Acts]) -> Acts:
        """Begin a scene."""

    def do(self, act: Play, acts: Acts) -> None:
        """Play one act of a scene."""

    def end(self, acts: Acts) -> None:
        """End a scene."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is done, by whom and to whom, whether that suits the state, and how it is posted."""

    kind: str
    who: int
    to: int
    apt: bool
    named: bool
    flaw: int
    act: Act


def _offers(acts: Acts, step: Step) -> Play:
    device = acts.device(step.who)
    return acts.offers(device, acts.peer(device, step.to) if step.apt else acts.login(step.to), step.act)


def _answers(acts: Acts, step: Step) -> Play:
    device, sender = acts.answerer(step.who) if step.apt else (acts.device(step.who), acts.login(step.to))
    return acts.answers(
        device, sender if step.named else None, step.act, junk=None if step.apt else acts.login(step.to)
    )


def _answers_twice(acts: Acts, step: Step) -> Play:
    device, _ = acts.answerer(step.who)
    return acts.answers_twice(device, next((d for d in reversed(acts.present) if d.login == device.login), device))


def _candidate(acts: Acts, step: Step) -> Play:
    device, peer = acts.negotiator(step.who) if step.apt else (acts.device(step.who), acts.login(step.to))
    return acts.posts_candidate(device, peer if step.named else None, step.act)


def _rings(acts: Acts, step: Step) -> Play:
    device = acts.device(step.who)
    return acts.rings(device, acts.peer(device, step.to) if step.apt else acts.login(step.to))


def _declines(acts: Acts, step: Step) -> Play:
    return acts.declines(*(acts.callee(step.who) if step.apt else (acts.device(step.who), acts.login(step.to))))


def _refreshes(acts: Acts, step: Step) -> Play:
    device, peer = acts.negotiator(step.who) if step.apt else (acts.device(step.who), None)
    return acts.refreshes(device, peer or acts.login(step.to))


def _spoils(acts: Acts, step: Step) -> Play:
    found = [flaw for flaw in flaws() if flaw.ability in acts.scene.target.profiles]
    return acts.spoils(acts.device(step.who), found[step.flaw % len(found)], acts.login(step.to))


_PLAYS: Mapping[str, Callable[[Acts, Step], Play]] = {
    "offers": _offers,
    "answers": _answers,
    "answers twice": _answers_twice,
    "cross": lambda acts, step: acts.offers_cross(acts.device(step.who), acts.device(step.to)),
    "comes": lambda acts, step: acts.comes(USERS[step.to % len(USERS)]),
    "leaves": lambda acts, step: acts.leaves(acts.device(step.who)),
    "logs in again": lambda acts, step: acts.logs_in_again(
        acts.device(step.who), acts.device(step.who).login if step.named else acts.login(step.to), sound=step.apt
    ),
    "candidate": _candidate,
    "rings": _rings,
    "declines": _declines,
    "says": lambda acts, step: acts.says(acts.device(step.who), "free" if step.apt else "beasy"),
    "refreshes": _refreshes,
    "reads online": lambda acts, _: acts.reads_online(),
    "spoils": _spoils,
}
_CORE = {"offers": 8, "answers": 8, "answers twice": 1, "cross": 1, "comes": 2, "leaves": 2, "logs in again": 1}
_KINDS = {
    "core": _CORE | {"spoils": 3},
    "ice": {"candidate": 5},
    "ring": {"rings": 3, "declines": 3},
    "call": {"says": 2, "refreshes": 1},
    "presence": {"reads online": 1},
}
"""How often each kind of step is drawn, by what the target has to be able to do."""


_NUMBER = st.integers(0, 11)
_APT = st.sampled_from([True, True, True, False])
_ACT = st.builds(Act, st.sampled_from(["", *TEXTS.values()]), st.sampled_from(Encoding), st.booleans())
_GENERATED = st.builds(Act, generate.TEXTS, st.sampled_from(Encoding))


def _steps(abilities: frozenset[str]) -> st.SearchStrategy[Step]:
    kinds = [
        k for ability, each in _KINDS.items() if ability in abilities for k, often in each.items() for _ in range(often)
    ]
    flaw = st.integers(0, len(flaws()) - 1)
    return st.builds(Step, st.sampled_from(kinds), _NUMBER, _NUMBER, _APT, st.booleans(), flaw, _ACT)


class _Scene(RuleBasedStateMachine):
    """The beginning and the end of a scene, and how its acts are played."""

    player: ClassVar[Player]
    kind: ClassVar[type[Acts]] = Acts

    def __init__(self) -> None:
        super().__init__()
        self.acts: Any = self.player.begin(self.kind)

    def teardown(self) -> None:
        """End the scene."""
        self.player.end(self.acts)

    def play(self, play: Play) -> None:
        """Play one act."""
        self.player.do(play, self.acts)


def make_machine(player: Player, *, nonsense: bool) -> type[RuleBasedStateMachine]:
    """Make the machine for a target, with generated input among its steps or without."""
    playing, able = player, player.abilities
    typed = [flaw for flaw in flaws() if flaw.field and flaw.ability in able]

    class Scene(_Scene):
        """What users do."""

        player = playing
        kind = Nonsense if nonsense else Acts

        @rule(step=_steps(able))
        def acts_as_users_do(self, step: Step) -> None:
            """One step."""
            self.play(_PLAYS[step.kind](self.acts, step))

    if not nonsense:
        return Scene

    class Fuzz(Scene):
        """Generated input among what users do."""

        @rule(step=_steps(able & {"core", "ice"}), act=_GENERATED)
        def forwards_any_text(self, step: Step, act: Act) -> None:
            """A step with a generated text."""
            self.play(_PLAYS[step.kind](self.acts, replace(step, act=act)))

        @rule(
            number=_NUMBER,
            flaw=st.integers(0, len(typed) - 1).map(lambda index: typed[index]),
            to=_NUMBER,
            value=generate.WRONG_VALUES,
        )
        def refuses_a_wrong_value(self, number: int, flaw: Flaw, to: int, value: object) -> None:
            """A required field has a generated value of the wrong type."""
            self.play(self.acts.spoils(self.acts.device(number), replace(flaw, value=value), self.acts.login(to)))

        @rule(
            number=_NUMBER,
            path=st.sampled_from([p for a in sorted(able) for p in POST_PATHS.get(a, ())]),
            body=generate.BODIES,
        )
        def refuses_any_body(self, number: int, path: str, body: Body) -> None:
            """A generated body comes to an endpoint."""
            self.play(self.acts.posts_anything(self.acts.device(number), path, body))

        @precondition(lambda _: "invent" in able)
        @rule(text=generate.LOGINS)
        def serves_any_login(self, text: str) -> None:
            """A user with a generated login comes and goes."""
            self.play(self.acts.visits(text))

        @precondition(lambda _: "invent" in able)
        @rule(arguments=generate.LOGIN_ARGUMENTS)
        def refuses_a_wrong_login(self, arguments: Sequence[object]) -> None:
            """Somebody emits `login` with generated arguments."""
            self.play(self.acts.stranger_logs_in(arguments))

        @rule(frames=generate.FRAMES)
        def outlasts_any_frames(self, frames: Sequence[str | bytes]) -> None:
            """Somebody sends generated frames."""
            self.play(self.acts.throws_frames(frames))

    return Fuzz
