"""HTTP (spec/http.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Unpack

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.cast.request import Variation
from signalproof.errors import NonConformance
from signalproof.judge.posting import Posting
from signalproof.judge.reply import Outcome
from signalproof.protocol.defects import BODY_DEFECTS, OMIT, VALUE_DEFECTS
from signalproof.protocol.discovery import DISCOVERY, read_discovery
from signalproof.protocol.schemas import definitions
from signalproof.protocol.wire import (
    CALL,
    CANDIDATE,
    DECLINE,
    DESCRIPTION_BYTES,
    OFFER,
    REFRESH,
    STATUS,
    Body,
    Encoding,
    Fields,
    encode_body,
    offer_fields,
    session_description,
)

requirement = pytest.mark.requirement
JSON, FORM = Encoding.JSON, Encoding.FORM
DEAF_OFFERS = 6
"""Offers of 64 KiB to a client that reads nothing and takes little: servers begin to wait at the second or third."""


def _offer_body(man: Participant, woman: Participant, text: str, encoding: Encoding = JSON) -> Body:
    return encode_body(offer_fields(man.sid, woman.login, text), encoding)


def _description(marker: str, *, kind: str = "offer", bytes_: int = 0, fill: str = "a") -> str:
    """Make a description of exactly `bytes_` UTF-8 bytes."""
    frame = '{"type":"%s","sdp":"v=0\\r\\ns=%s\\r\\ni=%s\\r\\n"}'
    room = bytes_ - len((frame % (kind, marker, "")).encode())
    count, rest = divmod(room, len(fill.encode()))
    return frame % (kind, marker, fill * count + "x" * rest)


@requirement("HTTP-1")
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"],
    ids=["plain", "with_charset", "in_capitals"],
)
async def test_json_bodies_are_accepted(cast: Cast, content_type: str) -> None:
    """An offer and an answer in JSON are accepted under every spelling of the content type."""
    man, woman = await cast.enter("man", "woman")
    marked = cast.marked("offer")
    body = Body(_offer_body(man, woman, marked.text).content, content_type)
    offer = cast.accepted(await man.try_offer(woman, carrying=marked, body=body), "HTTP-1")
    await woman.hears(offer)
    marked = cast.marked("answer")
    content = json.dumps({"sid": woman.sid, "type": "reciever", "answer": marked.text}).encode()
    answer = await woman.try_answer(offer, carrying=marked, body=Body(content, content_type))
    await man.hears(cast.accepted(answer, "HTTP-1"))


@requirement("HTTP-2")
@pytest.mark.parametrize("charset", ["", "; charset=UTF-8"], ids=["plain", "with_charset"])
async def test_form_bodies_are_accepted_with_the_same_meaning(cast: Cast, charset: str) -> None:
    """An offer and an answer in a form keep `+`, `%2B`, `&`, `=` and UTF-8."""
    man, woman = await cast.enter("man", "woman")

    def text(kind: str) -> Callable[[str], str]:
        return lambda m: json.dumps({"type": kind, "sdp": f"s={m}\r\na=1+1%2B1&b=c d=é😀%"}, ensure_ascii=False)

    marked = cast.marked("offer", text("offer"))
    body = _offer_body(man, woman, marked.text, FORM)
    body = Body(body.content, f"{body.content_type}{charset}")
    offer = cast.accepted(await man.try_offer(woman, carrying=marked, body=body), "HTTP-2")
    await woman.hears(offer, requirement="HTTP-2")
    marked = cast.marked("answer", text("answer"))
    answer = await woman.answer(offer, carrying=marked, encoding=FORM, requirement="HTTP-2")
    await man.hears(answer, requirement="HTTP-2")


@requirement("HTTP-3", "HTTP-15")
async def test_every_reply_is_a_json_object_that_accepts_or_refuses(cast: Cast) -> None:
    """Good, refused, malformed and misdirected requests all get an accepted reply or a refusal."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    broken = Body(b"{", JSON.value)
    postings = [
        offer,
        await man.try_offer(woman, fields={"sid": "no-such-sid"}),
        await man.try_offer(cast.nobody),
        await man.try_offer(woman, body=broken, malformed=True),
        await man.try_offer(woman, body=Body(b"x", "text/plain"), malformed=True),
        await man.try_offer(woman, fields={"offer": OMIT}, malformed=True),
        await man.try_offer(woman, fields={"type": "receiver"}, malformed=True),
        await man.try_offer(woman, method="PUT"),
        await man.try_offer(woman, method="GET", body=Body(b"", None)),
    ]
    for posting in postings:
        reply = posting.reply
        cast.expect(
            "HTTP-15",
            reply is not None and (reply.broken is not None or reply.outcome is not Outcome.UNCLEAR),
            expected="a JSON object that accepts or refuses",
            received=reply.describe() if reply else "nothing",
        )


@requirement("HTTP-3", "HTTP-12", "HTTP-15")
async def test_the_discovery_document_is_sound_where_it_is_served(cast: Cast) -> None:
    """A server may have none; one that is there keeps to its schema, and promises no less than the specification."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    reply = await cast.raw.http("GET", DISCOVERY)
    cast.expect("HTTP-12", reply.status < 500, expected=f"no 5xx for GET {DISCOVERY}", received=f"HTTP {reply.status}")
    found = read_discovery(reply.status, reply.headers.get("content-type", ""), reply.body)
    cast.expect(
        found.broken or "HTTP-15",
        found.problem is None,
        expected=f"{DISCOVERY} as spec/discovery.md describes it, since it is served",
        received=str(found.problem),
    )


def _changed(change: Callable[[bytes], bytes]) -> Callable[[Body], Body]:
    return lambda body: Body(change(body.content), body.content_type)


@requirement("HTTP-4", "HTTP-12")
async def test_a_body_that_is_no_json_object_is_refused(cast: Cast) -> None:
    """A malformed body is refused with 4xx; the sound request is accepted before and after."""
    man, woman = await cast.enter("man", "woman")
    await woman.hears(await man.offer(woman))
    for change in cast.cases(BODY_DEFECTS):
        bad = await man.try_offer(woman, recode=_changed(change), malformed=True)
        cast.refused(bad, "HTTP-4", client_error=True)
    await woman.hears(await man.offer(woman))


@requirement("HTTP-4")
@pytest.mark.parametrize("encoding", [JSON, FORM], ids=["json", "form"])
async def test_a_body_that_is_not_utf8_is_refused(cast: Cast, encoding: Encoding) -> None:
    """An otherwise sound request with a byte that is not UTF-8 in its description is refused with 4xx."""
    man, woman = await cast.enter("man", "woman")
    await woman.hears(await man.offer(woman, encoding=encoding))
    marked = cast.marked("offer")
    sound = _offer_body(man, woman, marked.text, encoding)
    torn = (marked.marker.encode(), marked.marker.encode() + (b"\xff" if encoding is JSON else b"%FF"))
    bad = await man.try_offer(
        woman, carrying=marked, body=Body(sound.content.replace(*torn), encoding.value), malformed=True
    )
    cast.refused(bad, "HTTP-4", client_error=True)


@requirement("HTTP-5")
@pytest.mark.parametrize("field", ["sid", "type", "reciever_login", "offer"])
async def test_an_offer_with_a_field_missing_or_of_the_wrong_type_is_refused(cast: Cast, field: str) -> None:
    """Each required field of an offer has to be there, and to be a string."""
    man, woman = await cast.enter("man", "woman")
    for value in cast.cases(VALUE_DEFECTS):
        bad = await man.try_offer(woman, fields={field: value}, malformed=True)
        cast.refused(bad, "HTTP-5", client_error=True)
    await woman.hears(await man.offer(woman))


@requirement("HTTP-5")
@pytest.mark.parametrize("field", ["sid", "type", "answer", "sender_login"])
async def test_an_answer_with_a_field_missing_or_of_the_wrong_type_is_refused(cast: Cast, field: str) -> None:
    """Each field of an answer that the server reads has to be a string; the offer stays unanswered."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    for value in cast.cases(VALUE_DEFECTS):
        if value is OMIT and field == "sender_login":
            continue  # the one field that may be left out
        bad = await woman.try_answer(offer, fields={field: value}, malformed=True)
        cast.refused(bad, "HTTP-5", client_error=True)
    await man.hears(await woman.answer(offer))


@requirement("HTTP-5")
async def test_a_number_is_not_taken_for_a_login_of_digits(cast: Cast) -> None:
    """`reciever_login` 7 is refused although somebody is called "7…": nothing is coerced."""
    man = await cast.enter_one("man")
    login = str(int.from_bytes(sha256(cast.nobody.encode()).digest()[:6]))
    digits = await (await cast.connect("digits", login=login)).log_in(login)
    bad = await man.try_offer(digits, fields={"reciever_login": int(digits.login)}, malformed=True)
    cast.refused(bad, "HTTP-5", client_error=True)
    await digits.hears(await man.offer(digits))


@requirement("HTTP-6")
@pytest.mark.parametrize("encoding", [JSON, FORM], ids=["json", "form"])
async def test_unknown_fields_are_ignored_and_not_forwarded(cast: Cast, encoding: Encoding) -> None:
    """Offer and answer with fields nobody knows are accepted, and the events do not hold them."""
    man, woman = await cast.enter("man", "woman")
    extra: dict[str, object] = {"x_future": "x-secret", "status": "x-secret", "answer2": "x-secret"}
    offer = await man.try_offer(woman, fields=extra, encoding=encoding, malformed=True)
    heard = [await woman.hears(cast.accepted(offer, "HTTP-6"))]
    answer = await woman.try_answer(offer, fields=extra, encoding=encoding, malformed=True)
    heard.append(await man.hears(cast.accepted(answer, "HTTP-6")))
    for received in heard:
        cast.expect(
            "HTTP-6",
            "x-secret" not in str(received.args) and not set(extra) & set(received.fields),
            expected=f"{received.event} without the unknown fields",
            received=f"the keys {', '.join(received.fields)}",
        )


OTHER_TYPES = ["text/plain", "application/xml", "application/octet-stream"]


def _multipart(fields: Fields) -> Body:
    """Make the body that a browser makes of a form whose `enctype` says so."""
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
    return Body(f"{parts}--x--\r\n".encode(), "multipart/form-data; boundary=x")


@requirement("HTTP-7", "HTTP-7b")
async def test_another_content_type_is_refused(cast: Cast) -> None:
    """The same bytes under another content type are refused with 4xx, best with 415, and so is a multipart form."""
    man, woman = await cast.enter("man", "woman")
    await woman.hears(await man.offer(woman))

    def bodies(text: str) -> dict[str, Body]:
        fields = offer_fields(man.sid, woman.login, text)
        return {name: Body(encode_body(fields).content, name) for name in OTHER_TYPES} | {
            "multipart/form-data": _multipart(fields)
        }

    for name in cast.cases({name: name for name in bodies("")}):
        marked = cast.marked("offer")
        bad = await man.try_offer(woman, carrying=marked, body=bodies(marked.text)[name], malformed=True)
        reply = cast.refused(bad, "HTTP-7", client_error=True, goes_on=True)
        cast.expect("HTTP-7b", reply.status == 415, expected="HTTP 415", received=f"HTTP {reply.status}")


@requirement("HTTP-8")
@pytest.mark.parametrize("encoding", [JSON, FORM], ids=["json", "form"])
async def test_a_description_of_65536_bytes_is_forwarded(cast: Cast, encoding: Encoding) -> None:
    """The longest description that every server takes goes through, as offer and as answer."""
    man, woman = await cast.enter("man", "woman")
    for fill in cast.cases({"ascii": "a", "two-byte": "é", "astral": "😀"}):
        longest = partial(_description, bytes_=DESCRIPTION_BYTES, fill=fill)
        marked = cast.marked("offer", longest)
        offer = await man.offer(woman, carrying=marked, encoding=encoding, requirement="HTTP-8")
        await woman.hears(offer, requirement="HTTP-8")
        marked = cast.marked("answer", partial(longest, kind="answer"))
        answer = await woman.answer(offer, carrying=marked, encoding=encoding, requirement="HTTP-8")
        await man.hears(answer, requirement="HTTP-8")


@requirement("HTTP-8")
async def test_a_description_of_65536_bytes_may_be_escaped_to_ascii(cast: Cast) -> None:
    """The same size counts when a client writes every character as a JSON escape of six bytes."""
    man, woman = await cast.enter("man", "woman")
    marked = cast.marked("offer", lambda m: _description(m, bytes_=DESCRIPTION_BYTES))
    escaped = "\\u" + marked.text.encode("utf-16-be").hex("-", 2).replace("-", "\\u")
    head = json.dumps({"sid": man.sid, "type": "sender", "reciever_login": woman.login})
    body = Body(f'{head[:-1]}, "offer": "{escaped}"}}'.encode(), JSON.value)
    offer = await man.try_offer(woman, carrying=marked, body=body)
    await woman.hears(cast.accepted(offer, "HTTP-8"), requirement="HTTP-8")


@requirement("HTTP-9", "HTTP-9b")
async def test_a_body_of_8_mib_is_refused_or_accepted_whole(cast: Cast) -> None:
    """A body over any sane limit costs nobody the connection, and the next call works."""
    man, woman = await cast.enter("man", "woman")
    marked = cast.marked("offer", lambda m: _description(m, bytes_=8 * 1024 * 1024))
    huge = await man.try_offer(woman, carrying=marked)
    reply = huge.reply
    cast.expect(
        "HTTP-9",
        reply is not None and reply.outcome is not Outcome.UNCLEAR,
        expected="a body of 8 MiB to be refused with a 4xx status, or accepted whole",
        received=reply.describe() if reply else "nothing",
    )
    if huge.accepted:
        await woman.hears(huge, requirement="HTTP-9")
    else:
        reply = cast.refused(huge, "HTTP-9", client_error=True)
        cast.expect("HTTP-9b", reply.status == 413, expected="HTTP 413", received=f"HTTP {reply.status}")
    await cast.exchange(man, woman)
    cast.expect(
        "HTTP-9",
        man.connected and woman.connected,
        expected="both users to stay connected",
        received=(woman if man.connected else man).ending,
    )


@requirement("HTTP-10", "HTTP-10b")
async def test_another_method_gets_4xx_and_changes_nothing(cast: Cast) -> None:
    """A sound offer under another method raises nothing; the offer before it can still be answered."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    for method in cast.cases({name: name for name in ("GET", "PUT", "DELETE", "PATCH")}):
        bad = await man.try_offer(woman, method=method)
        reply = cast.refused(bad, "HTTP-10", client_error=True)
        cast.expect("HTTP-10b", reply.status == 405, expected="HTTP 405", received=f"HTTP {reply.status}")
        cast.refused(await woman.try_answer(offer, method=method), "HTTP-10", client_error=True)
    await man.hears(await woman.answer(offer))


@requirement("HTTP-10")
async def test_head_gets_4xx_and_changes_nothing(cast: Cast) -> None:
    """HEAD is another method too; its reply has no body."""
    man, woman = await cast.enter("man", "woman")
    await woman.hears(await man.offer(woman))
    reply = await cast.raw.http("HEAD", "/offer")
    cast.expect(
        "HTTP-12" if reply.status >= 500 else "HTTP-10",
        400 <= reply.status < 500,
        expected="HTTP 4xx for HEAD /offer",
        received=f"HTTP {reply.status}",
    )


@requirement("HTTP-11")
async def test_browsers_of_another_origin_may_post_and_read_errors(cast: Cast) -> None:
    """A preflight for a POST with `content-type` succeeds, and refusals carry the CORS header."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    given = {name.lower(): value for name, value in cast.target.headers}
    origin = given.get("origin", cast.target.url)
    hint = "Name an allowed origin with --header 'Origin: https://…' if the server allows only some."
    preflight = await cast.raw.http(
        "OPTIONS",
        "/offer",
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        },
    )
    allowed = preflight.headers.get("access-control-allow-headers", "").lower()
    cast.expect(
        "HTTP-11",
        200 <= preflight.status < 300
        and preflight.headers.get("access-control-allow-origin") in {"*", origin}
        and ("content-type" in allowed or allowed == "*"),
        expected="a 2xx preflight reply that allows the origin and content-type",
        received=f"HTTP {preflight.status}, access-control-allow-headers {allowed or 'absent'}",
        hint=hint,
    )
    error = await cast.raw.http("POST", "/offer", body=Body(b"{", JSON.value), headers={"origin": origin})
    cast.expect(
        "HTTP-11",
        error.headers.get("access-control-allow-origin") in {"*", origin},
        expected="access-control-allow-origin on an error reply",
        received=error.headers.get("access-control-allow-origin", "no such header"),
        hint="Put CORS outermost, so that it also covers refusals and error pages (Django: `CorsMiddleware` first in "
        "`MIDDLEWARE`; nginx: `add_header … always`).",
    )


HOSTILE: dict[str, tuple[bytes, Encoding]] = {
    "deep_nesting": (b'{"sid":' * 20_000 + b"1" + b"}" * 20_000, JSON),
    "deep_array_in_a_field": (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON),
    "long_number": (
        b'{"sid":"x","type":"sender","reciever_login":"y","offer":"z","n":' + b"9" * 5_000 + b"}",
        JSON,
    ),
    "huge_exponent": (b'{"sid":"x","type":"sender","reciever_login":"y","offer":"z","n":1e99999}', JSON),
    "many_keys": (b"{" + b",".join(b'"k%d":0' % i for i in range(10_000)) + b"}", JSON),
    "long_key": (b'{"' + b"k" * 100_000 + b'":0}', JSON),
    "nul_bytes": (b"\x00" * 1_000, JSON),
    "many_form_fields": (b"&".join(b"k%d=v" % i for i in range(5_000)), FORM),
    "broken_percent": (b"sid=%&type=%zz&reciever_login=%e&offer=%", FORM),
    "only_separators": (b"&&&==&=&", FORM),
    "nul_in_fields": (b"sid=%00&type=sender&reciever_login=%00&offer=%00", FORM),
}


@requirement("HTTP-12")
async def test_a_hostile_body_hurts_nobody(cast: Cast) -> None:
    """The reply is no 5xx, and others go on calling."""
    man, woman, hostile = await cast.enter("man", "woman", "hostile")
    for content, encoding in cast.cases(HOSTILE):
        bad, offer = await asyncio.gather(
            hostile.try_offer(woman, body=Body(content, encoding.value), malformed=True),
            man.offer(woman, requirement="HTTP-12"),
        )
        await woman.hears(offer, requirement="HTTP-12")
        reply = bad.reply
        cast.expect(
            "HTTP-12",
            reply is not None and 0 < reply.status < 500,
            expected="any reply below 500",
            received=reply.describe() if reply else "nothing",
        )
    await cast.exchange(man, woman, requirement="HTTP-12")


ODD = ("", "\x00", "' OR 1=1 --", "a" * 70_000, "../..", "%s%n{0}${x}", "\u202e\ufeff", "💥" * 100)


@requirement("HTTP-12")
@pytest.mark.parametrize("field", ["sid", "type", "reciever_login", "offer"])
async def test_a_hostile_value_hurts_nobody(cast: Cast, field: str) -> None:
    """Odd strings in each field get no 5xx, and others go on calling."""
    man, woman = await cast.enter("man", "woman")
    for value in cast.cases({repr(value[:12]): value for value in ODD}):
        if field == "offer":
            marked = cast.marked("offer", lambda m, value=value: f"{value}{m}")  # type: ignore[misc]
            posting = await man.try_offer(woman, carrying=marked, malformed=True)
        else:
            posting = await man.try_offer(woman, fields={field: value}, malformed=True)
        reply = posting.reply
        cast.expect(
            "HTTP-12",
            reply is not None and 0 < reply.status < 500,
            expected=f"any reply below 500 to an odd {field}",
            received=reply.describe() if reply else "nothing",
        )
    await cast.exchange(man, woman)


@requirement("HTTP-13")
async def test_a_lone_surrogate_is_refused(cast: Cast) -> None:
    """What cannot be written as UTF-8 is refused with 4xx, in whichever field it stands."""
    man, woman = await cast.enter("man", "woman")
    await woman.hears(await man.offer(woman))
    text = session_description("offer", "x") + "\ud800"
    for field in cast.cases({name: name for name in ("offer", "reciever_login", "sid", "type")}):
        bad = await man.try_offer(woman, fields={field: text if field == "offer" else "\ud800"}, malformed=True)
        cast.refused(bad, "HTTP-13", client_error=True)


@requirement("HTTP-13")
@pytest.mark.parametrize("encoding", [JSON, FORM], ids=["json", "form"])
async def test_a_nul_in_a_description_is_forwarded_or_refused(cast: Cast, encoding: Encoding) -> None:
    """U+0000 inside a description arrives exactly, or the offer is refused with 4xx."""
    man, woman = await cast.enter("man", "woman")
    marked = cast.marked("offer", lambda m: session_description("offer", m) + "\x00")
    odd = await man.try_offer(woman, carrying=marked, encoding=encoding, malformed=True)
    if odd.accepted:
        await woman.hears(odd, requirement="HTTP-13")
    else:
        cast.refused(odd, "HTTP-13", client_error=True)
    await woman.hears(await man.offer(woman))


@requirement("HTTP-14")
async def test_refusals_carry_a_code_of_the_registry(cast: Cast) -> None:
    """Programs can tell refusals apart."""
    man, woman = await cast.enter("man", "woman")
    offer = await cast.exchange(man, woman)

    async def refusal(name: str, posting: Posting, requirement: str) -> None:
        reply = cast.refused(posting, requirement)
        cast.expect(
            "HTTP-14",
            reply.code in definitions()["RefusalCode"]["enum"],
            expected=f"a code of the registry in the refusal of {name}",
            received=f"the code {reply.code!r}",
        )

    await refusal("an unknown sid", await man.try_offer(woman, fields={"sid": "no-such-sid"}), "OFFER-5")
    await refusal("an offline reciever", await man.try_offer(cast.nobody), "OFFER-6")
    await refusal("a second answer", await woman.try_answer(offer), "ANSWER-5")
    await refusal("a missing field", await man.try_offer(woman, fields={"offer": OMIT}, malformed=True), "HTTP-5")


@requirement("HTTP-12")
async def test_requests_at_the_same_moment_are_all_served(cast: Cast) -> None:
    """Forty malformed requests at once do not keep a sound one from being served."""
    man, woman = await cast.enter("man", "woman")
    bad = [man.try_offer(woman, body=Body(b"[" * 1_000, JSON.value), malformed=True) for _ in range(40)]
    _, *postings = await asyncio.gather(cast.exchange(man, woman), *bad)
    for posting in postings:
        cast.refused(posting, "HTTP-12")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A POST endpoint beside `/offer`: how its sound request is made, and its fields."""

    path: str
    fields: tuple[str, ...]
    post: Callable[..., Awaitable[Posting]]


async def _prepared(cast: Cast, endpoint: Endpoint) -> tuple[Participant, Participant]:
    """Bring the man and the woman where each of the endpoints can be used by the woman."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    await _make_ready(man, woman, endpoint)
    return man, woman


async def _make_ready(man: Participant, woman: Participant, endpoint: Endpoint) -> None:
    if endpoint.path == "/decline":
        await woman.hears(await man.ring(woman))


async def _sound(cast: Cast, endpoint: Endpoint, man: Participant, woman: Participant, requirement_id: str) -> None:
    posting = cast.accepted(await endpoint.post(woman, man), requirement_id)
    if posting.kind.event:
        await man.hears(posting, requirement=requirement_id)


def _post_candidate(woman: Participant, man: Participant, **variation: Unpack[Variation]) -> Awaitable[Posting]:
    return woman.try_candidate([man], login=man.login, **variation)


def _post_status(woman: Participant, _: Participant, **variation: Unpack[Variation]) -> Awaitable[Posting]:
    return woman.try_status("free", **variation)


ENDPOINTS = [
    pytest.param(Endpoint("/ice", ("sid", "ice"), _post_candidate), marks=pytest.mark.profile("ice"), id="ice"),
    *(
        pytest.param(Endpoint(path, fields, post), marks=pytest.mark.profile("call"), id=path[1:])
        for path, fields, post in (
            ("/call", ("sid", "login"), Participant.try_ring),
            ("/decline", ("sid", "reciever_login"), Participant.try_decline),
            ("/status", ("sid", "status"), _post_status),
            ("/refresh", ("sid", "login"), Participant.try_refresh),
        )
    ),
]


@requirement("HTTP-12")
async def test_an_event_for_a_user_who_is_just_leaving_hurts_nobody(cast: Cast) -> None:
    """Five users leave at the moment of an offer to them, and five at that of an answer; others go on."""
    man, woman = await cast.enter("man", "woman")
    for _ in range(5):
        girl = await cast.enter_one("girl")
        offer = await girl.offer(woman)
        await woman.hears(offer)
        # Whether they were still there, nobody can tell; a reply has to come.
        await asyncio.gather(man.try_offer(girl), woman.try_answer(offer, named=True), girl.leave())
        await cast.exchange(man, woman, requirement="HTTP-12")


def _endpoints(cast: Cast) -> list[str]:
    """Give the endpoints that take POSTs."""
    kinds = {"core": [OFFER], "ice": [CANDIDATE], "call": [CALL, DECLINE, STATUS, REFRESH]}
    return [kind.path for profile, several in kinds.items() if profile in cast.target.profiles for kind in several]


SLOW_BODY = (
    "While one client is slow with its body, or gone in the middle of it, nothing else may wait: read bodies without "
    "holding a lock, a worker that is the only one, or the event loop (`await request.body()`, or a proxy that buffers "
    "requests), and catch the error of a body that ends too early."
)
DEAF_CLIENT = (
    "Emitting waits until a client has taken what came before: let each connection have a queue of its own with an "
    "end, do not await the write in the request or in a loop over all sockets, and drop a client that takes nothing."
)


async def _others_go_on(cast: Cast, man: Participant, woman: Participant, hint: str) -> None:
    """Expect that an ordinary exchange succeeds in time."""
    try:
        await cast.exchange(man, woman)
    except NonConformance as found:
        raise NonConformance(
            "HTTP-12",
            expected=f"{found.expected}, meanwhile",
            received=found.received,
            hint=hint,
            # An event that comes once the slow client has gone is no matter of patience.
            late=found.late or found.awaited is not None,
        ) from found


@requirement("HTTP-12")
@pytest.mark.alone
async def test_half_a_request_holds_up_nobody(cast: Cast) -> None:
    """Of three clients of each endpoint that stop in the middle one goes, one is killed, one ends at last."""
    man, woman = await cast.enter("man", "woman")
    body = _offer_body(man, woman, cast.marked("offer").text)
    for path in cast.cases({path: path for path in _endpoints(cast)}):
        halves = (cast.slow.half(path, body, man.authorization) for _ in range(3))
        gone, killed, slow = await asyncio.gather(*halves)
        await _others_go_on(cast, man, woman, SLOW_BODY)
        cast.slow.leave(gone)
        cast.slow.leave(killed, reset=True)
        # What came of the third request is not looked at: only that it holds up nobody.
        await slow.send(b" ")
    await _others_go_on(cast, man, woman, SLOW_BODY)


@requirement("HTTP-12")
@pytest.mark.alone
async def test_a_client_that_reads_nothing_holds_up_nobody(cast: Cast) -> None:
    """More is raised for it than buffers hold; whoever posts that gets replies, and others their events."""
    man, woman = await cast.enter("man", "woman")
    deaf = await cast.slow.deaf("deaf")
    for _ in range(DEAF_OFFERS):
        carrying = cast.marked("offer", partial(_description, bytes_=DESCRIPTION_BYTES))
        posting = await man.try_offer(deaf, carrying=carrying)
        # It may be refused, once the target has given the client up.
        if not posting.accepted:
            break
    await _others_go_on(cast, man, woman, DEAF_CLIENT)


@requirement("HTTP-1", "HTTP-2", "HTTP-6")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("encoding", [JSON, FORM], ids=["json", "form"])
async def test_every_endpoint_takes_both_encodings_and_unknown_fields(
    cast: Cast, endpoint: Endpoint, encoding: Encoding
) -> None:
    """The sound request is accepted in JSON and as a form, with fields that nobody knows."""
    man, woman = await _prepared(cast, endpoint)
    extra = {"x_future": "x-secret"}
    posting = await endpoint.post(woman, man, encoding=encoding, fields=extra, malformed=True)
    cast.accepted(posting, "HTTP-1" if encoding is JSON else "HTTP-2")
    if posting.kind.event:
        heard = await man.hears(posting)
        cast.expect(
            "HTTP-6",
            "x-secret" not in str(heard.args),
            expected=f"{heard.event} without the unknown field",
            received="the unknown field",
        )


@requirement("HTTP-3", "HTTP-4", "HTTP-5", "HTTP-7", "HTTP-10", "HTTP-13", "HTTP-15")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_every_endpoint_refuses_what_is_malformed(cast: Cast, endpoint: Endpoint) -> None:
    """Bad bodies, fields, content types and methods get 4xx at each endpoint, and the sound request works."""
    man, woman = await _prepared(cast, endpoint)

    async def refuse(requirement_id: str, **variation: Unpack[Variation]) -> bool:
        posting = await endpoint.post(woman, man, **{"malformed": True, **variation})
        cast.refused(posting, requirement_id, client_error=True, goes_on=True)
        return posting.accepted

    accepted = await asyncio.gather(
        *(refuse("HTTP-4", body=Body(content, JSON.value)) for content in (b"{", b"[]", b"\xff", b"")),
        *(refuse("HTTP-5", fields={f: value}) for f in endpoint.fields for value in (OMIT, None, 7, {})),
        *(refuse("HTTP-13", fields={field: "\ud800"}) for field in endpoint.fields),
        refuse("HTTP-7", body=Body(b"{}", "text/plain")),
        *(refuse("HTTP-10", method=method) for method in ("GET", "PUT", "DELETE")),
    )
    if any(accepted):
        await _make_ready(man, woman, endpoint)  # what was accepted may have ended the ringing
    await _sound(cast, endpoint, man, woman, "HTTP-5")
