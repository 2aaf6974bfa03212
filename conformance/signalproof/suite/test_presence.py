"""Presence (spec/presence.md)."""

from __future__ import annotations

import asyncio

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.raw_access import VISITS, Patience, Way

requirement = pytest.mark.requirement


@requirement("PRES-1", "PRES-2")
async def test_online_lists_each_live_login_once(cast: Cast) -> None:
    """In within a second of the acknowledgement; one entry for three connections; no visitor without login."""
    man, woman = await cast.enter("man", "woman")
    await cast.another(man)
    await cast.another(man)
    await cast.connect("visitor")
    await cast.presence.until({man.login, woman.login}, absent={cast.login("visitor")})
    listed = await cast.presence.online()
    for user in (man, woman):
        count = listed.count(user.login)
        cast.expect("PRES-1", count == 1, expected=f"{user.name} once in /online", received=f"{count} times")
    await cast.exchange(man, woman)


@requirement("PRES-2")
async def test_a_login_leaves_the_list_within_a_second(cast: Cast) -> None:
    """After the last graceful leave."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    await cast.presence.until({man.login, woman.login})
    await woman.leave()
    await cast.presence.until({man.login}, absent={woman.login})


@requirement("PRES-2")
@pytest.mark.alone
async def test_nobody_who_has_left_during_the_run_is_listed(cast: Cast) -> None:
    """Of all checks; the list is read when nothing else is under way, so that a second is enough."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    await cast.presence.online()


@requirement("PRES-3")
@pytest.mark.slow("silent_loss_seconds")
async def test_a_login_that_is_lost_without_a_word_leaves_the_list(cast: Cast) -> None:
    """Its socket answers no pings: out within ping interval, ping time-out and 5 s."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    ghost = await cast.raw.silent_connection("ghost")
    await cast.presence.until({ghost})
    await cast.presence.until(
        {man.login}, absent={ghost}, within=cast.target.limits["silent_loss_seconds"], requirement="PRES-3"
    )


@requirement("PRES-4")
async def test_a_login_is_online_until_its_last_connection_leaves(cast: Cast) -> None:
    """Three connections leave one after the other, the first login last."""
    man, first, witness = await cast.enter("man", "woman", "witness")
    devices = [await cast.another(first), await cast.another(first), first]
    for device in devices:
        await cast.presence.until({first.login}, requirement="PRES-4")
        await witness.hears(await device.offer(witness))
        await device.leave()
        cast.refused(await cast.offer_until_gone(device, witness), "LOGIN-7")
    await cast.presence.until({man.login}, absent={first.login}, requirement="PRES-4")


@requirement("PRES-5")
async def test_50_fast_rounds_leave_no_ghost(cast: Cast) -> None:
    """Connect, log in, leave, fifty times over 25 logins; then nobody of them is online."""
    man, woman = await cast.enter("man", "woman")
    names = [f"visitor{number}" for number in range(25)]

    async def come_and_go(name: str) -> None:
        for _ in range(2):
            visitor = await cast.enter_one(name)
            await visitor.leave()

    await asyncio.gather(*map(come_and_go, names))
    gone = {cast.login(name) for name in names}
    await cast.presence.until({man.login, woman.login}, absent=gone, requirement="PRES-5")
    await cast.exchange(man, woman)


@requirement("PRES-5")
@pytest.mark.early
async def test_54_visits_of_a_moment_leave_no_ghost(cast: Cast) -> None:
    """Each of nine users comes six times, waits for the acknowledgement or not, and closes in one of three ways."""
    man, woman = await cast.enter("man", "woman")

    async def come_and_go(number: int, patience: Patience, way: Way) -> str:
        visits = [await cast.raw.visit(f"visitor{number}", patience, way) for _ in range(6)]
        return visits[0].login

    gone = await asyncio.gather(*(come_and_go(number, *manner) for number, manner in enumerate(VISITS.values())))
    await cast.pause(1 + cast.target.round_trip)
    await cast.presence.until({man.login, woman.login}, absent=set(gone), requirement="PRES-5")
    await cast.exchange(man, woman)
