"""Hints: each mistake gets its explanation, and what is no such mistake gets none."""

from __future__ import annotations

import json

import pytest

from signalproof.judge import hints

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


def _described(*lines: str) -> str:
    return json.dumps({"type": "offer", "sdp": "".join(f"{line}\r\n" for line in lines)})


LINES = ("v=0", "a=extmap-allow-mixed", "a=fmtp:111 useinbandfec=1", "a=candidate:1 1 udp 1 192.0.2.9 5 typ host")


@pytest.mark.parametrize(
    ("received", "words"),
    [
        (_described(*LINES[:1], *LINES[2:]), "A line of the SDP was taken out: `a=extmap-allow-mixed`."),
        (_described(*LINES[:1]), "The SDP was cut after line 1 of 4."),
        (_described(LINES[0], "a=x", *LINES[1:]), "The SDP has a new line: `a=x`."),
        (_described(*LINES[:2], "a=fmtp:111 stereo=1", LINES[3]), "`a=fmtp:111 useinbandfec=1` became `a=fmtp:111 ste"),
        (_described(*LINES[::-1]), "another order"),
        (_described(*LINES).replace("\\r", ""), "other ends"),
        (_described(*LINES[:3]), "cut after line 3"),
        (_described("v=0", *LINES[:3]), "rewritten: `a=candidate:1 1 udp 1 ••••••••• 5 typ host` became `v=0`"),
    ],
    ids=["deleted", "cut", "added", "rewritten", "sorted", "line_ends", "the_last_one", "secret"],
)
def test_an_edited_description_is_explained_by_its_lines(received: str, words: str) -> None:
    """The line that is missing or other is named, without addresses and credentials in it."""
    assert words in (hints.for_text(_described(*LINES), received) or "")


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


@pytest.mark.parametrize(
    ("at", "own", "arrived", "words"),
    [
        ("man", True, True, "a room that the sender is in"),
        ("man", False, True, "a room that other devices"),
        ("woman", False, True, "a room that other devices"),
        ("boy", False, True, "emits to everybody"),
        ("boy", False, False, "to another user instead"),
        ("woman ", False, True, "White space around logins is trimmed"),
        ("WOMAN", False, False, "Case is ignored"),
    ],
    ids=["sender", "tablet_of_sender", "tablet_of_target", "everybody", "astray", "trimmed", "folded"],
)
def test_an_event_at_a_stranger_is_explained(at: str, own: bool, arrived: bool, words: str) -> None:
    """By who the stranger is, and whether those concerned got it too."""
    found = hints.for_stranger(
        "sender_offer", at=at, author="man", meant_for=["woman"], own_connection=own, arrived=arrived
    )
    assert words in (found or "")


def test_an_event_where_nobody_was_expected_went_to_no_other_user() -> None:
    """The negotiation is over: there is no pair to look up."""
    found = hints.for_stranger(
        "ice_candidate", at="woman", author="man", meant_for=[], own_connection=False, arrived=False
    )
    assert "Nobody was to get this ice_candidate" in (found or "")
    assert "another user" not in (found or "")


def test_an_answer_that_names_its_offer_by_id_is_no_matter_of_pairs() -> None:
    """Whether it went astray, or was accepted where it has to be refused."""
    found = hints.for_stranger(
        "reciever_answer", at="boy", author="woman", meant_for=["man"], own_connection=False, arrived=False, by_id=True
    )
    accepted = hints.for_accepted({"sid": "mine", "answer": "{}", "offer_id": "old"}, "transport")
    for hint in (found, accepted):
        assert "`offer_id` says which offer is answered" in (hint or "")
        assert "pair" not in (hint or "")
    assert hints.for_accepted({"sid": "mine", "offer": "{}", "offer_id": "new"}, "transport") is None


def test_a_sid_and_a_member_of_every_object_in_place_of_a_login_are_explained() -> None:
    """By the room of each socket, and by where the server keeps its users."""
    taken = hints.for_accepted({"sid": "mine", "reciever_login": "another"}, "transport", names_sid=True)
    assert "room" in (taken or "")
    assert "`Map`" in (hints.for_namesake("__proto__") or "")
    assert "`Map`" in (hints.for_namesake("valueOf") or "")
    assert hints.for_namesake("bob") is None
    assert hints.for_namesake({"not": "hashable"}) is None


def test_logins_that_differ_for_no_known_reason_are_not_explained() -> None:
    """Nor is the same login, nor what is no login."""
    assert "normalised" in (hints.for_login("caf\u00e9", "cafe\u0301") or "")
    assert hints.for_login("man", "boy") is None
    assert hints.for_login("man", "man") is None
    assert hints.for_login("man", None) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sid": "transport"}, "Engine.IO sid"),
        ({"sid": "mine", "reciever_login": 7}, "taken for a string"),
        ({"sid": "mine", "reciever_login": "woman "}, "was trimmed"),
        ({"sid": "mine", "type": "sender "}, "was trimmed"),
    ],
    ids=["engine_sid", "number", "login", "type"],
)
def test_what_is_accepted_and_should_not_be_is_explained(fields: dict[str, object], words: str) -> None:
    """By the field that makes it wrong."""
    assert words in (hints.for_accepted(fields, "transport") or "")


def test_what_is_accepted_for_no_known_reason_is_not_explained() -> None:
    """White space in a description is nothing to trim, and a request may have no fields at all."""
    assert hints.for_accepted({"sid": "mine", "reciever_login": "nobody", "offer": " {} "}, "transport") is None
    assert hints.for_accepted({}, "") is None


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (500, "HTTP 500 <!DOCTYPE html><title>Server Error", "The server threw: look into its log"),
        (404, "HTTP 404 <HTML>", "HTML page"),
        (400, "HTTP 400 an HTML page, 'DoesNotExist at /offer'", "HTML page"),
        (415, 'HTTP 415 {"detail":"Unsupported media type"}', "each spelling of its content type"),
        (403, 'HTTP 403 {"detail":"CSRF Failed"}', "CSRF"),
        (413, "HTTP 413 an HTML page, '413 Request Entity Too Large'", "`client_max_body_size`"),
        (413, 'HTTP 413 {"message":"request entity too large"}', "A limit of bodies"),
        (503, "HTTP 503 an HTML page, '503 Service Temporarily Unavailable'", "`limit_req` and `limit_conn`"),
        (503, 'HTTP 503 {"detail":"no"}', "The server threw"),
        (502, "HTTP 502 ", "over its `request_body` limit"),
    ],
    ids=[
        *("doctype", "html", "title", "media_type", "csrf"),
        *("page_too_long", "too_long", "limited", "unavailable", "gateway"),
    ],
)
def test_a_broken_reply_is_explained(status: int, text: str, words: str) -> None:
    """The usual habits of frameworks."""
    assert words in (hints.for_reply(status, text) or "")


def test_a_server_error_names_the_page_that_came_with_it() -> None:
    """The title of a debug page is the exception."""
    assert "'KeyError at /offer'" in (hints.for_reply(500, "", "KeyError at /offer") or "")


LACKS = "a refusal that lacks `status` and `message`"


@pytest.mark.parametrize(
    ("status", "text", "problem", "words"),
    [
        (415, 'HTTP 415 {"detail":"Unsupported media type"}', LACKS, "gives all its errors `status` and `message`"),
        (404, 'HTTP 404 {"detail":"Not found."}', LACKS, "gives all its errors `status` and `message`"),
        (500, "HTTP 500 <html>", "a server error", "The server threw"),
        (404, "HTTP 404 <html>", "not JSON", "HTML page"),
    ],
    ids=["media_type", "detail", "threw", "page"],
)
def test_a_reply_that_is_wrong_by_itself_is_explained_by_what_is_wrong_with_it(
    status: int, text: str, problem: str, words: str
) -> None:
    """A refusal of another content type says nothing about the spellings of JSON."""
    found = hints.for_broken(status, text, None, problem) or ""
    assert words in found
    assert "spelling" not in found


def test_a_refusal_of_a_content_type_in_plain_text_is_not_explained() -> None:
    """What is wrong with it is said by itself."""
    assert hints.for_broken(415, "HTTP 415 Unsupported", None, "not JSON") is None


@pytest.mark.parametrize("status", [404, 405])
def test_a_missing_endpoint_is_named(status: int) -> None:
    """But no refusal of the protocol, which may have that status."""
    assert "There is no POST /status here" in (hints.for_missing("/status", status, well_formed=False) or "")
    assert hints.for_missing("/status", status, well_formed=True) is None
    assert hints.for_missing("/status", 400, well_formed=False) is None


@pytest.mark.parametrize("status", [502, 504])
def test_a_proxy_is_told_from_the_server(status: int) -> None:
    """The server did not throw: it did not answer."""
    assert "comes from a proxy" in (hints.for_reply(status, "<html>", "Bad Gateway") or "")


def test_a_refusal_of_something_malformed_with_http_200_is_explained() -> None:
    """Which is what old servers do; another status is not explained."""
    assert "a malformed request gets a 4xx status" in (hints.for_refusal(200) or "")
    assert hints.for_refusal(302) is None


@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_json_reply_is_not_explained(status: int) -> None:
    """An ordinary refusal speaks for itself."""
    assert hints.for_reply(status, f'HTTP {status} {{"status":1,"message":"The user is not online."}}') is None
