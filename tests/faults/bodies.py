"""Faults of reading request bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from starlette.requests import Request as HttpRequest
from tests.faults.registry import fault
from tests.faults.seams import Decode, Effects, Fields, ReadBody, Variant, text_of, with_text

from signalproof_server.errors import BadRequest, TooLarge, UnsupportedMedia
from signalproof_server.values import Answer, Facts, Offer, Request

FORM = "application/x-www-form-urlencoded"
FORMS = "forms are sent there too"


@fault("HTTP-1")
def knows_json_without_parameters_only(server: Variant) -> None:
    """`content_type == "application/json"`."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if "json" in kind.lower() and ";" in kind:
            raise UnsupportedMedia
        return inner(kind, content)

    server.on_body = body


@fault("HTTP-1")
def status_takes_forms_only(server: Variant) -> None:
    """One endpoint was written when all clients sent forms."""

    def decode(inner: Decode, request: HttpRequest, fields: Fields) -> Request:
        if request.url.path == "/status" and "x_future" in fields and FORM not in request.headers["content-type"]:
            raise UnsupportedMedia
        return inner(fields)

    server.on_decode = decode


@fault(
    "HTTP-2",
    collateral={"OFFER-4": "descriptions in forms", "ANSWER-1": "the same", "ICE-*": "candidates in forms"},
)
def decodes_forms_twice(server: Variant) -> None:
    """The framework has decoded the body, and then the handler does it again."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        fields = inner(kind, content)
        if not kind.startswith(FORM):
            return fields
        return {key: unquote_plus(value) if isinstance(value, str) else value for key, value in fields.items()}

    server.on_body = body


@fault("HTTP-2", collateral={"OFFER-*": FORMS, "ANSWER-1": FORMS, "ICE-*": FORMS, "HTTP-*": FORMS})
def reads_no_forms(server: Variant) -> None:
    """Every body goes to the JSON parser, which refuses what is none."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if FORM in kind:
            raise BadRequest("The body is no JSON.")
        return inner(kind, content)

    server.on_body = body


@fault("HTTP-2")
def refuses_forms_with_charset(server: Variant) -> None:
    """`content_type == "application/x-www-form-urlencoded"`: jQuery adds the charset."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if "form" in kind and ";" in kind:
            raise UnsupportedMedia
        return inner(kind, content)

    server.on_body = body


@fault("HTTP-2")
def decline_takes_json_only(server: Variant) -> None:
    """The newest endpoint has a JSON parser alone."""

    def decode(inner: Decode, request: HttpRequest, fields: Fields) -> Request:
        if request.url.path == "/decline" and FORM in request.headers["content-type"]:
            raise UnsupportedMedia
        return inner(fields)

    server.on_decode = decode


@fault("HTTP-4")
def replaces_what_is_not_utf8(server: Variant) -> None:
    """`decode(errors="replace")`."""
    server.on_body = lambda inner, kind, content: inner(kind, content.decode(errors="replace").encode())


def _read_more(server: Variant, read: Callable[[bytes], object]) -> None:
    """Let JSON bodies be read in a more generous way where the strict one refuses them."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        try:
            return inner(kind, content)
        except BadRequest:
            with suppress(ValueError):
                if not kind.startswith(FORM):
                    return inner(kind, json.dumps(read(content)).encode())
            raise

    server.on_body = body


@fault("HTTP-4")
def unwraps_arrays(server: Variant) -> None:
    """`if isinstance(data, list): data = data[0]`, for a client that once sent batches."""

    def read(content: bytes) -> object:
        found = json.loads(content)
        return found[0] if isinstance(found, list) and found else found

    _read_more(server, read)


@fault("HTTP-4")
def guesses_the_encoding(server: Variant) -> None:
    """`json.loads(body)` of bytes: Python looks for UTF-16 and UTF-32 by itself."""
    _read_more(server, json.loads)


@fault("HTTP-4")
def parses_what_was_encoded_twice(server: Variant) -> None:
    """`if isinstance(data, str): data = json.loads(data)`, as some clients call `JSON.stringify` twice."""

    def read(content: bytes) -> object:
        found = json.loads(content)
        return json.loads(found) if isinstance(found, str) else found

    _read_more(server, read)


@fault("HTTP-4")
def reads_the_first_of_several(server: Variant) -> None:
    """A streaming parser stops where the first value ends."""
    _read_more(server, lambda content: json.JSONDecoder().raw_decode(content.decode())[0])


@fault("HTTP-4")
def reads_json_with_comments(server: Variant) -> None:
    """The parser is the one of configuration files."""
    _read_more(server, lambda content: json.loads(re.sub(rb"/\*.*?\*/|,(?=\s*})", b"", content)))


@fault("HTTP-4")
def reads_line_feeds_in_strings(server: Variant) -> None:
    """`json.loads(text, strict=False)`."""
    _read_more(server, lambda content: json.loads(content.decode(), strict=False))


@fault("HTTP-5", collateral={"OFFER-8": "the words in arrays", "CALL-4": "the same"})
def takes_the_only_member_of_an_array(server: Variant) -> None:
    """Forms come as arrays of values there, and the same code reads JSON."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        return inner({k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in fields.items()})

    server.on_decode = decode


@fault("HTTP-4")
def forgives_torn_forms(server: Variant) -> None:
    """`parse_qsl` replaces what is not UTF-8 by default."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        return inner(kind, content.replace(b"%FF", b"%EF%BF%BD") if kind.startswith(FORM) else content)

    server.on_body = body


@fault("HTTP-4", collateral={"HTTP-12": "malformed requests at one moment"})
def refuses_malformed_json_with_200(server: Variant) -> None:
    """Every refusal has HTTP status 200, out of principle."""

    class Mild(BadRequest):
        http_status = 200

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        try:
            return inner(kind, content)
        except BadRequest as refusal:
            raise Mild(refusal.message) from None

    server.on_body = body


@fault("HTTP-4")
def takes_nan(server: Variant) -> None:
    """Python's parser takes NaN, and the request fails for another reason, with 200."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if b"NaN" in content:
            return {"sid": "nan", "type": "sender", "reciever_login": "x", "offer": "x"}
        return inner(kind, content)

    server.on_body = body


@fault("HTTP-12")
def crashes_on_json_that_is_no_object(server: Variant) -> None:
    """`body.get("sid")` of a list: an exception, and 500."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if content in (b"[]", b"null", b'"sender"'):
            fields: Any = json.loads(content)
            fields.get("sid")
        return inner(kind, content)

    server.on_body = body


@fault("HTTP-5", collateral={"CORR-5": "an id is a string too"})
def coerces_numbers(server: Variant) -> None:
    """`str(body["reciever_login"])`, as form libraries do."""
    server.on_decode = lambda inner, _, fields: inner(
        {key: str(value) if type(value) is int else value for key, value in fields.items()}
    )


@fault("HTTP-5")
def takes_null_for_absent(server: Variant) -> None:
    """`body.get("sender_login") or None`."""
    server.on_decode = lambda inner, _, fields: inner(
        {key: value for key, value in fields.items() if key != "sender_login" or value is not None}
    )


@fault("HTTP-5")
def takes_descriptions_as_objects(server: Variant) -> None:
    """A description that was posted as an object is made into text."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        return inner(
            {k: json.dumps(v) if k in ("offer", "answer") and isinstance(v, dict) else v for k, v in fields.items()}
        )

    server.on_decode = decode


@fault("HTTP-5")
def refresh_refuses_with_200(server: Variant) -> None:
    """One endpoint has a validator of its own, which speaks HTTP 200."""

    class Mild(BadRequest):
        http_status = 200

    def decode(inner: Decode, request: HttpRequest, fields: Fields) -> Request:
        try:
            return inner(fields)
        except BadRequest as refusal:
            if request.url.path == "/refresh":
                raise Mild(refusal.message) from None
            raise

    server.on_decode = decode


@fault("HTTP-5", "HTTP-12", collateral={"SEC-2": "a request without a sid is met there too"})
def crashes_on_missing_fields(server: Variant) -> None:
    """KeyError, and 500."""

    def decode(inner: Decode, request: HttpRequest, fields: Fields) -> Request:
        if request.url.path == "/offer":
            fields["sid"], fields["type"]
        return inner(fields)

    server.on_decode = decode


@fault("HTTP-6")
def forwards_unknown_fields(server: Variant) -> None:
    """`emit("sender_offer", body)`, with everything that was in it."""
    extras: dict[str, Fields] = {}
    known = {"sid", "type", "reciever_login", "offer", "offer_id", "sender_login", "login", "from_user"}

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        request = inner(fields)
        extras[text_of(request)] = {key: value for key, value in fields.items() if key not in known}
        return request

    def effects(_: Facts, request: Offer, effects: Effects) -> Effects:
        return tuple(replace(e, payload=e.payload | extras.get(request.offer, {})) for e in effects)

    server.on_decode = decode
    server.effects(Offer, effects)


@fault("HTTP-6", collateral={"HTTP-1": "the request with an unknown field is not accepted", "HTTP-2": "the same"})
def refuses_unknown_fields(server: Variant) -> None:
    """The schema says `additionalProperties: false`."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        if "x_future" in fields:
            raise BadRequest("x_future is unknown.")
        return inner(fields)

    server.on_decode = decode


@fault("HTTP-7")
def reads_json_whatever_it_is_called(server: Variant) -> None:
    """The content type is not looked at: only forms are told apart."""
    server.on_body = lambda inner, kind, content: inner(kind if kind.startswith(FORM) else "application/json", content)


@fault("HTTP-7b")
def refuses_other_types_with_400(server: Variant) -> None:
    """All bad requests look alike."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        try:
            return inner(kind, content)
        except UnsupportedMedia as refusal:
            raise BadRequest(refusal.message) from None

    server.on_body = body


@fault("HTTP-8")
def takes_65535_bytes(server: Variant) -> None:
    """TEXT of MySQL holds one byte less."""
    server.settings = replace(server.settings, limits=replace(server.settings.limits, description_bytes=65_535))


@fault("HTTP-8")
def limits_bodies_not_descriptions(server: Variant) -> None:
    """A body of 128 KiB is the most that is read, though escapes make a description six times as long."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if len(content) > 131_072:
            raise TooLarge
        return inner(kind, content)

    server.on_body = body


@fault(
    "HTTP-8",
    collateral={"OFFER-4": "the text that comes is another", "ANSWER-1": "the same"},
)
def cuts_long_descriptions(server: Variant) -> None:
    """VARCHAR(65000) without strict mode."""
    for kind in (Offer, Answer):
        server.requests(kind, lambda request: with_text(request, text_of(request)[:65_000]))


@fault("HTTP-13")
def replaces_lone_surrogates(server: Variant) -> None:
    """`encode("utf-8", "replace")` puts a question mark."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        return inner(
            {
                key: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
                for key, value in fields.items()
            }
        )

    server.on_decode = decode


@fault(
    "HTTP-13",
    collateral={"OFFER-4": "the text that comes is another"},
)
def ends_texts_at_nul(server: Variant) -> None:
    """C strings."""
    server.texts(Offer, lambda text: text.partition("\0")[0])


@fault("HTTP-13", "HTTP-12", collateral={"HTTP-5": "fields are refused in one go"})
def crashes_on_surrogates_in_candidates(server: Variant) -> None:
    """The database driver raises UnicodeEncodeError."""

    def decode(inner: Decode, request: HttpRequest, fields: Fields) -> Request:
        if request.url.path == "/ice":
            str(fields.get("ice")).encode()
        return inner(fields)

    server.on_decode = decode


@fault("HTTP-12")
def crashes_on_deep_nesting(server: Variant) -> None:
    """RecursionError is no ValueError."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if content.count(b"[") > 10_000:
            raise RecursionError
        return inner(kind, content)

    server.on_body = body


@fault("HTTP-12")
def crashes_on_long_numbers(server: Variant) -> None:
    """Python refuses to convert more than 4300 digits by a ValueError of another kind."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        if b"9" * 4_301 in content:
            int("9" * 5_000)
        return inner(kind, content)

    server.on_body = body


@fault("HTTP-12")
def crashes_on_nul_in_logins(server: Variant) -> None:
    """PostgreSQL refuses U+0000 in text."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        if "\0" in str(fields.get("reciever_login")):
            raise RuntimeError("a string literal cannot contain NUL")
        return inner(fields)

    server.on_decode = decode


@fault("CALL-4")
def corrects_busy(server: Variant) -> None:
    """`busy` is taken for `beasy`, out of kindness."""
    server.on_decode = lambda inner, _, fields: inner(
        fields | ({"status": "beasy"} if fields.get("status") == "busy" else {})
    )


@fault("CALL-4")
def takes_any_status(server: Variant) -> None:
    """Whatever is not `beasy` means free."""

    def decode(inner: Decode, request: HttpRequest, fields: Fields) -> Request:
        given = fields.get("status")
        odd = request.url.path == "/status" and isinstance(given, str) and given not in ("free", "beasy", "\ud800")
        return inner(fields | ({"status": "free"} if odd else {}))

    server.on_decode = decode
