"""Calls: ringing, declining, busy (spec/call.md)."""

from __future__ import annotations

import asyncio

import pytest

from signalproof.cast.cast import Cast
from signalproof.judge.posting import Audience, Posting
from signalproof.judge.reply import Outcome
from signalproof.protocol.samples import RESERVED

requirement = pytest.mark.requirement


def _expect_200(cast: Cast, posting: Posting) -> None:
    reply = posting.reply
    cast.expect(
        "CALL-2b",
        reply is not None and (reply.status == 200 or reply.outcome is Outcome.UNCLEAR),
        expected="the refusal of a well-formed /call with HTTP 200",
        received=f"HTTP {reply.status if reply else 0}",
        hint="Old clients read the bodies of 2xx replies only.",
    )


@requirement("CALL-1")
async def test_a_call_rings_once_on_each_connection_of_the_callee(cast: Cast) -> None:
    """Two devices ring; the caller, its tablet and a stranger hear nothing."""
    man, woman, _ = await cast.enter("man", "woman", "stranger")
    await cast.another(man)
    tablet = await cast.another(woman)
    call = await man.ring(woman)
    await asyncio.gather(woman.hears(call), tablet.hears(call))


@requirement("CALL-2", "CALL-5", "CALL-10", "HTTP-12")
async def test_a_sid_and_the_members_of_every_object_can_be_called_by_nobody(cast: Cast) -> None:
    """Nor can they be declined or asked to refresh, and nothing falls over them."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    await woman.hears(await man.ring(woman))

    async def expect_nobody(name: str, login: str) -> None:
        with cast.in_case(name):
            cast.refused(await man.try_ring(login), "CALL-2")
            cast.refused(await woman.try_decline(login), "CALL-5")
            cast.refused(await man.try_refresh(login), "CALL-10")

    cases = {"a sid": woman.sid, "its own sid": man.sid} | {name: name for name in RESERVED}
    await asyncio.gather(*(expect_nobody(name, login) for name, login in cases.items()))
    await man.hears(await woman.decline(man))
    await woman.hears(await man.refresh(woman))


@requirement("CALL-2", "CALL-2b")
async def test_an_offline_and_a_never_seen_callee_get_the_same_refusal(cast: Cast) -> None:
    """Nobody can find out who has ever used the service."""
    man, woman, gone, witness = await cast.enter("man", "woman", "gone", "witness")
    await woman.hears(await man.ring(woman))
    await witness.hears(await gone.offer(witness))
    await gone.leave()
    cast.refused(await cast.offer_until_gone(gone, witness), "LOGIN-7")
    left, never = await man.try_ring(gone.login), await man.try_ring(cast.nobody)
    replies = [cast.refused(posting, "CALL-2") for posting in (left, never)]
    for posting in (left, never):
        _expect_200(cast, posting)
    bodies = [
        (reply.status, *(str(reply.told(key)).replace(login, "…") for key in ("status", "code", "message")))
        for reply, login in zip(replies, (gone.login, cast.nobody), strict=True)
    ]
    cast.expect(
        "CALL-2",
        bodies[0] == bodies[1] or Outcome.UNCLEAR in {reply.outcome for reply in replies},
        expected="the same refusal for a callee that left and one that never was",
        received=f"{bodies[0]} and {bodies[1]}",
    )


@requirement("CALL-14", "CALL-2b")
@pytest.mark.parametrize("devices", [1, 2])
async def test_a_call_to_oneself_never_rings_at_the_connection_that_made_it(cast: Cast, devices: int) -> None:
    """It is refused with HTTP 200, or rings at the user's other connections only."""
    man, woman = await cast.enter("man", "woman")
    others = [await cast.another(man) for _ in range(devices - 1)]
    await woman.hears(await man.ring(woman))
    odd = await man.try_ring(man)
    if odd.accepted and others:
        for other in others:
            await other.hears(odd, requirement="CALL-14")
    else:
        cast.refused(odd, "CALL-14", goes_on=True)
    _expect_200(cast, odd)


@requirement("CALL-13")
async def test_calls_need_a_valid_sid(cast: Cast) -> None:
    """A sid that is unknown, not logged in, has left or is that of Engine.IO can do nothing."""
    man, woman, gone, witness = await cast.enter("man", "woman", "gone", "witness")
    silent = await cast.connect("silent")
    await witness.hears(await gone.offer(witness))
    await gone.leave()
    cast.refused(await cast.offer_until_gone(gone, witness), "LOGIN-7")
    await cast.exchange(man, woman)
    await woman.hears(await man.ring(woman))
    for sid in (f"{woman.sid[:-1]}~", silent.sid, gone.sid, woman.engine_sid):
        if sid != woman.sid:
            sent = {"sid": sid}
            postings = await asyncio.gather(
                woman.try_ring(man, fields=sent),
                woman.try_decline(man, fields=sent),
                woman.try_status("beasy", fields=sent),
                woman.try_refresh(man, fields=sent),
            )
            for posting in postings:
                cast.refused(posting, "CALL-13")
    await man.hears(await woman.refresh(man))
    await man.hears(await woman.decline(man, requirement="CALL-13"))
    await woman.status("free")
    await man.hears(await woman.ring(man))


@requirement("CALL-3", "CALL-2b")
async def test_a_busy_callee_does_not_ring(cast: Cast) -> None:
    """The call is refused and leaves everything as it was: the callee busy, the caller free."""
    man, woman, girl = await cast.enter("man", "woman", "girl")
    await woman.status("beasy")
    for _ in range(2):
        busy = await man.try_ring(woman)
        cast.refused(busy, "CALL-3")
        _expect_200(cast, busy)
    if not (await woman.try_decline(girl)).accepted:  # where whatever is declined is accepted, it tells nothing
        cast.refused(await woman.try_decline(man), "CALL-3")
    await man.hears(await girl.ring(man, requirement="CALL-3"), requirement="CALL-3")
    await girl.hears(await man.decline(girl))
    await woman.status("free")
    await woman.hears(await man.ring(woman, requirement="CALL-3"), requirement="CALL-3")
    await man.hears(await woman.decline(man))


@requirement("CALL-4")
async def test_status_takes_free_and_beasy_only(cast: Cast) -> None:
    """Every other word is refused and changes nothing."""
    man, woman = await cast.enter("man", "woman")
    await woman.status("beasy")
    for word in ("busy", "FREE", "", "offline", "free "):
        cast.refused(await woman.try_status(word, malformed=True), "CALL-4", client_error=True)
    cast.refused(await man.try_ring(woman), "CALL-4")
    await woman.status("free")
    for word in ("busy", "BEASY", "beasy "):
        cast.refused(await woman.try_status(word, malformed=True), "CALL-4", client_error=True)
    await woman.hears(await man.ring(woman))


@requirement("CALL-4")
async def test_status_belongs_to_the_user_and_ends_with_the_last_connection(cast: Cast) -> None:
    """Set on the phone it holds for the tablet, survives the phone, and is gone when both are."""
    man, phone, witness = await cast.enter("man", "woman", "witness")
    tablet = await cast.another(phone)
    await phone.status("beasy")
    cast.refused(await man.try_ring(phone), "CALL-4")
    await phone.leave()
    cast.refused(await cast.offer_until_gone(phone, witness), "LOGIN-7")
    cast.refused(await man.try_ring(tablet), "CALL-4")
    await witness.hears(await tablet.offer(witness))
    await tablet.leave()
    cast.refused(await cast.offer_until_gone(tablet, witness), "LOGIN-7")
    back = await cast.another(phone)
    await back.hears(await man.ring(back, requirement="CALL-4"), requirement="CALL-4")


@requirement("CALL-5")
async def test_a_decline_reaches_the_caller_once(cast: Cast) -> None:
    """On each of its connections; a second decline finds nothing to decline."""
    man, woman, _ = await cast.enter("man", "woman", "stranger")
    laptop = await cast.another(man)
    tablet = await cast.another(woman)
    call = await man.ring(woman)
    await asyncio.gather(woman.hears(call), tablet.hears(call))
    decline = await woman.decline(man)
    await asyncio.gather(man.hears(decline), laptop.hears(decline))
    cast.refused(await woman.try_decline(man), "CALL-5")
    cast.refused(await tablet.try_decline(man), "CALL-5")


@requirement("CALL-5")
async def test_only_the_user_who_is_rung_can_decline(cast: Cast) -> None:
    """Before any call, by a stranger, by the caller, and toward somebody who does not call."""
    man, woman, stranger = await cast.enter("man", "woman", "stranger")
    cast.refused(await woman.try_decline(man), "CALL-5")
    await woman.hears(await man.ring(woman))
    cast.refused(await stranger.try_decline(man), "CALL-5")
    cast.refused(await man.try_decline(woman), "CALL-5")
    cast.refused(await woman.try_decline(stranger), "CALL-5")
    cast.refused(await woman.try_decline(cast.nobody), "CALL-5")
    await man.hears(await woman.decline(man))


@requirement("CALL-5")
async def test_two_devices_that_decline_at_once_decline_once(cast: Cast) -> None:
    """One decline is accepted and raised, the other refused."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    for _ in range(4):
        call = await man.ring(woman)
        await asyncio.gather(woman.hears(call), tablet.hears(call))
        declines = await asyncio.gather(woman.try_decline(man), tablet.try_decline(man))
        won = [decline for decline in declines if decline.accepted]
        cast.expect(
            "CALL-5", len(won) == 1, expected="one of two declines to be accepted", received=f"{len(won)} accepted"
        )
        await man.hears(won[0])
        for decline in declines:
            if not decline.accepted:
                cast.refused(decline, "CALL-5")


@requirement("CALL-6")
async def test_an_offer_to_the_caller_accepts_the_call(cast: Cast) -> None:
    """After it there is nothing to decline, from any device."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    call = await man.ring(woman)
    await asyncio.gather(woman.hears(call), tablet.hears(call))
    offer = await woman.offer(man, requirement="CALL-6")
    await man.hears(offer)
    cast.refused(await woman.try_decline(man), "CALL-6")
    cast.refused(await tablet.try_decline(man), "CALL-6")
    await woman.hears(await man.answer(offer, named=True))
    cast.refused(await woman.try_decline(man), "CALL-6")
    await woman.hears(await man.ring(woman))
    await man.hears(await woman.decline(man))


@requirement("CALL-6")
async def test_an_offer_to_somebody_else_accepts_nothing(cast: Cast) -> None:
    """While the man rings, the woman offers to the girl: his call can still be declined."""
    man, woman, girl = await cast.enter("man", "woman", "girl")
    await woman.hears(await man.ring(woman))
    await girl.hears(await woman.offer(girl))
    await woman.hears(await man.offer(woman))
    await man.hears(await woman.decline(man, requirement="CALL-6"), requirement="CALL-6")


@requirement("CALL-7")
async def test_two_callers_ring_independently(cast: Cast) -> None:
    """Declining one leaves the other to be accepted."""
    man, boy, woman = await cast.enter("man", "boy", "woman")
    for caller in (man, boy):
        await woman.hears(await caller.ring(woman, requirement="CALL-7"), requirement="CALL-7")
    await man.hears(await woman.decline(man, requirement="CALL-7"), requirement="CALL-7")
    await boy.hears(await woman.decline(boy, requirement="CALL-7"), requirement="CALL-7")


@requirement("CALL-8")
async def test_after_a_decline_the_caller_can_ring_again_at_once(cast: Cast) -> None:
    """Three rounds of ring and decline."""
    man, woman = await cast.enter("man", "woman")
    for _ in range(3):
        await woman.hears(await man.ring(woman, requirement="CALL-8"), requirement="CALL-8")
        await man.hears(await woman.decline(man, requirement="CALL-8"), requirement="CALL-8")


@requirement("CALL-9")
async def test_crossed_calls_both_ring_once(cast: Cast) -> None:
    """Each can be declined by itself."""
    man, woman = await cast.enter("man", "woman")
    to_woman, to_man = await asyncio.gather(
        man.ring(woman, requirement="CALL-9"), woman.ring(man, requirement="CALL-9")
    )
    await asyncio.gather(woman.hears(to_woman, requirement="CALL-9"), man.hears(to_man, requirement="CALL-9"))
    await man.hears(await woman.decline(man, requirement="CALL-9"), requirement="CALL-9")
    await woman.hears(await man.decline(woman, requirement="CALL-9"), requirement="CALL-9")


@requirement("CALL-10")
async def test_a_refresh_reaches_a_peer_of_a_current_negotiation_only(cast: Cast) -> None:
    """On each connection of the peer; toward anybody else it is refused."""
    man, woman, stranger = await cast.enter("man", "woman", "stranger")
    tablet = await cast.another(woman)
    cast.refused(await man.try_refresh(woman), "CALL-10")
    offer = await man.offer(woman)
    await asyncio.gather(woman.hears(offer), tablet.hears(offer))
    await man.hears(await woman.answer(offer, named=True))
    refresh = await man.refresh(woman)
    await asyncio.gather(woman.hears(refresh), tablet.hears(refresh))
    await man.hears(await tablet.refresh(man))
    cast.refused(await man.try_refresh(stranger), "CALL-10")
    cast.refused(await stranger.try_refresh(man), "CALL-10")
    cast.refused(await man.try_refresh(cast.nobody), "CALL-10")


@requirement("CALL-5", "CALL-10")
async def test_a_user_who_comes_back_has_no_call_and_no_negotiation(cast: Cast) -> None:
    """The caller's last connection left: nothing can be declined or refreshed."""
    man, woman, witness = await cast.enter("man", "woman", "witness")
    await cast.exchange(man, woman)
    await woman.hears(await man.refresh(woman))
    await woman.hears(await man.ring(woman))
    await man.hears(await woman.decline(man))
    await woman.hears(await man.ring(woman))
    await witness.hears(await man.offer(witness))
    await man.leave()
    cast.refused(await cast.offer_until_gone(man, witness), "LOGIN-7")
    back = await cast.another(man)
    cast.refused(await woman.try_decline(back), "CALL-5")
    cast.refused(await woman.try_refresh(back), "CALL-10")
    await woman.hears(await back.ring(woman))


@requirement("CALL-11")
@pytest.mark.slow("ringing_seconds")
async def test_ringing_expires(cast: Cast) -> None:
    """After the declared time the call cannot be declined any more; a moment before it can."""
    man, woman = await cast.enter("man", "woman")
    limit = cast.target.limits["ringing_seconds"]
    await woman.hears(await man.ring(woman))
    await man.hears(await woman.decline(man))
    await woman.hears(await man.ring(woman))
    await cast.pause(limit + 0.5)
    late = await woman.try_decline(man, audience=Audience(tolerated=frozenset({man}), elsewhere="CALL-11"))
    cast.expect(
        "CALL-11",
        not late.accepted,
        expected=f"a refusal of a decline {limit + 0.5:g} s after the call",
        received=late.reply.describe() if late.reply else "nothing",
    )
    # Nothing can be declined on connections that have died meanwhile, either.
    await woman.hears(await man.ring(woman))
    await man.hears(await woman.decline(man))


@requirement("CALL-12")
@pytest.mark.webrtc
async def test_a_whole_call_from_ringing_to_hanging_up(cast: Cast) -> None:
    """The caller rings, the callee accepts by its offer, both trickle, they talk, one hangs up."""
    caller, callee = await cast.enter("man", "woman")
    tablet = await cast.another(callee)
    call = await caller.ring(callee)
    await asyncio.gather(callee.hears(call), tablet.hears(call))
    await callee.status("beasy")
    await caller.status("beasy")
    if "ice" in cast.target.profiles:
        talk = await cast.trickle_call(callee, caller)
    else:
        talk = await cast.call(callee, caller, media=False)
    await talk.offerer.says("hello", talk.answerer, cast.target.timeout)
    await talk.answerer.says("hello yourself", talk.offerer, cast.target.timeout)
    await caller.hears(await callee.refresh(caller))
    await callee.status("free")
    await caller.status("free")
    await callee.hears(await caller.ring(callee, requirement="CALL-12"), requirement="CALL-12")
    await caller.hears(await callee.decline(caller))
