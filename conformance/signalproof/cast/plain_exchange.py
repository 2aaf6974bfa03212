"""The plain exchange: every ordinary step once, between users of their own, to see whether it works at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from signalproof.cast.cast import Cast
from signalproof.errors import NonConformance, NotTestable

__all__ = ["plain_exchange"]


async def plain_exchange(cast: Cast) -> None:
    """Do it, and let the run count its steps; what fails is not judged here."""
    await asyncio.gather(_negotiate(cast), _call(cast), _refuse_to_be_disturbed(cast))


async def _negotiate(cast: Cast) -> None:
    with suppress(NonConformance, NotTestable):
        man, woman = await cast.enter("man", "woman")
        offer = await man.offer(woman)
        await woman.hears(offer)
        await man.hears(await woman.answer(offer))
        if "ice" in cast.target.profiles:
            await woman.hears(await man.candidate([woman], login=woman.login))
        if "call" in cast.target.profiles:
            await woman.hears(await man.refresh(woman))


async def _call(cast: Cast) -> None:
    with suppress(NonConformance, NotTestable):
        if "call" in cast.target.profiles:
            boy, girl = await cast.enter("boy", "girl")
            await girl.hears(await boy.ring(girl))
            await boy.hears(await girl.decline(boy))


async def _refuse_to_be_disturbed(cast: Cast) -> None:
    with suppress(NonConformance, NotTestable):
        if "call" in cast.target.profiles:
            rival = await cast.enter_one("rival")
            await rival.status("beasy")
            await rival.status("free")
