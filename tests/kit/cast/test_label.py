"""What stands on the arrow of a request, and beside it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from signalproof.cast.company import Company
from signalproof.cast.label import label, of_event, of_reply, otherwise
from signalproof.cast.request import Variation, compose
from signalproof.protocol.defects import BODY_DEFECTS, OMIT, Altered
from signalproof.protocol.wire import (
    ANSWER,
    CANDIDATE,
    OFFER,
    STATUS,
    Body,
    Encoding,
    answer_fields,
    candidate_fields,
    offer_fields,
    status_fields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signalproof.protocol.wire import Kind

AUTHORIZATION = {"authorization": "Bearer mine"}
FIELDS = offer_fields("the-sid", "woman.1", "text")


def who(login: str) -> str:
    """Give the name of a user."""
    return {"woman.1": "woman"}.get(login, f"'{login}'")


def told(kind: Kind = OFFER, base: Mapping[str, object] = FIELDS, **variation: Any) -> tuple[str, str]:
    """Label a request that departs from the ordinary one."""
    return label(compose(kind, base, AUTHORIZATION, cast("Variation", variation)), "woman", who)


@pytest.mark.parametrize(
    ("kind", "base", "words"),
    [
        (OFFER, FIELDS, "POST /offer sender → woman"),
        (ANSWER, answer_fields("s", "text"), "POST /offer reciever → woman"),
        (CANDIDATE, candidate_fields("s", "text", "woman.1"), "POST /ice → woman"),
    ],
)
def test_an_ordinary_request_is_named_and_no_more(kind: Kind, base: Mapping[str, object], words: str) -> None:
    """By method, path, type and peer."""
    assert told(kind, base) == (words, "")


def test_a_status_has_no_peer() -> None:
    """It is the word that matters."""
    request = compose(STATUS, status_fields("s", "beasy"), {}, {})
    assert label(request, "", who) == ("POST /status beasy", "")


@pytest.mark.parametrize(
    ("variation", "words", "detail"),
    [
        ({"fields": {"type": "Sender"}}, "POST /offer → woman", 'type="Sender"'),
        ({"fields": {"reciever_login": 7}}, "POST /offer sender", "reciever_login=7"),
        ({"fields": {"reciever_login": "woman.1"}}, "POST /offer sender", "reciever_login=woman"),
        ({"fields": {"reciever_login": ""}}, "POST /offer sender", 'reciever_login=""'),
        ({"fields": {"sid": OMIT, "socket_id": "x"}}, "POST /offer sender → woman", 'no sid, socket_id="x"'),
        ({"fields": {"offer": Altered(lambda value: [value])}}, "POST /offer sender → woman", 'offer=["text"]'),
        ({"fields": {"offer": "\ud800"}}, "POST /offer sender → woman", 'offer="\\ud800"'),
        ({"fields": {"offer_id": "abc"}}, "POST /offer sender → woman", 'offer_id="abc"'),
        ({"fields": dict.fromkeys("abcde", 1)}, "POST /offer sender → woman", "a=1, b=1, c=1, 2 more fields"),
        ({"encoding": Encoding.FORM}, "POST /offer sender → woman", "as a form"),
        ({"method": "PUT"}, "PUT /offer sender → woman", ""),
        ({"path": "/offer/"}, "POST /offer/ sender → woman", ""),
        ({"authorization": None}, "POST /offer sender → woman", "without a token"),
        ({"authorization": "Bearer another"}, "POST /offer sender → woman", "with another token"),
        ({"authorization": "Bearer mine"}, "POST /offer sender → woman", ""),
        ({"body": Body(b"", "text/plain")}, "POST /offer", "an empty body, as text/plain"),
        ({"body": Body(b"{", None)}, "POST /offer", "a body cut off at 1 of 82 bytes, without a content type"),
    ],
)
def test_what_is_unusual_is_told_and_not_denied(variation: dict[str, Any], words: str, detail: str) -> None:
    """A field that was changed does not stand on the arrow with its ordinary value."""
    assert told(**variation) == (words, detail)


def test_a_long_value_is_cut_and_its_length_told() -> None:
    """And how many bytes were posted."""
    words, detail = told(fields={"offer": "v" * 65_536})
    assert words == "POST /offer sender → woman"
    assert detail == '65,614 bytes, offer="… (65,536 characters)'


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("with_nan", 'body …, "x": NaN}'),
        ("truncated", "a body cut off at 81 of 82 bytes"),
        ("followed_by_text", "body … x"),
        ("empty", "an empty body"),
        ("an_empty_array", "body []"),
    ],
)
def test_a_body_is_shown_from_where_it_departs(defect: str, words: str) -> None:
    """So that the defect is seen, however long the body is."""
    request = compose(OFFER, FIELDS, {}, {})
    assert otherwise(request.body, Body(BODY_DEFECTS[defect](request.body.content), "application/json")) == words


def test_a_word_that_departs_in_its_middle_is_shown_whole() -> None:
    """It may be a secret, which is known again as a whole alone."""
    assert otherwise(Body(b"a secret-1 b", None), Body(b"a secret-2 b", None)) == "body …secret-2 b"


def test_a_body_that_is_too_large_is_held_against_the_largest_that_was_not() -> None:
    """At HTTP 413 alone."""
    assert of_reply(413, "/offer", 70_000, {"/offer": 65_613}) == "for 70,000 bytes; largest accepted so far: 65,613"
    assert of_reply(413, "/offer", 70_000, {"/ice": 10}) == "for 70,000 bytes; none accepted so far"
    assert of_reply(400, "/offer", 70_000, {"/offer": 10}) == ""


def test_an_event_that_names_another_author_says_whom() -> None:
    """As it stands in the payload."""
    assert of_event({"sender_login": "man.1"}, "sender_login", "man.1", who) == ""
    assert of_event({}, "sender_login", "man.1", who) == ""
    assert of_event({"sender_login": "woman.1"}, "sender_login", "man.1", who) == "sender_login=woman"
    assert of_event({"sender_login": None}, "sender_login", "man.1", who) == "sender_login=null"


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("sp.1.man", "man"),
        ("guest-7", "visitor"),
        ("sp.1.nobody", "nobody"),
        ("sp.1.man ", "'man '"),
        ("sp.1.nobody.café", "'nobody.café'"),
        ("SP.1.MAN", "'SP.1.MAN'"),
        ("", "''"),
    ],
)
def test_a_user_has_a_name_and_nobody_else_has(login: str, name: str) -> None:
    """A login that is none of the check's is quoted, and nobody is who never is there."""
    visitor = SimpleNamespace(name="visitor#2", identity="guest-7")
    unknown = SimpleNamespace(name="unbound", identity="")
    company = SimpleNamespace(nobody="sp.1.nobody", _logins={"man": "sp.1.man"}, connections=[visitor, unknown])
    assert Company.who(cast("Company", company), login) == name
