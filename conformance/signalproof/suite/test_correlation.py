"""Correlation by `offer_id` (spec/correlation.md)."""

from __future__ import annotations

import asyncio

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.judge.posting import Posting, Received
from signalproof.protocol.wire import Encoding

requirement = pytest.mark.requirement


def _offer_id(cast: Cast, received: Received, requirement_id: str = "CORR-1") -> str:
    offer_id = received.fields.get("offer_id")
    cast.expect(
        requirement_id,
        isinstance(offer_id, str) and 1 <= len(offer_id) <= 64,
        expected=f"an offer_id of 1 to 64 characters in {received.event}",
        received=repr(offer_id),
    )
    return str(offer_id)


async def _heard(cast: Cast, woman: Participant, offer: Posting) -> str:
    return _offer_id(cast, await woman.hears(offer))


@requirement("CORR-1", "CORR-4")
async def test_every_offer_has_an_id_of_its_own(cast: Cast) -> None:
    """The id in `sender_offer` is also in the `reciever_answer`, which names the reciever."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    seen: set[str] = set()
    for _ in range(3):
        offer = await man.offer(woman)
        offer_id = await _heard(cast, woman, offer)
        same = await _heard(cast, tablet, offer)
        cast.expect("CORR-1", offer_id == same, expected="one id on all devices", received=f"{offer_id}, {same}")
        cast.expect("CORR-1", offer_id not in seen, expected="a new id", received="the id of an earlier offer")
        seen.add(offer_id)
        heard = await man.hears(await woman.answer(offer))
        back = _offer_id(cast, heard)
        cast.expect("CORR-1", back == offer_id, expected=f"offer_id {offer_id} in the answer", received=back)
        cast.expect(
            "CORR-4",
            heard.fields.get("reciever_login") == woman.login,
            expected=f"reciever_login {woman.login} in reciever_answer",
            received=repr(heard.fields.get("reciever_login")),
        )


@requirement("CORR-1")
@pytest.mark.parametrize("offer_id", ["chosen by man", "é😀", "x" * 64], ids=["words", "unicode", "longest"])
async def test_an_id_of_the_client_is_kept(cast: Cast, offer_id: str) -> None:
    """It is in both events, as it was posted."""
    man, woman = await cast.enter("man", "woman")
    offer = cast.accepted(await man.try_offer(woman, fields={"offer_id": offer_id}))
    heard = [await woman.hears(offer), await man.hears(await woman.answer(offer))]
    for received in heard:
        kept = _offer_id(cast, received)
        cast.expect(
            "CORR-1", kept == offer_id, expected=f"offer_id {offer_id!r} in {received.event}", received=repr(kept)
        )


ODD_IDS: dict[str, object] = {
    "empty": "",
    "65 characters": "x" * 65,
    "100,000 characters": "x" * 100_000,
    "a number": 7,
    "zero": 0,
    "null": None,
    "false": False,
    "in an array": ["x"],
    "an object": {"id": "x"},
}


@requirement("CORR-5")
async def test_an_id_that_is_no_string_of_1_to_64_characters_is_refused(cast: Cast) -> None:
    """In offers and in answers, in JSON and, as far as it goes, in forms; 64 emoji are 64 characters."""
    man, woman = await cast.enter("man", "woman")
    offer = cast.accepted(await man.try_offer(woman, fields={"offer_id": "😀" * 64}), "CORR-5")
    await woman.hears(offer)

    async def expect_refusal(name: str, offer_id: object, encoding: Encoding) -> None:
        with cast.in_case(name):
            for posting in (
                await man.try_offer(woman, fields={"offer_id": offer_id}, encoding=encoding, malformed=True),
                await woman.try_answer(offer, fields={"offer_id": offer_id}, encoding=encoding, malformed=True),
            ):
                cast.refused(posting, "CORR-5", client_error=True)

    await asyncio.gather(
        *(expect_refusal(name, offer_id, Encoding.JSON) for name, offer_id in ODD_IDS.items()),
        *(expect_refusal(f"{name}, in a form", ODD_IDS[name], Encoding.FORM) for name in ("empty", "65 characters")),
    )
    answer = await woman.try_answer(offer, fields={"offer_id": "😀" * 64})
    await man.hears(cast.accepted(answer, "CORR-5"))


@requirement("CORR-2")
async def test_an_answer_with_a_superseded_or_unknown_id_is_refused(cast: Cast) -> None:
    """The late answer to the first offer does not become the answer to the second."""
    man, woman = await cast.enter("man", "woman")
    first = await man.offer(woman)
    old = await _heard(cast, woman, first)
    second = await man.offer(woman)
    new = await _heard(cast, woman, second)
    for offer_id in (old, f"{new}x", "unknown"):
        refused = await woman.try_answer(second, named=True, fields={"offer_id": offer_id})
        cast.refused(refused, "CORR-2")
        cast.refused(await woman.try_answer(second, fields={"offer_id": offer_id}), "CORR-2")
    answer = await woman.try_answer(second, named=True, fields={"offer_id": new})
    await man.hears(cast.accepted(answer, "CORR-2"))
    cast.refused(await woman.try_answer(second, fields={"offer_id": new}), "CORR-2")


@requirement("CORR-3")
async def test_an_answer_with_a_current_id_goes_to_that_offer(cast: Cast) -> None:
    """Of two unanswered offers the older one is answered by its id alone."""
    man, boy, woman = await cast.enter("man", "boy", "woman")
    first, second = await man.offer(woman), await boy.offer(woman)
    ids = await asyncio.gather(_heard(cast, woman, first), _heard(cast, woman, second))
    for sender, offer, offer_id in ((man, first, ids[0]), (boy, second, ids[1])):
        answer = await woman.try_answer(offer, fields={"offer_id": offer_id})
        await sender.hears(cast.accepted(answer, "CORR-3"), requirement="CORR-3")


@requirement("CORR-3")
async def test_an_id_and_a_name_that_disagree_are_refused(cast: Cast) -> None:
    """The id of one sender's offer under the name of another finds no offer; both stay answerable."""
    man, boy, woman = await cast.enter("man", "boy", "woman")
    first, second = await man.offer(woman), await boy.offer(woman)
    ids = await asyncio.gather(_heard(cast, woman, first), _heard(cast, woman, second))
    refused = await woman.try_answer(first, named=boy.login, fields={"offer_id": ids[0]})
    cast.refused(refused, "CORR-3")
    await man.hears(await woman.answer(first, named=True))
    await boy.hears(await woman.answer(second, named=True))


@requirement("CORR-4")
async def test_candidates_name_their_author(cast: Cast) -> None:
    """A user in two calls can tell whose candidate came."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    if "ice" not in cast.target.profiles:
        return
    for author, hearer in ((man, woman), (woman, man)):
        heard = await hearer.hears(await author.candidate([hearer], login=hearer.login))
        cast.expect(
            "CORR-4",
            heard.fields.get("login") == author.login,
            expected=f"login {author.login} in ice_candidate",
            received=repr(heard.fields.get("login")),
        )
