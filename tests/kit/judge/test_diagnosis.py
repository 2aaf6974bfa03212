"""The diagnosis: what asking again makes of a refused sid or form, and what it leaves open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, repeat

import pytest

from signalproof.judge import hints
from signalproof.judge.diagnosis import ATTEMPTS, Diagnosis, is_unknown_sid
from signalproof.judge.reply import Outcome, Reply, no_reply
from signalproof.protocol.explanation import explain

FORM = "application/x-www-form-urlencoded"
ACCEPTED = Reply(Outcome.ACCEPTED, 200, {"status": 0}, "")
UNKNOWN = Reply(Outcome.REFUSED, 200, {"status": 1, "message": "?", "code": "unknown_sid"}, "")
OFFLINE = Reply(Outcome.REFUSED, 200, {"status": 1, "message": "?", "code": "offline"}, "")
UNSUPPORTED = Reply(Outcome.REFUSED, 415, {"status": 1, "message": "?"}, "")
BAD = Reply(Outcome.REFUSED, 400, {"status": 1, "message": "?"}, "")


def answering(own: Iterable[Reply], transport: Reply = UNKNOWN) -> Callable[[str], Awaitable[Reply]]:
    """Answer requests with the sid `own` one after the other, and those with any other sid always the same."""
    replies = iter(own)

    async def ask(sid: str) -> Reply:
        return next(replies) if sid == "own" else transport

    return ask


async def sid_hint(ask: Callable[[str], Awaitable[Reply]], diagnosis: Diagnosis | None = None) -> str | None:
    """Diagnose a refused sid, with little patience."""
    return await (diagnosis or Diagnosis()).of_sid(ask, "own", "transport", 0.05)


@pytest.mark.parametrize(
    ("own", "transport", "hint"),
    [
        (chain([UNKNOWN] * 3, repeat(OFFLINE)), UNKNOWN, hints.ACKNOWLEDGED_EARLY),
        (chain([UNKNOWN, OFFLINE, OFFLINE, UNKNOWN], repeat(OFFLINE)), UNKNOWN, hints.SPLIT),
        (repeat(UNKNOWN), OFFLINE, hints.ENGINE_SID),
        (repeat(UNKNOWN), UNKNOWN, None),
        (repeat(no_reply("it hung up")), no_reply("it hung up"), None),
    ],
    ids=["late", "now_and_then", "transport", "never", "no_reply"],
)
def test_a_refused_sid_is_explained_by_asking_again(own: Iterable[Reply], transport: Reply, hint: str | None) -> None:
    """What remains unknown, or unanswered, is not explained."""
    assert asyncio.run(sid_hint(answering(own, transport))) == hint


def test_a_run_is_asked_again_a_few_times_only() -> None:
    """And what was found out once holds for the sids that are refused later."""
    asked: list[str] = []

    async def ask(sid: str) -> Reply:
        asked.append(sid)
        return UNKNOWN

    async def run() -> None:
        diagnosis = Diagnosis()
        for _ in range(ATTEMPTS):
            assert await sid_hint(ask, diagnosis) is None
        before = len(asked)
        assert before >= ATTEMPTS
        assert await sid_hint(ask, diagnosis) is None
        assert len(asked) == before

        diagnosis = Diagnosis()
        late = answering(repeat(OFFLINE))
        both = await asyncio.gather(sid_hint(late, diagnosis), sid_hint(ask, diagnosis))
        assert set(both) == {hints.ACKNOWLEDGED_EARLY}
        assert len(asked) == before

    asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "status", "refused"),
    [
        ({"status": 1, "code": "unknown_sid"}, 403, True),
        ({"status": 1, "message": "Unknown sid"}, 200, True),
        ({"status": 1, "message": "The sid is fine.", "code": "offline"}, 200, False),
        ({"status": 1, "message": "The user is offline"}, 200, False),
        ({"status": 1}, 200, False),
    ],
)
def test_servers_without_codes_say_it_in_the_message(body: dict[str, object], status: int, refused: bool) -> None:
    """A code counts for more than a message."""
    assert is_unknown_sid(Reply(Outcome.REFUSED, status, body, "")) is refused
    assert not is_unknown_sid(Reply(Outcome.UNCLEAR, status, body, ""))


@pytest.mark.parametrize("body", [None, "not JSON"])
def test_a_page_refuses_no_sid(body: object) -> None:
    """A 4xx with a page is a refusal of a kind, and says nothing that a program could read."""
    assert not is_unknown_sid(Reply(Outcome.REFUSED, 400, body, "an HTML page"))


@pytest.mark.parametrize(
    ("content_type", "reply", "ordinary", "plain", "hint"),
    [
        (FORM, UNSUPPORTED, True, UNSUPPORTED, hints.NO_FORMS),
        (FORM, BAD, True, BAD, hints.NO_FORMS),
        (FORM, BAD, False, BAD, None),
        (FORM, OFFLINE, True, OFFLINE, None),
        (f"{FORM}; charset=UTF-8", UNSUPPORTED, True, UNSUPPORTED, hints.NO_FORMS),
        (f"{FORM}; charset=UTF-8", UNSUPPORTED, True, OFFLINE, hints.PARAMETERS),
        ("application/json", UNSUPPORTED, True, UNSUPPORTED, None),
    ],
    ids=["415", "400", "malformed", "other", "charset_too", "charset", "json"],
)
def test_a_refused_form_is_explained(
    content_type: str, reply: Reply, ordinary: bool, plain: Reply, hint: str | None
) -> None:
    """By its status, and where it has a parameter by asking without; a malformed one is refused for other reasons."""

    async def ask() -> Reply:
        return plain

    found = asyncio.run(Diagnosis().of_form(ask, "/offer", content_type, reply, ordinary=ordinary))
    assert found == hint


def test_an_endpoint_that_has_taken_a_form_reads_forms() -> None:
    """Then a refusal is about what the form says; another endpoint may still read none."""

    async def run() -> None:
        async def ask() -> Reply:
            raise AssertionError("there is nothing to ask")

        diagnosis = Diagnosis()
        await diagnosis.of_form(ask, "/offer", FORM, ACCEPTED, ordinary=True)
        assert await diagnosis.of_form(ask, "/offer", FORM, BAD, ordinary=True) is None
        assert await diagnosis.of_form(ask, "/ice", FORM, BAD, ordinary=True) == hints.NO_FORMS

    asyncio.run(run())


def test_what_no_hint_can_see_is_in_the_explanation() -> None:
    """A STUN server that does not answer concerns pages alone."""
    assert "`iceServers`" in (explain("MEDIA-1").fix or "")
