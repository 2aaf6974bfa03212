"""What Hypothesis draws for one step of a random scene, and the step that comes of it.

A step is drawn without knowledge of the scene. Its numbers choose among whoever is there, and an apt step chooses
those for whom it makes sense: an answer comes from a user to whom there is an offer, a candidate from a connection
in a negotiation.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from signalproof.cast.participant import Participant
from signalproof.scenes.flaws import Flaw
from signalproof.scenes.manners import Manner
from signalproof.scenes.roster import USERS, Roster
from signalproof.scenes.steps import Steps

__all__ = ["Draw", "Step", "drawn_kinds", "take"]

Step = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Draw:
    """One step: what is done, by whom and to whom, whether that suits the state, and how it is posted."""

    kind: str
    who: int
    to: int
    apt: bool
    named: bool
    by_id: bool
    flaw: Flaw
    manner: Manner


# ── who takes it ───────────────────────────────────────────────────────────────────────────────


def _anybody(roster: Roster, draw: Draw) -> tuple[Participant, str]:
    return roster.device(draw.who), roster.login(draw.to)


def _to_a_peer(roster: Roster, draw: Draw) -> tuple[Participant, str]:
    device = roster.device(draw.who)
    return device, roster.peer(device, draw.to)


_ROLES: Mapping[str, Callable[[Roster, Draw], tuple[Participant, str | None]]] = {
    "offer": _to_a_peer,
    "answer": lambda roster, draw: roster.answerer(draw.who),
    "candidate": lambda roster, draw: roster.negotiator(draw.who),
    "call": _to_a_peer,
    "decline": lambda roster, draw: roster.callee(draw.who),
    "status": _anybody,
    "refresh": lambda roster, draw: roster.negotiator(draw.who),
}
"""Who posts a request, and which login it names, so that it makes sense."""


def _role(roster: Roster, draw: Draw, kind: str) -> tuple[Participant, str | None]:
    return (_ROLES[kind] if draw.apt else _anybody)(roster, draw)


def _roles(roster: Roster, draw: Draw, kind: str) -> tuple[Participant, str]:
    device, login = _role(roster, draw, kind)
    return device, login if login is not None else roster.login(draw.to)


# ── what is done ───────────────────────────────────────────────────────────────────────────────


def _answers(steps: Steps, draw: Draw) -> Step:
    device, sender = _role(steps, draw, "answer")
    return steps.answers(
        device,
        sender if draw.named else None,
        draw.manner,
        offer_id=steps.offer_id(device, draw.to, apt=draw.apt) if draw.by_id else None,
        junk=None if draw.apt else draw.to % 2 * steps.login(draw.to),
    )


def _posts_candidate(steps: Steps, draw: Draw) -> Step:
    device, peer = _role(steps, draw, "candidate")
    return steps.posts_candidate(device, peer if draw.named else None, draw.manner)


def _answers_twice(steps: Steps, draw: Draw) -> Step:
    device, _ = steps.answerer(draw.who)
    return steps.answers_twice(device, steps.another(device))


def _declines_twice(steps: Steps, draw: Draw) -> Step:
    device, caller = steps.callee(draw.who)
    return steps.declines_twice(device, steps.another(device), caller)


def _logs_in_again(steps: Steps, draw: Draw) -> Step:
    device = steps.device(draw.who)
    return steps.logs_in_again(device, device.login if draw.named else steps.login(draw.to), sound=draw.apt)


_STEPS: Mapping[str, Callable[[Steps, Draw], Step]] = {
    "offers": lambda steps, draw: steps.offers(*_roles(steps, draw, "offer"), draw.manner),
    "answers": _answers,
    "answers twice": _answers_twice,
    "cross": lambda steps, draw: steps.offers_cross(steps.device(draw.who), steps.device(draw.to)),
    "comes": lambda steps, draw: steps.comes(USERS[draw.to % len(USERS)]),
    "leaves": lambda steps, draw: steps.leaves(steps.device(draw.who)),
    "logs in again": _logs_in_again,
    "candidate": _posts_candidate,
    "rings": lambda steps, draw: steps.rings(*_roles(steps, draw, "call"), draw.manner),
    "declines": lambda steps, draw: steps.declines(*_roles(steps, draw, "decline"), draw.manner),
    "declines twice": _declines_twice,
    "says": lambda steps, draw: steps.says(steps.device(draw.who), "free" if draw.apt else "beasy", draw.manner),
    "refreshes": lambda steps, draw: steps.refreshes(*_roles(steps, draw, "refresh"), draw.manner),
    "reads online": lambda steps, _: steps.reads_online(),
    "flawed": lambda steps, draw: steps.posts_flawed(*_ROLES[draw.flaw.kind](steps, draw), draw.flaw),
}
_CORE = {"offers": 8, "answers": 8, "answers twice": 1, "cross": 1, "comes": 4, "leaves": 2, "logs in again": 1}
_WEIGHTS = {
    "core": _CORE | {"flawed": 5},
    "ice": {"candidate": 5},
    "call": {"rings": 4, "declines": 3, "declines twice": 1, "says": 2, "refreshes": 1},
    "presence": {"reads online": 1},
}
"""How often each kind of step is drawn, by the profile of the target."""


def drawn_kinds(abilities: frozenset[str]) -> list[str]:
    """Give the kinds of steps at a target with these abilities (profiles), each as often as it is to be drawn."""
    weights = [each for ability, each in _WEIGHTS.items() if ability in abilities]
    return [kind for each in weights for kind, weight in each.items() for _ in range(weight)]


def take(steps: Steps, draw: Draw) -> Step:
    """Make the step that was drawn, to be awaited where the scene is played."""
    return _STEPS[draw.kind](steps, draw)
