"""Answers (spec/answer.md)."""

from __future__ import annotations

import asyncio
from functools import partial
from time import perf_counter

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.judge import hints
from signalproof.judge.posting import Audience, Posting
from signalproof.protocol.wire import Encoding
from signalproof.suite.test_offer import TEXTS

requirement = pytest.mark.requirement


@requirement("ANSWER-1", "ANSWER-2", "ANSWER-3")
async def test_an_answer_reaches_the_connection_that_made_the_offer_and_no_other(cast: Cast) -> None:
    """The sender's tablet, the reciever's devices and a stranger hear nothing of it."""
    man, woman, _ = await cast.enter("man", "woman", "stranger")
    await cast.another(man)
    await cast.another(woman)
    await cast.connect("not logged in")
    offer = await man.offer(woman)
    await woman.hears(offer)
    await man.hears(await woman.answer(offer))


@requirement("ANSWER-1")
async def test_an_answer_reaches_the_device_that_made_the_offer_whichever_logged_in_last(cast: Cast) -> None:
    """First device, then second device: each gets the answer to its own offer."""
    phone, woman = await cast.enter("man", "woman")
    laptop = await cast.another(phone)
    for device in (phone, laptop, phone):
        offer = await device.offer(woman)
        await woman.hears(offer)
        await device.hears(await woman.answer(offer))


@requirement("ANSWER-1")
@pytest.mark.parametrize("encoding", list(Encoding), ids=["json", "form"])
async def test_the_answer_is_forwarded_character_for_character(cast: Cast, encoding: Encoding) -> None:
    """What the reciever wrote is what the sender gets."""
    man, woman = await cast.enter("man", "woman")
    for text in cast.cases(TEXTS):
        offer = await man.offer(woman)
        await woman.hears(offer)
        marked = cast.marked("answer", partial(text, "answer"))
        await man.hears(await woman.answer(offer, carrying=marked, encoding=encoding))


@requirement("ANSWER-4")
async def test_an_answer_without_an_offer_is_refused(cast: Cast) -> None:
    """Before any offer, after an answered one, and by the sender of the offer itself."""
    man, woman, stranger = await cast.enter("man", "woman", "stranger")
    offer = await man.offer(woman)
    await woman.hears(offer)
    cast.refused(await man.try_answer(offer), "ANSWER-4")
    cast.refused(await stranger.try_answer(offer), "ANSWER-4")
    cast.refused(await stranger.try_answer(offer, named=True), "ANSWER-4")
    await man.hears(await woman.answer(offer))
    cast.refused(await woman.try_answer(offer), "ANSWER-4")


@requirement("ANSWER-5")
@pytest.mark.parametrize("named", [False, True], ids=["unnamed", "named"])
async def test_a_second_answer_is_refused_and_not_forwarded(cast: Cast, named: bool) -> None:
    """From the same device and from another one of the same user."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    offer = await man.offer(woman)
    await asyncio.gather(woman.hears(offer), tablet.hears(offer))
    await man.hears(await woman.answer(offer, named=named))
    cast.refused(await tablet.try_answer(offer, named=named), "ANSWER-5")
    cast.refused(await woman.try_answer(offer, named=named), "ANSWER-5")


@requirement("ANSWER-6")
async def test_one_of_two_simultaneous_answers_wins(cast: Cast) -> None:
    """In each of six rounds two devices answer at the same moment: one is accepted, one event comes."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    for _ in range(6):
        offer = await man.offer(woman)
        await asyncio.gather(woman.hears(offer), tablet.hears(offer))
        answers = await asyncio.gather(*(device.try_answer(offer) for device in (woman, tablet)))
        cast.expect(
            "ANSWER-6",
            [answer.accepted for answer in answers].count(True) == 1,
            expected="one answer accepted and one refused",
            received=" and ".join(sorted(str(answer.reply.outcome) for answer in answers if answer.reply)),
            hint="Reading that an offer is unanswered and marking it answered have to be one step.",
        )
        for answer in answers:
            if answer.accepted:
                await man.hears(answer, requirement="ANSWER-6")
            else:
                cast.refused(answer, "ANSWER-6")


async def _two_offers(cast: Cast) -> tuple[Participant, Participant, Participant, Posting, Posting]:
    man, boy, woman = await cast.enter("man", "boy", "woman")
    first, second = await man.offer(woman), await boy.offer(woman)
    await asyncio.gather(woman.hears(first), woman.hears(second))
    return man, boy, woman, first, second


@requirement("ANSWER-7")
async def test_sender_login_selects_the_offer(cast: Cast) -> None:
    """The older of two offers is answered by name, then the newer."""
    man, boy, woman, first, second = await _two_offers(cast)
    await man.hears(await woman.answer(first, named=True, requirement="ANSWER-7"), requirement="ANSWER-7")
    await boy.hears(await woman.answer(second, named=True, requirement="ANSWER-7"), requirement="ANSWER-7")


@requirement("ANSWER-7")
async def test_sender_login_without_an_unanswered_offer_is_refused(cast: Cast) -> None:
    """A stranger's name, an unknown one, one's own and that of an answered sender find no offer."""
    man, boy, woman, first, second = await _two_offers(cast)
    stranger = await cast.enter_one("stranger")
    for login in (stranger.login, cast.nobody, woman.login, f"{man.login} "):
        cast.refused(await woman.try_answer(first, named=login), "ANSWER-7")
    await man.hears(await woman.answer(first, named=True))
    cast.refused(await woman.try_answer(first, named=True), "ANSWER-7")
    await boy.hears(await woman.answer(second, named=True))


@requirement("ANSWER-8")
async def test_an_answer_without_a_name_goes_to_the_most_recent_offer(cast: Cast) -> None:
    """Then to the one before it, then there is none left."""
    man, boy, woman, first, second = await _two_offers(cast)
    await boy.hears(await woman.answer(second, requirement="ANSWER-8"), requirement="ANSWER-8")
    await man.hears(await woman.answer(first, requirement="ANSWER-8"), requirement="ANSWER-8")
    cast.refused(await woman.try_answer(first), "ANSWER-8")


@requirement("ANSWER-8")
async def test_a_reoffer_makes_a_pair_the_most_recent_again(cast: Cast) -> None:
    """The first sender offers once more, and the next answer is for it."""
    man, boy, woman, _, second = await _two_offers(cast)
    again = await man.offer(woman)
    await woman.hears(again)
    await man.hears(await woman.answer(again, requirement="ANSWER-8"), requirement="ANSWER-8")
    await boy.hears(await woman.answer(second, requirement="ANSWER-8"), requirement="ANSWER-8")


@requirement("ANSWER-9")
@pytest.mark.parametrize("encoding", list(Encoding), ids=["json", "form"])
async def test_reciever_login_in_an_answer_is_ignored(cast: Cast, encoding: Encoding) -> None:
    """Old clients fill it with anything."""
    man, boy, woman = await cast.enter("man", "boy", "woman")
    junk = {"empty": "", "undefined": "undefined", "nobody": cast.nobody, "own": woman.login, "other": man.login}
    for value in cast.cases(junk):
        first, second = await man.offer(woman), await boy.offer(woman)
        await asyncio.gather(woman.hears(first), woman.hears(second))
        answer = await woman.try_answer(second, fields={"reciever_login": value}, encoding=encoding, malformed=True)
        await boy.hears(cast.accepted(answer, "ANSWER-9"), requirement="ANSWER-9")
        await man.hears(await woman.answer(first))


@requirement("ANSWER-10")
@pytest.mark.parametrize("returns", [False, True], ids=["gone", "gone_and_back"])
async def test_an_answer_to_a_sender_that_left_is_refused(cast: Cast, returns: bool) -> None:
    """Whoever comes back under the login has another peer connection and cannot use the answer."""
    man, boy, woman, first, second = await _two_offers(cast)
    await man.leave()
    cast.refused(await cast.offer_until_gone(man, boy), "LOGIN-7")
    if returns:
        back = await cast.another(man)
        witness = await cast.enter_one("witness")
        await back.hears(await witness.offer(back))
    cast.refused(await woman.try_answer(first, named=True), "ANSWER-10")
    await boy.hears(await woman.answer(second, named=True))


@requirement("ANSWER-11")
async def test_crossed_offers_are_two_pairs(cast: Cast) -> None:
    """Both offers are unanswered at once; each is forwarded once and answered by itself."""
    man, woman = await cast.enter("man", "woman")
    to_woman, to_man = await asyncio.gather(
        man.offer(woman, requirement="ANSWER-11"), woman.offer(man, requirement="ANSWER-11")
    )
    await asyncio.gather(woman.hears(to_woman, requirement="ANSWER-11"), man.hears(to_man, requirement="ANSWER-11"))
    await man.hears(await woman.answer(to_woman, requirement="ANSWER-11"), requirement="ANSWER-11")
    await woman.hears(await man.answer(to_man, requirement="ANSWER-11"), requirement="ANSWER-11")


@requirement("ANSWER-11")
async def test_roles_can_be_reversed(cast: Cast) -> None:
    """After a finished exchange the reciever becomes the sender, and back again."""
    man, woman = await cast.enter("man", "woman")
    for sender, reciever in ((man, woman), (woman, man), (man, woman)):
        offer = await sender.offer(reciever, requirement="ANSWER-11")
        await reciever.hears(offer, requirement="ANSWER-11")
        await sender.hears(await reciever.answer(offer, requirement="ANSWER-11"), requirement="ANSWER-11")


PAIRS, MOST_PAIRS, PAIRS_SECONDS = 12, 36, 1.0
"""How many pairs hurry at least, and at most, where that is quick."""


@requirement("ANSWER-12")
@pytest.mark.alone
async def test_an_answer_posted_the_moment_the_offer_arrives_is_accepted(cast: Cast) -> None:
    """Of twelve pairs and more, each new to the server, the answer is on its way before the sender has its reply."""

    async def hurry(number: int) -> None:
        man, woman = await cast.enter(f"man{number}", f"woman{number}")
        offer = man.draft_offer(woman)
        sending = asyncio.create_task(man.try_offer(woman, draft=offer))
        await woman.hears(offer)
        answer, hint = await woman.try_answer(offer, named=True), None
        if not answer.accepted:
            cast.accepted(await sending)
            if (await woman.try_answer(offer, named=True)).accepted:
                hint = hints.EMITTED_EARLY
        await man.hears(cast.accepted(answer, "ANSWER-12", hint=hint), requirement="ANSWER-12")
        cast.accepted(await sending)

    began, pairs = perf_counter(), 0
    while pairs < PAIRS or (pairs < MOST_PAIRS and perf_counter() - began < PAIRS_SECONDS):
        # Where logins are few, the same users come on new connections.
        await asyncio.gather(*(hurry(pairs + number if cast.invents else number) for number in range(3)))
        pairs += 3


@requirement("ANSWER-13")
async def test_an_answer_is_not_dropped_when_the_offering_connection_is_gone(cast: Cast) -> None:
    """It is refused, or it comes to the sender's other connections."""
    man, woman, witness = await cast.enter("man", "woman", "witness")
    tablet = await cast.another(man)
    await cast.exchange(witness, woman)
    offer = await man.offer(woman)
    await woman.hears(offer)
    await man.leave()
    cast.refused(await cast.offer_until_gone(man, witness), "LOGIN-7")
    answer = await woman.try_answer(offer, named=True, audience=Audience(frozenset({tablet})))
    if answer.accepted:
        await tablet.hears(answer, requirement="ANSWER-13")
    else:
        cast.refused(answer, "ANSWER-13")
