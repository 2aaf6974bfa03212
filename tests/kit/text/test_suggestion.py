"""What somebody may have meant who wrote an unknown word."""

from __future__ import annotations

import pytest

from signalproof.text.suggestion import did_you_mean, nearest

CHOICE = ("jwt_secret", "jwt_key", "OFFER-1", "SenderOfferEvent")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("jwt-secret", "jwt_secret"),
        ("JWTSECRET", "jwt_secret"),
        ("jwt_sekret", "jwt_secret"),
        ("ofer1", "OFFER-1"),
        ("sender_offer_event", "SenderOfferEvent"),
    ],
)
def test_the_nearest_word_is_found_however_it_is_written(word: str, meant: str) -> None:
    """Case, hyphens and underscores do not count."""
    assert nearest(word, CHOICE) == [meant]
    assert did_you_mean(word, CHOICE) == f": did you mean {meant!r}?"


def test_what_is_like_nothing_gets_the_choice() -> None:
    """Nor does an empty word mean anything."""
    assert did_you_mean("xyz", ("core", "ice")) == "; it can be core, ice"
    assert nearest("", CHOICE) == nearest("???", CHOICE) == []


def test_several_are_given_the_likeliest_first() -> None:
    """As many as are asked for."""
    assert nearest("jwt", CHOICE, most=2, likeness=0.4) == ["jwt_key", "jwt_secret"]
