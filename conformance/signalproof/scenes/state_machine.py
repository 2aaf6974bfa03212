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

from signalproof.cast.participant import Participant
from signalproof.protocol.wire import POST_PATHS, Body, Encoding
from signalproof.scenes import strategies
from signalproof.scenes.fuzz_steps import Nonsense
from signalproof.scenes.oracle import USERS
from signalproof.scenes.steps import Acts
from signalproof.scenes.variations import (
    CANDIDATES,
    EXTRAS,
    TEXTS,
    Act,
    Flaw,
    flaws,
    request_kinds,
    required_fields,
    wrong_field,
)

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
    by_id: bool
    flaw: Flaw
    act: Act


def _anybody(acts: Acts, step: Step) -> tuple[Participant, str]:
    return acts.device(step.who), acts.login(step.to)


def _to_a_peer(acts: Acts, step: Step) -> tuple[Participant, str]:
    device = acts.device(step.who)
    return device, acts.peer(device, step.to)


_ROLES: Mapping[str, Callable[[Acts, Step], tuple[Participant, str | None]]] = {
    "offer": _to_a_peer,
    "answer": lambda acts, step: acts.answerer(step.who),
    "candidate": lambda acts, step: acts.negotiator(step.who),
    "call": _to_a_peer,
    "decline": lambda acts, step: acts.callee(step.who),
    "status": _anybody,
    "refresh": lambda acts, step: acts.negotiator(step.who),
}
"""Who posts a request, and which login it names, so that it makes sense."""


def _roles(acts: Acts, step: Step, kind: str) -> tuple[Participant, str]:
    device, login = (_ROLES[kind] if step.apt else _anybody)(acts, step)
    return device, login if login is not None else acts.login(step.to)


def _offers(acts: Acts, step: Step) -> Play:
    return acts.offers(*_roles(acts, step, "offer"), step.act)


def _answers(acts: Acts, step: Step) -> Play:
    device, sender = (_ROLES["answer"] if step.apt else _anybody)(acts, step)
    return acts.answers(
        device,
        sender if step.named else None,
        step.act,
        offer_id=acts.offer_id(device, step.to, apt=step.apt) if step.by_id else None,
        junk=None if step.apt else step.to % 2 * acts.login(step.to),
    )


def _candidate(acts: Acts, step: Step) -> Play:
    device, peer = (_ROLES["candidate"] if step.apt else _anybody)(acts, step)
    return acts.posts_candidate(device, peer if step.named else None, step.act)


def _answers_twice(acts: Acts, step: Step) -> Play:
    device, _ = acts.answerer(step.who)
    return acts.answers_twice(device, acts.another(device))


def _declines_twice(acts: Acts, step: Step) -> Play:
    device, caller = acts.callee(step.who)
    return acts.declines_twice(device, acts.another(device), caller)


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
    "rings": lambda acts, step: acts.rings(*_roles(acts, step, "call"), step.act),
    "declines": lambda acts, step: acts.declines(*_roles(acts, step, "decline"), step.act),
    "declines twice": _declines_twice,
    "says": lambda acts, step: acts.says(acts.device(step.who), "free" if step.apt else "beasy", step.act),
    "refreshes": lambda acts, step: acts.refreshes(*_roles(acts, step, "refresh"), step.act),
    "reads online": lambda acts, _: acts.reads_online(),
    "spoils": lambda acts, step: acts.spoils(*_ROLES[step.flaw.kind](acts, step), step.flaw),
}
_CORE = {"offers": 8, "answers": 8, "answers twice": 1, "cross": 1, "comes": 4, "leaves": 2, "logs in again": 1}
_KINDS = {
    "core": _CORE | {"spoils": 5},
    "ice": {"candidate": 5},
    "call": {"rings": 4, "declines": 3, "declines twice": 1, "says": 2, "refreshes": 1},
    "presence": {"reads online": 1},
}
"""How often each kind of step is drawn, by the profile of the target."""


_NUMBER = st.integers(0, 11)
_APT = st.sampled_from([True, True, True, False])
_RARELY = st.sampled_from([False, False, False, True])
_ACT = st.builds(
    Act,
    st.sampled_from(["", *TEXTS.values()]),
    st.sampled_from(Encoding),
    st.booleans(),
    st.sampled_from(["", *CANDIDATES.values()]),
    _RARELY,
    st.sampled_from(["", "", *EXTRAS]),
    st.booleans(),
)
_GENERATED = st.builds(Act, strategies.TEXTS, st.sampled_from(Encoding))


def _steps(abilities: frozenset[str]) -> st.SearchStrategy[Step]:
    kinds = [
        k for ability, each in _KINDS.items() if ability in abilities for k, often in each.items() for _ in range(often)
    ]
    by_id = _RARELY if "correlation" in abilities else st.just(False)
    flaw = st.one_of([st.sampled_from(group) for group in flaws(abilities)])
    return st.builds(Step, st.sampled_from(kinds), _NUMBER, _NUMBER, _APT, st.booleans(), by_id, flaw, _ACT)


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
    typed = [(kind, field) for kind in request_kinds(able) for field in required_fields(kind)]

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

        @rule(step=_steps(able & {"core", "ice", "correlation"}), act=_GENERATED)
        def forwards_any_text(self, step: Step, act: Act) -> None:
            """A step with a generated text."""
            self.play(_PLAYS[step.kind](self.acts, replace(step, act=act)))

        @rule(number=_NUMBER, field=st.sampled_from(typed), to=_NUMBER, value=strategies.WRONG_VALUES)
        def refuses_a_wrong_value(self, number: int, field: tuple[str, str], to: int, value: object) -> None:
            """A required field has a generated value of the wrong type."""
            flaw = wrong_field(*field, "of another type", value)
            self.play(self.acts.spoils(self.acts.device(number), self.acts.login(to), flaw))

        @rule(
            number=_NUMBER,
            path=st.sampled_from([p for a in sorted(able) for p in POST_PATHS.get(a, ())]),
            body=strategies.BODIES,
        )
        def refuses_any_body(self, number: int, path: str, body: Body) -> None:
            """A generated body comes to an endpoint."""
            self.play(self.acts.posts_anything(self.acts.device(number), path, body))

        @precondition(lambda _: "invent" in able)
        @rule(text=strategies.LOGINS)
        def serves_any_login(self, text: str) -> None:
            """A user with a generated login comes and goes."""
            self.play(self.acts.visits(text))

        @precondition(lambda _: "invent" in able)
        @rule(arguments=strategies.LOGIN_ARGUMENTS)
        def refuses_a_wrong_login(self, arguments: Sequence[object]) -> None:
            """Somebody emits `login` with generated arguments."""
            self.play(self.acts.stranger_logs_in(arguments))

        @rule(frames=strategies.FRAMES)
        def outlasts_any_frames(self, frames: Sequence[str | bytes]) -> None:
            """Somebody sends generated frames."""
            self.play(self.acts.throws_frames(frames))

    return Fuzz
