"""Security (spec/security.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.request import Variation
from signalproof.judge.posting import Posting
from signalproof.protocol.defects import OMIT
from signalproof.text.redact import cut

requirement = pytest.mark.requirement


@requirement("SEC-1")
async def test_nothing_that_another_user_receives_holds_a_sid(cast: Cast) -> None:
    """Events are searched for the sids of all connections, replies for those of the other users."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(man)
    offer = await cast.exchange(man, woman)
    back = await woman.offer(man)
    postings = [offer, back, await man.answer(back), await tablet.offer(woman), await man.try_answer(back)]
    for posting in postings:
        raw = posting.reply.raw if posting.reply else None
        text = f"{dict(raw.headers)}{raw.body!r}" if raw else ""
        others = [c for c in cast.connections if c.login != posting.author.login]
        for other in others:
            cast.expect(
                "SEC-1",
                other.sid not in text and other.engine_sid not in text,
                expected=f"a reply to {posting.author.name} without the sid of {other.name}",
                received="the sid, in the reply",
            )


@requirement("SEC-2")
async def test_nothing_happens_without_a_valid_sid(cast: Cast) -> None:
    """Neither an offer nor an answer with another value in place of the sid has any effect."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    odd: dict[str, object] = {repr(text): text for text in ("", "0", "null", "undefined")}
    for sid in cast.cases(odd | {"none": OMIT, "own login": woman.login, "other login": man.login}):
        attempts = await asyncio.gather(
            man.try_offer(woman, fields={"sid": sid}, malformed=True),
            woman.try_answer(offer, fields={"sid": sid}, malformed=True),
        )
        for attempt in attempts:
            cast.refused(attempt, "SEC-2")
    await man.hears(await woman.answer(offer))


@requirement("SEC-2")
async def test_no_endpoint_raises_anything_without_a_valid_sid(cast: Cast) -> None:
    """With none, null, a login or another connection's in its place, nobody hears of it, whoever is watching."""
    man, woman, _ = await cast.enter("man", "woman", "stranger")
    silent = await cast.connect("silent")
    await cast.exchange(man, woman)
    profiles = cast.target.profiles
    if "call" in profiles:
        await woman.hears(await man.ring(woman))

    def attempts(sid: object) -> Iterator[Awaitable[Posting]]:
        varied: Variation = {"fields": {"sid": sid}, "malformed": True}
        yield man.try_offer(woman, **varied)
        if "ice" in profiles:
            yield woman.try_candidate([man], login=man.login, **varied)
        if "call" in profiles:
            yield woman.try_ring(man, **varied)
            yield woman.try_decline(man, **varied)
            yield woman.try_status("beasy", **varied)
            yield woman.try_refresh(man, **varied)

    bad = {"none": OMIT, "null": None, "a number": 7, "own login": woman.login, "not logged in": silent.sid}
    for sid in cast.cases(bad):
        for attempt in await asyncio.gather(*attempts(sid)):
            cast.refused(attempt, "SEC-2")
    if "ice" in profiles:
        await man.hears(await woman.candidate([man], login=man.login))
    if "call" in profiles:
        await man.hears(await woman.ring(man))
        await man.hears(await woman.decline(man))
        await woman.status("free")
        await man.hears(await woman.refresh(man))


@requirement("SEC-2")
async def test_headers_and_query_do_not_stand_in_for_the_sid(cast: Cast) -> None:
    """A sid anywhere but in the body does not count."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    refused = man.draft_offer(woman)
    cast.refused(await man.try_offer(woman, draft=refused, fields={"sid": OMIT}, malformed=True), "SEC-2")
    cast.refused(await man.try_offer(woman, fields={"sid": OMIT, "socket_id": man.sid}, malformed=True), "SEC-2")
    await woman.hears(await man.offer(woman))


@requirement("SEC-3")
async def test_error_messages_do_not_echo_descriptions_or_sids(cast: Cast) -> None:
    """Refusals are searched for what their requests held."""
    man, woman = await cast.enter("man", "woman")
    offer = await cast.exchange(man, woman)
    refusals = [
        (await man.try_offer(cast.nobody), "OFFER-6"),
        (await man.try_offer(woman, fields={"sid": f"{man.sid}x"}), "OFFER-5"),
        (await man.try_offer(woman, fields={"type": "receiver"}, malformed=True), "OFFER-8"),
        (await man.try_offer(woman, fields={"reciever_login": 7}, malformed=True), "HTTP-5"),
        (await woman.try_answer(offer, named=True), "ANSWER-5"),
    ]
    for posting, requirement_id in refusals:
        text = str(cast.refused(posting, requirement_id).body)
        cast.expect(
            "SEC-3",
            posting.marker not in text and man.sid not in text and woman.sid not in text,
            expected="a message that repeats neither the description nor a sid",
            received=cut(text, 120),
        )
