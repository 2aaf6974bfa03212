"""Messages that the kit writes."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest

from signalproof.protocol.schemas import definitions, violation
from signalproof.protocol.wire import (
    ANSWER,
    KINDS_BY_EVENT,
    LOGIN_CODE_POINTS,
    OFFER,
    Encoding,
    answer_fields,
    encode_body,
    login_payload,
    offer_fields,
    session_description,
)
from signalproof.text.marker import find_marker

FIELDS = {"sid": "abc", "offer": "a+b %2B &=é😀\r\n\u2028\x00"}


def test_a_json_body_is_what_browsers_send() -> None:
    """UTF-8, nothing escaped that need not be."""
    body = encode_body(FIELDS)
    assert body.content_type == "application/json"
    assert "&=é😀\\r\\n\u2028\\u0000".encode() in body.content
    assert json.loads(body.content) == FIELDS


def test_a_form_body_is_what_browsers_send() -> None:
    """A decoder of forms gets every character back."""
    body = encode_body(FIELDS, Encoding.FORM)
    assert body.content_type == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(body.content.decode("ascii"), strict_parsing=True)) == FIELDS


def test_a_lone_surrogate_is_escaped_in_json() -> None:
    """It has no UTF-8, but JSON can write it."""
    body = encode_body({"offer": "é\ud800"})
    assert body.content == b'{"offer": "\\u00e9\\ud800"}'
    assert json.loads(body.content) == {"offer": "é\ud800"}


@pytest.mark.parametrize(("kind", "schema"), [("offer", "EncodedOffer"), ("answer", "EncodedAnswer")])
def test_a_session_description_is_valid(kind: str, schema: str) -> None:
    """As text and inside, under its own schema and not under the other."""
    text = session_description(kind, "sp-abcd-00001")
    assert violation(schema, text, content=True) is None
    other = {"EncodedOffer": "EncodedAnswer", "EncodedAnswer": "EncodedOffer"}[schema]
    assert violation(other, text, content=True) is not None
    assert find_marker(text) == "sp-abcd-00001"


def test_the_messages_of_the_kit_are_valid() -> None:
    """Each is checked against the schema of its request."""
    offer, answer = session_description("offer", "m"), session_description("answer", "m")
    assert violation("LoginRequest", login_payload("alice"), content=True) is None
    assert violation(OFFER.request_schema, offer_fields("sid", "bob", offer), content=True) is None
    assert violation(ANSWER.request_schema, answer_fields("sid", answer), content=True) is None
    assert violation(ANSWER.request_schema, answer_fields("sid", answer, "alice"), content=True) is None
    assert "sender_login" not in answer_fields("sid", answer)


def test_the_names_agree_with_the_schemas() -> None:
    """Events, keys, endpoints' schemas and the longest login are those of `schemas/v1`."""
    assert set(definitions()["ServerEvents"]["properties"]) == set(KINDS_BY_EVENT)
    assert definitions()["Login"]["maxLength"] == LOGIN_CODE_POINTS
    for event, kind in KINDS_BY_EVENT.items():
        payload = definitions()[kind.event_schema]
        assert kind.event == event
        assert {kind.request_schema, kind.accepted_schema} <= set(definitions())
        assert {kind.text_key} - {""} <= set(payload.get("required", ()))
        assert {kind.author_key} - {""} <= set(payload.get("properties", ()))
