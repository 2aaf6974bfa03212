"""The manners of random scenes: texts of exact lengths, fields of nobody, and words for what is not plain."""

from __future__ import annotations

import pytest

from signalproof.protocol.schemas import definitions
from signalproof.protocol.wire import CANDIDATE, CANDIDATE_BYTES, DESCRIPTION_BYTES, OFFER, Encoding
from signalproof.scenes.manners import CANDIDATES, EXTRAS, TEXTS, Manner, fill, foreign_fields
from signalproof.scenes.request_fields import request_kinds

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


def test_a_manner_says_what_is_not_plain_about_it() -> None:
    """A breach quotes it."""
    assert str(Manner()) == ""
    manner = Manner(encoding=Encoding.FORM, charset=True, extra="unknown")
    assert str(manner) == "a form with a charset with unknown fields"
