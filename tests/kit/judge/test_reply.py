"""What an HTTP reply means, accepted, refused or unclear, and what is wrong with it by itself."""

from __future__ import annotations

import pytest

from signalproof.judge.reply import Outcome, no_reply, read_reply
from signalproof.net.http import HttpReply

ACCEPTED, REFUSED, UNCLEAR = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNCLEAR
JSON = "application/json"
GOOD = b'{"status":0,"offer":"ok"}'
BAD = b'{"status":1,"message":"no","code":"offline"}'

TABLE = {
    "accepted": (200, JSON, GOOD, ACCEPTED, None),
    "accepted_with_charset": (200, "Application/JSON; charset=utf-8", GOOD, ACCEPTED, None),
    "accepted_without_status": (200, JSON, b'{"offer":"ok"}', ACCEPTED, None),
    "accepted_with_more": (200, JSON, b'{"status":0,"offer":"ok","new":1}', ACCEPTED, None),
    "refused_with_200": (200, JSON, BAD, REFUSED, None),
    "refused_with_400": (400, JSON, BAD, REFUSED, None),
    "refused_with_499": (499, JSON, BAD, REFUSED, None),
    "refused_without_code": (404, JSON, b'{"status":1,"message":"no"}', REFUSED, None),
    "server_error": (500, JSON, BAD, UNCLEAR, "HTTP-12"),
    "unavailable": (503, JSON, BAD, UNCLEAR, "HTTP-12"),
    "server_error_in_html": (500, "text/html", b"<html>", UNCLEAR, "HTTP-12"),
    "html": (404, "text/html", b"<html>", REFUSED, "HTTP-3"),
    "json_called_html": (200, "text/html", GOOD, ACCEPTED, "HTTP-3"),
    "no_content_type": (200, None, GOOD, ACCEPTED, "HTTP-3"),
    "not_json": (200, JSON, b"ok", UNCLEAR, "HTTP-3"),
    "not_utf8": (200, JSON, b'{"offer":"\xff"}', UNCLEAR, "HTTP-3"),
    "deeply_nested": (200, JSON, b"[" * 100_000, UNCLEAR, "HTTP-3"),
    "empty": (200, JSON, b"", UNCLEAR, "HTTP-3"),
    "array": (200, JSON, b"[]", UNCLEAR, "HTTP-3"),
    "null": (400, JSON, b"null", REFUSED, "HTTP-3"),
    "redirect": (302, "text/html", b"", UNCLEAR, "HTTP-3"),
    "redirect_in_json": (302, JSON, GOOD, UNCLEAR, "HTTP-15"),
    "refused_with_302": (302, JSON, BAD, REFUSED, "HTTP-15"),
    "refused_with_201": (201, JSON, BAD, REFUSED, "HTTP-15"),
    "created": (201, JSON, GOOD, ACCEPTED, "HTTP-15"),
    "accepted_with_400": (400, JSON, GOOD, REFUSED, "HTTP-15"),
    "no_message": (200, JSON, b'{"status":1}', REFUSED, "HTTP-15"),
    "message_is_an_object": (200, JSON, b'{"status":1,"message":{}}', REFUSED, "HTTP-15"),
    "status_is_true": (200, JSON, b'{"status":true,"message":"no"}', REFUSED, "HTTP-15"),
    "status_is_false": (200, JSON, b'{"status":false,"offer":"ok"}', ACCEPTED, "HTTP-15"),
    "status_is_null": (200, JSON, b'{"status":null,"offer":"ok"}', REFUSED, "HTTP-15"),
    "status_is_text": (200, JSON, b'{"status":"0","offer":"ok"}', REFUSED, "HTTP-15"),
    "status_is_a_word": (400, JSON, b'{"status":"error","message":"no"}', REFUSED, "HTTP-15"),
    "neither": (200, JSON, b"{}", UNCLEAR, "HTTP-15"),
    "framework_error": (400, JSON, b'{"detail":"no"}', REFUSED, "HTTP-15"),
}


@pytest.mark.parametrize(("status", "content_type", "body", "outcome", "broken"), TABLE.values(), ids=TABLE)
def test_a_reply_is_read_as_the_contract_does(
    status: int, content_type: str | None, body: bytes, outcome: Outcome, broken: str | None
) -> None:
    """What became of the request is told apart from what is wrong with the reply, by requirement."""
    headers = {} if content_type is None else {"content-type": content_type}
    reply = read_reply(HttpReply(status, headers, body, 0.01), "OfferAccepted")
    assert (reply.outcome, reply.broken) == (outcome, broken)
    assert (reply.problem is None) == (broken is None)
    assert reply.status == status
    assert reply.client_error == (400 <= status < 500)
    assert reply.describe().startswith(f"HTTP {status}")


def test_the_code_of_a_refusal_is_given() -> None:
    """Whatever it is, and None where there is no object."""
    headers = {"content-type": JSON}
    assert read_reply(HttpReply(200, headers, BAD, 0), "OfferAccepted").code == "offline"
    assert read_reply(HttpReply(200, headers, b"[]", 0), "OfferAccepted").code is None


def test_silence_is_never_a_refusal() -> None:
    """A time-out or a dropped connection breaks HTTP-12."""
    reply = no_reply("no reply within 5.0 s")
    assert (reply.outcome, reply.broken, reply.client_error) == (UNCLEAR, "HTTP-12", False)
    assert reply.describe() == "no reply within 5.0 s"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"detail":"no"}', "a refusal that lacks `status` and `message`"),
        (400, b'{"error":"no","message":"no"}', "a refusal that lacks `status`"),
        (404, GOOD, "`status` 0 says success, and HTTP says refusal"),
        (201, GOOD, "a success with HTTP 201, and a success is HTTP 200"),
    ],
    ids=["lacks_both", "lacks_one", "contradicts_itself", "created"],
)
def test_what_is_wrong_is_said_in_the_words_of_the_specification(status: int, body: bytes, said: str) -> None:
    """Not in those of a schema."""
    reply = read_reply(HttpReply(status, {"content-type": JSON}, body, 0), "OfferAccepted")
    assert reply.describe().endswith(f"({said})")


def test_a_long_body_is_shown_in_one_short_line() -> None:
    """A page of HTML does not fill the terminal."""
    raw = HttpReply(500, {"content-type": "text/html"}, b"<html>\n\n" + b"word \r\n" * 500, 0)
    text = read_reply(raw, "OfferAccepted").describe()
    assert len(text) < 160
    assert "\n" not in text
    assert "…" in text


def test_a_page_is_named_by_its_title() -> None:
    """Where the beginning of a debug page is what all pages begin with, the title names the exception."""
    page = b"<!DOCTYPE html>\n<html>" + b"<meta>" * 50 + b"<title>DoesNotExist\n  at &#x27;/offer&#x27;</title>"
    text = read_reply(HttpReply(500, {"content-type": "text/html"}, page, 0), "OfferAccepted").describe()
    assert text.startswith("HTTP 500 an HTML page, \"DoesNotExist at '/offer'\"")


@pytest.mark.parametrize(
    ("body", "broken"),
    [(b"{}", "HTTP-15"), (b'{"x":1}', "HTTP-15"), (b'{"status":0}', None), (b'{"ice":{"status":"ok"}}', None)],
    ids=["nothing", "something_else", "status", "ice"],
)
def test_a_candidate_is_accepted_by_one_of_two_keys(body: bytes, broken: str | None) -> None:
    """errors.md; the schema cannot say it."""
    reply = read_reply(HttpReply(200, {"content-type": JSON}, body, 0.01), "IceAccepted")
    assert (reply.outcome, reply.broken) == (ACCEPTED if broken is None else UNCLEAR, broken)
