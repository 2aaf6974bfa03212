"""The Hypothesis machines of random scenes: one rule for each act that a user can do, in any order.

Importing it imports Hypothesis, so `explore` does that only when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from signalproof import generate
from signalproof.acts import TEXTS, USERS, Act, Acts, Flaw, flaws
from signalproof.nonsense import Nonsense
from signalproof.wire import POST_PATHS, Body, Encoding

__all__ = ["Fuzz", "Machine", "Player"]

_DEVICE = st.integers(0, 5)
_USER = st.sampled_from(USERS)
_ANYBODY = st.sampled_from((*USERS, "nobody"))
_SOMEBODY = st.one_of(st.none(), _ANYBODY)
_ACT = st.builds(Act, st.sampled_from(["", *TEXTS.values()]), st.sampled_from(Encoding), st.booleans())
_GENERATED = st.builds(Act, generate.TEXTS, st.sampled_from(Encoding))
_FLAW = st.sampled_from(flaws())
_PATH = st.sampled_from([(profile, path) for profile, paths in POST_PATHS.items() for path in paths])


class Player(Protocol):
    """Who plays the acts: it begins and ends scenes, and says which kinds of acts the target takes."""

    abilities: frozenset[str]

    def begin(self, kind: type[Acts]) -> Acts:
        """Begin a scene."""

    def do(self, act: Coroutine[Any, Any, None], acts: Acts) -> None:
        """Play one act of a scene."""

    def end(self, acts: Acts) -> None:
        """End a scene."""


def _if_able(ability: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return precondition(lambda machine: ability in machine.player.abilities)


class Machine(RuleBasedStateMachine):
    """The acts of the users of one scene."""

    player: ClassVar[Player]
    kind: ClassVar[type[Acts]] = Acts

    def __init__(self) -> None:
        super().__init__()
        self.acts: Any = self.player.begin(self.kind)

    def teardown(self) -> None:
        """End the scene."""
        self.player.end(self.acts)

    def _play(self, act: Coroutine[Any, Any, None]) -> None:
        self.player.do(act, self.acts)

    def _login(self, name: str | None) -> str | None:
        return None if name is None else self.acts.login(name)

    @rule(user=_USER)
    def comes(self, user: str) -> None:
        """One more connection of a user logs in."""
        if self.acts.room_for(user):
            self._play(self.acts.comes(user))

    @rule(device=_DEVICE)
    def leaves(self, device: int) -> None:
        """A connection leaves."""
        self._play(self.acts.leaves(self.acts.device(device)))

    @rule(device=_DEVICE, to=_ANYBODY, act=_ACT)
    def offers(self, device: int, to: str, act: Act) -> None:
        """A connection offers to a user, itself, or nobody."""
        self._play(self.acts.offers(self.acts.device(device), self.acts.login(to), act))

    @rule(device=_DEVICE, other=_DEVICE, act=_ACT)
    def negotiates(self, device: int, other: int, act: Act) -> None:
        """A connection offers to the user of another, which answers."""
        offerer, answerer = self.acts.device(device), self.acts.device(other)
        self._play(self.acts.offers(offerer, answerer.login, act))
        self._play(self.acts.answers(answerer, offerer.login, act))

    @rule(device=_DEVICE, other=_DEVICE)
    def offers_cross(self, device: int, other: int) -> None:
        """Two connections offer to each other at once."""
        self._play(self.acts.offers_cross(self.acts.device(device), self.acts.device(other)))

    @rule(device=_DEVICE, sender=_SOMEBODY, act=_ACT, junk=_SOMEBODY)
    def answers(self, device: int, sender: str | None, act: Act, junk: str | None) -> None:
        """A connection answers, whether or not there is an offer."""
        self._play(self.acts.answers(self.acts.device(device), self._login(sender), act, self._login(junk)))

    @rule(device=_DEVICE, other=_DEVICE)
    def answers_twice(self, device: int, other: int) -> None:
        """Two connections answer the same offer at once."""
        self._play(self.acts.answers_twice(self.acts.device(device), self.acts.device(other)))

    @rule(device=_DEVICE, flaw=_FLAW, to=_USER)
    def spoils(self, device: int, flaw: Flaw, to: str) -> None:
        """A connection posts what has to be refused."""
        if flaw.ability in self.player.abilities:
            self._play(self.acts.spoils(self.acts.device(device), flaw, self.acts.login(to)))

    @rule(device=_DEVICE, user=_USER, sound=st.booleans())
    def logs_in_again(self, device: int, user: str, sound: bool) -> None:
        """A connection logs in again."""
        self._play(self.acts.logs_in_again(self.acts.device(device), self.acts.login(user), sound=sound))

    @_if_able("presence")
    @rule()
    def reads_online(self) -> None:
        """Somebody reads who is online."""
        self._play(self.acts.reads_online())

    @_if_able("ice")
    @rule(device=_DEVICE, peer=_SOMEBODY, act=_ACT)
    def posts_candidate(self, device: int, peer: str | None, act: Act) -> None:
        """A connection posts a candidate."""
        self._play(self.acts.posts_candidate(self.acts.device(device), self._login(peer), act))

    @_if_able("ring")
    @rule(device=_DEVICE, callee=_ANYBODY)
    def rings(self, device: int, callee: str) -> None:
        """A connection calls a user, or nobody."""
        self._play(self.acts.rings(self.acts.device(device), self.acts.login(callee)))

    @_if_able("ring")
    @rule(device=_DEVICE, caller=_ANYBODY)
    def declines(self, device: int, caller: str) -> None:
        """A connection declines a call."""
        self._play(self.acts.declines(self.acts.device(device), self.acts.login(caller)))

    @_if_able("call")
    @rule(device=_DEVICE, status=st.sampled_from(("beasy", "free")))
    def says(self, device: int, status: str) -> None:
        """A connection says `free` or `beasy`."""
        self._play(self.acts.says(self.acts.device(device), status))

    @_if_able("call")
    @rule(device=_DEVICE, peer=_ANYBODY)
    def refreshes(self, device: int, peer: str) -> None:
        """A connection asks a user to negotiate anew."""
        self._play(self.acts.refreshes(self.acts.device(device), self.acts.login(peer)))


class Fuzz(Machine):
    """Generated input among the acts of the users of one scene."""

    kind = Nonsense

    @rule(device=_DEVICE, to=_USER, act=_GENERATED)
    def offers_any_text(self, device: int, to: str, act: Act) -> None:
        """A generated text is forwarded in an offer."""
        self._play(self.acts.offers(self.acts.device(device), self.acts.login(to), act))

    @rule(device=_DEVICE, act=_GENERATED)
    def answers_any_text(self, device: int, act: Act) -> None:
        """A generated text is forwarded in an answer."""
        self._play(self.acts.answers(self.acts.device(device), None, act))

    @_if_able("ice")
    @rule(device=_DEVICE, act=_GENERATED)
    def trickles_any_text(self, device: int, act: Act) -> None:
        """A generated text is forwarded as a candidate."""
        self._play(self.acts.posts_candidate(self.acts.device(device), None, act))

    @rule(device=_DEVICE, flaw=_FLAW, value=generate.WRONG_VALUES, to=_USER)
    def posts_wrong_value(self, device: int, flaw: Flaw, value: object, to: str) -> None:
        """A request has a generated value of the wrong type in one of its required fields."""
        if flaw.ability in self.player.abilities and flaw.field:
            self._play(self.acts.spoils(self.acts.device(device), replace(flaw, value=value), self.acts.login(to)))

    @rule(device=_DEVICE, path=_PATH, body=generate.BODIES)
    def posts_anything(self, device: int, path: tuple[str, str], body: Body) -> None:
        """A generated body comes to an endpoint."""
        if path[0] in self.player.abilities:
            self._play(self.acts.posts_anything(self.acts.device(device), path[1], body))

    @_if_able("invent")
    @rule(text=generate.LOGINS)
    def visits(self, text: str) -> None:
        """A user with a generated login comes and goes."""
        self._play(self.acts.visits(text))

    @_if_able("invent")
    @rule(arguments=generate.LOGIN_ARGUMENTS)
    def stranger_logs_in(self, arguments: Sequence[object]) -> None:
        """Somebody emits `login` with generated arguments."""
        self._play(self.acts.stranger_logs_in(arguments))

    @rule(frames=generate.FRAMES)
    def throws_frames(self, frames: Sequence[str | bytes]) -> None:
        """Somebody sends generated frames."""
        self._play(self.acts.throws_frames(frames))
