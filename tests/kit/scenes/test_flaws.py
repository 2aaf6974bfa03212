"""The flaws of random scenes name what they break, in words of their own."""

from __future__ import annotations

from signalproof.protocol.requirements import Level, catalogue
from signalproof.scenes.flaws import flaws
from signalproof.scenes.request_fields import request_kinds

ALL = frozenset({"core", "ice", "call", "presence", "correlation", "auth"})


def test_every_flaw_breaks_a_must_and_says_what_is_wrong() -> None:
    """Each group has members, no two flaws of a request have the same words, and tokens come with `auth` alone."""
    found = [flaw for group in flaws(ALL) for flaw in group]
    assert all(flaws(ALL))
    assert {catalogue()[flaw.requirement].level for flaw in found} == {Level.MUST}
    assert len({repr(flaw) for flaw in found}) == len(found)
    assert {flaw.kind for flaw in found} == set(request_kinds(ALL))
    without = [flaw.requirement for group in flaws(frozenset({"core"})) for flaw in group]
    assert "AUTH-3" not in without
