"""Hints: each mistake gets its explanation, and what is no such mistake gets none."""

from __future__ import annotations

import json

import pytest

from signalproof import hints

OFFER = '{"type": "offer", "sdp": "v=0\\r\\ns=caf\\u00e9 a+b\\r\\n"}'


@pytest.mark.parametrize(
    ("expected", "received", "words"),
    [
        (f" {OFFER}\r\n", OFFER, "trimmed"),
        ("v=0\r\ns=-\r\n.", "v=0\ns=-\n.", "CRLF became LF"),
        (OFFER, OFFER[:20], "cut after 20 characters"),
        (OFFER, "", "cut after 0 characters"),
        (OFFER, json.dumps(json.loads(OFFER), separators=(",", ":")), "parsed and serialised again"),
        ("a=1+1 x", "a=1 1 x", "decode a form-encoded body exactly once"),
        ("a=1 1 x", "a=1+1+x", "decode a form-encoded body exactly once"),
    ],
    ids=["trimmed", "line_ends", "cut", "emptied", "reserialised", "plus_to_space", "space_to_plus"],
)
def test_a_changed_text_is_explained(expected: str, received: str, words: str) -> None:
    """Each of the usual ways to spoil a description has its own words."""
    assert words in (hints.for_text(expected, received) or "")


@pytest.mark.parametrize("received", ["something else", "[" * 100_000, OFFER.replace("offer", "answer")])
def test_a_text_that_differs_for_no_known_reason_is_not_explained(received: str) -> None:
    """A wrong hint is worse than none."""
    assert hints.for_text(OFFER, received) is None


def test_the_corrected_spelling_is_explained() -> None:
    """In event names, in keys, and where an event is missing while that one came."""
    assert "`reciever`" in (hints.for_event_name("receiver_answer") or "")
    assert hints.for_event_name("reciever_answer") is None
    assert "`reciever`" in (hints.for_payload({"receiver_answer": "{}"}, "reciever_answer") or "")
    assert "`reciever`" in (hints.for_unheard(["sender_offer", "receiver_answer"]) or "")
    assert hints.for_unheard(["sender_offer", "reciever_answer"]) is None
    assert hints.for_unheard([]) is None


def test_a_payload_of_the_wrong_shape_is_explained() -> None:
    """Text in place of an object, an object in place of text; a sound payload is not explained."""
    assert "one JSON object" in (hints.for_payload("{}", "sender_offer") or "")
    assert "do not parse it" in (hints.for_payload({"sender_offer": {"type": "offer"}}, "sender_offer") or "")
    assert hints.for_payload({"sender_offer": OFFER}, "sender_offer") is None


def test_an_event_at_a_stranger_is_explained() -> None:
    """The sender itself is another mistake than everybody."""
    assert "a room that the sender is in" in (hints.for_stranger("sender_offer", own_connection=True) or "")
    assert "emits to everybody" in (hints.for_stranger("sender_offer", own_connection=False) or "")


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (500, "HTTP 500 <!DOCTYPE html><title>Server Error", "HTML page"),
        (404, "HTTP 404 <HTML>", "HTML page"),
        (500, "HTTP 500 an HTML page, 'DoesNotExist at /offer'", "HTML page"),
        (415, 'HTTP 415 {"detail":"Unsupported media type"}', "application/x-www-form-urlencoded"),
        (403, 'HTTP 403 {"detail":"CSRF Failed"}', "CSRF"),
    ],
    ids=["doctype", "html", "title", "media_type", "csrf"],
)
def test_a_broken_reply_is_explained(status: int, text: str, words: str) -> None:
    """The usual habits of frameworks."""
    assert words in (hints.for_reply(status, text) or "")


def test_a_refusal_of_something_malformed_with_http_200_is_explained() -> None:
    """Which is what old servers do; another status is not explained."""
    assert "a malformed request gets a 4xx status" in (hints.for_refusal(200) or "")
    assert hints.for_refusal(302) is None


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_a_json_reply_is_not_explained(status: int) -> None:
    """An ordinary refusal speaks for itself."""
    assert hints.for_reply(status, f'HTTP {status} {{"status":1,"message":"The user is not online."}}') is None
