"""The Hypothesis machine of random scenes: one rule for each act that a user can do, in any order.

Importing it imports Hypothesis, so `explore` does that only when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from signalproof.acts import FLAWS, TEXTS, USERS, Act, Acts, Flaw
from signalproof.wire import Encoding

__all__ = ["Machine", "Player"]

_DEVICE = st.integers(0, 5)
_USER = st.sampled_from(USERS)
_ANYBODY = st.sampled_from((*USERS, "nobody"))
_SOMEBODY = st.one_of(st.none(), _ANYBODY)
_ACT = st.builds(Act, st.sampled_from(sorted(TEXTS)), st.sampled_from(Encoding), st.booleans())
_FLAW = st.sampled_from([flaw for flaws in FLAWS.values() for flaw in flaws])


class Player(Protocol):
    """Who plays the acts: it begins and ends scenes, and says which kinds of acts the target takes."""

    abilities: frozenset[str]

    def begin(self) -> Acts:
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

    def __init__(self) -> None:
        super().__init__()
        self.acts = self.player.begin()

    def teardown(self) -> None:
        """End the scene."""
        self.player.end(self.acts)

    def _play(self, act: Callable[[Acts], Coroutine[Any, Any, None]]) -> None:
        self.player.do(act(self.acts), self.acts)

    def _login(self, name: str | None) -> str | None:
        return None if name is None else self.acts.login(name)

    @rule(user=_USER)
    def comes(self, user: str) -> None:
        """One more connection of a user logs in."""
        if self.acts.room_for(user):
            self._play(lambda acts: acts.comes(user))

    @rule(device=_DEVICE)
    def leaves(self, device: int) -> None:
        """A connection leaves."""
        self._play(lambda acts: acts.leaves(acts.device(device)))

    @rule(device=_DEVICE, to=_ANYBODY, act=_ACT)
    def offers(self, device: int, to: str, act: Act) -> None:
        """A connection offers to a user, itself, or nobody."""
        self._play(lambda acts: acts.offers(acts.device(device), acts.login(to), act))

    @rule(device=_DEVICE, other=_DEVICE)
    def offers_cross(self, device: int, other: int) -> None:
        """Two connections offer to each other at once."""
        self._play(lambda acts: acts.offers_cross(acts.device(device), acts.device(other)))

    @rule(device=_DEVICE, sender=_SOMEBODY, act=_ACT, junk=_SOMEBODY)
    def answers(self, device: int, sender: str | None, act: Act, junk: str | None) -> None:
        """A connection answers, whether or not there is an offer."""
        self._play(lambda acts: acts.answers(acts.device(device), self._login(sender), act, self._login(junk)))

    @rule(device=_DEVICE, other=_DEVICE)
    def answers_twice(self, device: int, other: int) -> None:
        """Two connections answer the same offer at once."""
        self._play(lambda acts: acts.answers_twice(acts.device(device), acts.device(other)))

    @rule(device=_DEVICE, flaw=_FLAW, to=_USER)
    def spoils(self, device: int, flaw: Flaw, to: str) -> None:
        """A connection posts what has to be refused."""
        if flaw.ability in self.player.abilities:
            self._play(lambda acts: acts.spoils(acts.device(device), flaw, acts.login(to)))

    @rule(device=_DEVICE, user=_USER, sound=st.booleans())
    def logs_in_again(self, device: int, user: str, sound: bool) -> None:
        """A connection logs in again."""
        self._play(lambda acts: acts.logs_in_again(acts.device(device), acts.login(user), sound=sound))

    @_if_able("presence")
    @rule()
    def reads_online(self) -> None:
        """Somebody reads who is online."""
        self._play(lambda acts: acts.reads_online())

    @_if_able("ice")
    @rule(device=_DEVICE, peer=_SOMEBODY, act=_ACT)
    def posts_candidate(self, device: int, peer: str | None, act: Act) -> None:
        """A connection posts a candidate."""
        self._play(lambda acts: acts.posts_candidate(acts.device(device), self._login(peer), act))

    @_if_able("ring")
    @rule(device=_DEVICE, callee=_ANYBODY)
    def rings(self, device: int, callee: str) -> None:
        """A connection calls a user, or nobody."""
        self._play(lambda acts: acts.rings(acts.device(device), acts.login(callee)))

    @_if_able("ring")
    @rule(device=_DEVICE, caller=_ANYBODY)
    def declines(self, device: int, caller: str) -> None:
        """A connection declines a call."""
        self._play(lambda acts: acts.declines(acts.device(device), acts.login(caller)))

    @_if_able("call")
    @rule(device=_DEVICE, status=st.sampled_from(("beasy", "free")))
    def says(self, device: int, status: str) -> None:
        """A connection says `free` or `beasy`."""
        self._play(lambda acts: acts.says(acts.device(device), status))

    @_if_able("call")
    @rule(device=_DEVICE, peer=_ANYBODY)
    def refreshes(self, device: int, peer: str) -> None:
        """A connection asks a user to negotiate anew."""
        self._play(lambda acts: acts.refreshes(acts.device(device), acts.login(peer)))
