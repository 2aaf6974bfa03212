"""What varies in random scenes: texts of exact lengths, fields of nobody, and flaws that name what they break."""

from __future__ import annotations

import pytest

from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.schemas import definitions
from signalproof.protocol.wire import CANDIDATE, CANDIDATE_BYTES, DESCRIPTION_BYTES, OFFER, Encoding
from signalproof.scenes.variations import CANDIDATES, EXTRAS, TEXTS, Act, fill, flaws, foreign_fields, request_kinds

ALL = frozenset({"core", "ice", "call", "presence", "correlation", "auth"})


def test_the_longest_texts_are_exactly_as_long_as_every_server_takes() -> None:
    """HTTP-8 and ICE-11, in UTF-8 bytes."""
    assert len(fill(TEXTS["longest"], OFFER).encode()) == DESCRIPTION_BYTES
    assert len(fill(CANDIDATES["longest"], CANDIDATE).encode()) == CANDIDATE_BYTES
    assert fill(TEXTS["unicode"], OFFER) == TEXTS["unicode"]


@pytest.mark.parametrize("kind", request_kinds(ALL))
def test_foreign_fields_are_those_that_a_request_does_not_have(kind: str) -> None:
    """A field that the endpoint reads is none that it has to ignore."""
    schemas = {"offer": "SenderOfferRequest", "answer": "RecieverAnswerRequest", "candidate": "IceRequest"}
    known = definitions()[schemas.get(kind, f"{kind.capitalize()}Request")]["properties"]
    for extra in EXTRAS:
        fields = foreign_fields(kind, extra, "somebody")
        assert fields
        assert not fields.keys() & known.keys()


def test_every_flaw_breaks_a_must_and_says_what_is_wrong() -> None:
    """Each group has members, no two flaws of a request have the same words, and tokens come with `auth` alone."""
    found = [flaw for group in flaws(ALL) for flaw in group]
    assert all(flaws(ALL))
    assert {catalogue()[flaw.requirement].level for flaw in found} == {Level.MUST}
    assert len({repr(flaw) for flaw in found}) == len(found)
    assert {flaw.kind for flaw in found} == set(request_kinds(ALL))
    without = [flaw.requirement for group in flaws(frozenset({"core"})) for flaw in group]
    assert "AUTH-3" not in without


def test_an_act_says_what_is_not_plain_about_it() -> None:
    """A breach quotes it."""
    assert str(Act()) == ""
    assert (
        str(Act(encoding=Encoding.FORM, charset=True, extra="unknown")) == "a form with a charset with unknown fields"
    )
