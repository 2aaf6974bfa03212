"""Random scenes against a model of the contract, which follows spec/state.md."""

from __future__ import annotations

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.scenes.random_scenes import run_random_scenes

requirement = pytest.mark.requirement


async def expect_ordinary_steps(cast: Cast, man: Participant, woman: Participant) -> None:
    """Do once, soundly, all that random scenes do: they expect refusals, and these are their controls."""
    await cast.exchange(man, woman)
    if "ice" in cast.target.profiles:
        await woman.hears(await man.candidate([woman]))
    if "call" in cast.target.profiles:
        await woman.hears(await man.ring(woman))
        await man.hears(await woman.decline(man))
        await man.status("free")
        await woman.hears(await man.refresh(woman))


@pytest.mark.early
@requirement("OFFER-1", "OFFER-2", "OFFER-9", "OFFER-10", "ANSWER-1", "ANSWER-4", "ANSWER-5", "ANSWER-7", "ANSWER-8")
async def test_users_who_do_anything_in_any_order_get_what_the_model_says(cast: Cast) -> None:
    """Users come, offer, answer, call and go at random; what each receives is compared with a model."""
    await expect_ordinary_steps(cast, *await cast.enter("man", "woman"))
    await run_random_scenes(cast)


@pytest.mark.early
@requirement("HTTP-5", "HTTP-12", "LOGIN-3", "LOGIN-10", "SEC-2")
async def test_generated_input_among_ordinary_acts_hurts_nobody(cast: Cast) -> None:
    """Texts, fields, bodies, logins and frames are drawn from the schemas and far beside them."""
    await expect_ordinary_steps(cast, *await cast.enter("man", "woman"))
    await run_random_scenes(cast, fuzz=True)
