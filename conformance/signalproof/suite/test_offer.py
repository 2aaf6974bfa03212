"""Offers (spec/offer.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.judge import hints
from signalproof.judge.posting import Posting
from signalproof.protocol.samples import MARKER, PRANSWER, RESERVED, ROLLBACK, descriptions
from signalproof.protocol.wire import Body, Encoding, session_description

requirement = pytest.mark.requirement
Template = Callable[[str], str]

TEXTS: dict[str, Callable[[str, str], str]] = {
    "crlf_and_trailing_newline": lambda t, m: '{"type":"%s", "sdp":"v=0\\r\\ns=%s\\r\\n"}\r\n' % (t, m),
    "white_space_between_tokens": lambda t, m: ' {\n\t"type" : "%s" ,\r\n  "sdp" :\t"s=%s"\n} \n' % (t, m),
    "key_order": lambda t, m: '{"sdp":"s=%s","z":1,"type":"%s","a":2.50}' % (m, t),
    "escapes": lambda t, m: '{"type":"%s","sdp":"s=%s \\u0041\\u00e9\\/\\ud83d\\ude00"}' % (t, m),
    "line_separators": lambda t, m: '{"type":"%s","sdp":"s=%s \u2028 \u2029 \u0085 \u00a0"}' % (t, m),
    "astral_and_combining": lambda t, m: '{"type":"%s","sdp":"s=%s 😀𝄞 e\u0301 \ufeff \u202e"}' % (t, m),
    "markup": lambda t, m: '{"type":"%s","sdp":"s=%s <b>&amp;\\"\'+%%2B+ &=;</script>\\\\"}' % (t, m),
}


@requirement("OFFER-1", "OFFER-2")
async def test_an_offer_reaches_each_connection_of_the_reciever_and_nobody_else(cast: Cast) -> None:
    """Three devices of the reciever hear it once; the sender, its tablet and a stranger hear nothing."""
    man, woman, _ = await cast.enter("man", "woman", "stranger")
    await cast.another(man)
    await cast.connect("not logged in")
    devices = [woman, await cast.another(woman), await cast.another(woman)]
    offer = await man.offer(woman)
    await asyncio.gather(*(device.hears(offer) for device in devices))


@requirement("OFFER-1", "OFFER-2")
async def test_each_offer_is_raised_once_also_the_second_and_the_tenth_time(cast: Cast) -> None:
    """Ten offers in a row between the same users come ten times, each once."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    for _ in range(10):
        offer = await man.offer(woman)
        await asyncio.gather(woman.hears(offer), tablet.hears(offer))


@requirement("OFFER-1", "ANSWER-1")
async def test_the_same_text_again_is_another_offer_and_another_answer(cast: Cast) -> None:
    """A client that sends its description once more, or to somebody else, has its reasons."""
    man, woman, girl = await cast.enter("man", "woman", "girl")
    text, back = (cast.marked(kind, partial(session_description, kind)) for kind in ("offer", "answer"))
    first = await man.offer(woman, carrying=text)
    await woman.hears(first)
    for hearer in (woman, girl, woman):
        offer = await man.offer(hearer, carrying=text)
        await hearer.hears(offer, hint=hints.SWALLOWED)
        answer = await hearer.answer(offer, named=True, carrying=back)
        await man.hears(answer, requirement="ANSWER-1", hint=hints.SWALLOWED)


@requirement("OFFER-1")
async def test_a_connection_that_logs_in_later_has_missed_the_offer(cast: Cast) -> None:
    """A device of the reciever that comes when the offer has been delivered hears the next one only."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman, elsewhere="OFFER-1")
    await woman.hears(offer)
    tablet = await cast.another(woman)
    following = await man.offer(woman)
    await asyncio.gather(woman.hears(following), tablet.hears(following))


@requirement("OFFER-3")
@pytest.mark.parametrize("encoding", list(Encoding), ids=["json", "form"])
async def test_the_sender_login_is_that_of_the_sid(cast: Cast, encoding: Encoding) -> None:
    """Fields that claim another sender are not believed."""
    man, woman, stranger = await cast.enter("man", "woman", "stranger")
    claims = {"sender_login": stranger.login, "login": stranger.login, "from_user": stranger.login}
    offer = await man.try_offer(woman, fields=claims, encoding=encoding, malformed=True)
    await woman.hears(cast.accepted(offer, "OFFER-3"))


@requirement("OFFER-4")
@pytest.mark.parametrize("encoding", list(Encoding), ids=["json", "form"])
async def test_the_description_is_forwarded_character_for_character(cast: Cast, encoding: Encoding) -> None:
    """What the sender wrote is what the reciever gets, whatever a parser would make of it."""
    man, woman = await cast.enter("man", "woman")
    for text in cast.cases(TEXTS):
        marked = cast.marked("offer", partial(text, "offer"))
        await woman.hears(await man.offer(woman, carrying=marked, encoding=encoding), requirement="OFFER-4")


PAIRS = 4
"""Pairs that share the descriptions of browsers among them."""


def _taken(cast: Cast, posting: Posting) -> Posting:
    """Expect that a description is accepted, whatever is in it."""
    return cast.accepted(posting, "HTTP-8", hint=hints.INSPECTED if posting.refused else None)


@requirement("OFFER-4", "ANSWER-1", "HTTP-8")
async def test_descriptions_of_browsers_and_phones_arrive_whole(cast: Cast) -> None:
    """Each of a corpus, of 13 lines to 1,500, goes as an offer and as an answer; what it says is the peers' affair."""
    pairs = PAIRS if cast.invents else 1
    users = await cast.enter(*(f"{who}{number}" for number in range(pairs) for who in ("man", "woman")))
    texts = list(descriptions().items())

    async def converse(number: int) -> None:
        man, woman = users[2 * number : 2 * number + 2]
        for turn, ((name, text), (other, back)) in enumerate(
            zip(texts[number::pairs], texts[::-1][number::pairs], strict=True)
        ):
            encoding, another = list(Encoding)[:: 1 if turn % 2 else -1]
            with cast.in_case(name):
                carrying = cast.marked("offer", partial(text.replace, MARKER))
                offer = _taken(cast, await man.try_offer(woman, carrying=carrying, encoding=encoding))
                await woman.hears(offer, requirement="OFFER-4")
            with cast.in_case(other):
                carrying = cast.marked("answer", partial(back.replace('"offer"', '"answer"').replace, MARKER))
                answer = _taken(cast, await woman.try_answer(offer, carrying=carrying, encoding=another))
                await man.hears(answer, requirement="ANSWER-1")

    await asyncio.gather(*map(converse, range(pairs)))


@requirement("OFFER-4", "ANSWER-1")
async def test_a_rollback_and_a_provisional_answer_are_forwarded_or_refused(cast: Cast) -> None:
    """A server may look at the type of a description, and either takes it whole or refuses it."""
    man, woman = await cast.enter("man", "woman")
    taken_back = cast.marked("offer", lambda _: ROLLBACK)
    posting = await man.try_offer(woman, carrying=taken_back, malformed=True)
    if posting.accepted:
        await woman.hears(posting)
    else:
        cast.refused(posting, "OFFER-4")
    offer = await man.offer(woman)
    await woman.hears(offer)
    provisional = cast.marked("answer", partial(PRANSWER.replace, MARKER))
    posting = await woman.try_answer(offer, carrying=provisional, malformed=True)
    if posting.accepted:
        await man.hears(posting)
    else:
        cast.refused(posting, "ANSWER-1")
        await man.hears(await woman.answer(offer))


@requirement("OFFER-5")
async def test_a_sid_that_is_not_a_live_login_is_refused(cast: Cast) -> None:
    """Sids that never existed, have not logged in, have left or are Engine.IO sids can neither offer nor answer."""
    man, woman, gone = await cast.enter("man", "woman", "gone")
    silent = await cast.connect("silent")
    offer = await man.offer(woman)
    await woman.hears(offer)
    await woman.hears(await gone.offer(woman))
    await gone.leave()
    cast.refused(await cast.offer_until_gone(gone, woman), "OFFER-5")
    never = f"{man.sid[:-4]}{man.sid[-4:][::-1]}x"
    for sid in ("", "0", never, man.sid[:-1], silent.sid, man.engine_sid):
        if sid != man.sid:
            cast.refused(await man.try_offer(woman, fields={"sid": sid}, malformed=not sid), "OFFER-5")
    for sid in (never, silent.sid, gone.sid, woman.engine_sid):
        if sid != woman.sid:
            cast.refused(await woman.try_answer(offer, fields={"sid": sid}), "OFFER-5")
    await man.hears(await woman.answer(offer, named=True))


@requirement("OFFER-6")
async def test_an_offer_to_a_login_without_connection_is_refused(cast: Cast) -> None:
    """A login that was never seen, one that has left, and none at all are the same case."""
    man, woman, gone = await cast.enter("man", "woman", "gone")
    await woman.hears(await man.offer(woman))
    await gone.hears(await man.offer(gone))
    cast.refused(await man.try_offer(cast.nobody), "OFFER-6")
    cast.refused(await man.try_offer("", malformed=True), "OFFER-6")
    await gone.leave()
    cast.refused(await cast.offer_until_gone(gone, woman), "LOGIN-7")
    cast.refused(await man.try_offer(gone.login), "OFFER-6")


@requirement("OFFER-6", "ANSWER-7", "HTTP-12")
async def test_a_sid_and_the_members_of_every_object_are_no_users(cast: Cast) -> None:
    """What a room or a property is called by itself finds nobody, and nothing falls over it."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)

    async def expect_nobody(name: str, login: str) -> None:
        with cast.in_case(name):
            cast.refused(await man.try_offer(login), "OFFER-6")
            cast.refused(await woman.try_answer(offer, named=login), "ANSWER-7")

    sids = {"a sid": woman.sid, "its own sid": man.sid, "an Engine.IO sid": woman.engine_sid}
    cases = sids | {name: name for name in RESERVED}
    await asyncio.gather(*(expect_nobody(name, login) for name, login in cases.items()))
    await man.hears(await woman.answer(offer, named=True))


@requirement("OFFER-6")
async def test_a_connection_that_has_not_logged_in_cannot_be_called(cast: Cast) -> None:
    """A connected socket is not yet a user."""
    man, woman = await cast.enter("man", "woman")
    silent = await cast.connect("silent")
    cast.refused(await man.try_offer(cast.login("silent")), "OFFER-6")
    await woman.hears(await man.offer(woman))
    await silent.log_in(silent.identity)
    await silent.hears(await man.offer(silent))


@requirement("OFFER-7")
async def test_a_refused_offer_is_not_delivered_when_the_login_comes_online(cast: Cast) -> None:
    """The reciever logs in just after the refusal and hears the next offer only."""
    man = await cast.enter_one("man")
    refused = await man.try_offer(cast.login("woman"))
    cast.refused(refused, "OFFER-7")
    woman = await cast.enter_one("woman")
    cast.refused(await woman.try_answer(refused, named=True), "OFFER-7")
    await cast.exchange(man, woman)


TYPES = ["receiver", "Sender", "RECIEVER", "", "offer", "answer", "sender ", "pranswer", "null"]


@requirement("OFFER-8")
async def test_another_type_is_refused_and_changes_nothing(cast: Cast) -> None:
    """Neither an offer nor an answer under another `type` has any effect."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    for type_ in cast.cases({repr(name): name for name in TYPES}):
        both: dict[str, object] = {"type": type_, "offer": "{}", "answer": "{}", "reciever_login": woman.login}
        attempts = await asyncio.gather(
            man.try_offer(woman, fields={"type": type_}, malformed=True),
            woman.try_answer(offer, fields=both, malformed=True),
        )
        for attempt in attempts:
            cast.refused(attempt, "OFFER-8", client_error=True)
    await man.hears(await woman.answer(offer))


@requirement("OFFER-9")
async def test_a_reoffer_supersedes_an_unanswered_offer(cast: Cast) -> None:
    """Both are forwarded; there is one answer, and then none is left to answer."""
    man, woman = await cast.enter("man", "woman")
    first = await man.offer(woman)
    await woman.hears(first)
    second = await man.offer(woman, requirement="OFFER-9")
    await woman.hears(second, requirement="OFFER-9")
    await man.hears(await woman.answer(second, named=True, requirement="OFFER-9"))
    cast.refused(await woman.try_answer(first, named=True), "OFFER-9")


@requirement("OFFER-9")
async def test_a_reoffer_after_an_answer_can_be_answered(cast: Cast) -> None:
    """Renegotiation: the pair goes round three times."""
    man, woman = await cast.enter("man", "woman")
    for _ in range(3):
        offer = await man.offer(woman, requirement="OFFER-9")
        await woman.hears(offer, requirement="OFFER-9")
        await man.hears(await woman.answer(offer, requirement="OFFER-9"))


@requirement("OFFER-9")
async def test_a_reoffer_from_another_connection_takes_the_answer(cast: Cast) -> None:
    """The sender changes device before the answer: the device that offered last gets it."""
    phone, woman = await cast.enter("man", "woman")
    laptop = await cast.another(phone)
    await woman.hears(await phone.offer(woman))
    offer = await laptop.offer(woman, requirement="OFFER-9")
    await woman.hears(offer)
    await laptop.hears(await woman.answer(offer, named=True), requirement="OFFER-9")


async def expect_both(cast: Cast, answers: list[Posting], at: tuple[Participant, Participant], whose: str) -> None:
    """Expect that the answers to two offers are accepted and come; `whose` says who the offers have in common."""
    earlier, later = answers
    hint = hints.one_row(whose) if later.accepted and not earlier.accepted else None
    for answer, sender in zip(answers, at, strict=True):
        await sender.hears(cast.accepted(answer, "OFFER-10", hint=hint))


@requirement("OFFER-10")
async def test_two_senders_to_one_reciever_do_not_disturb_each_other(cast: Cast) -> None:
    """Both offers can be answered, each answer reaches its own sender."""
    man, boy, woman = await cast.enter("man", "boy", "woman")
    from_man, from_boy = await man.offer(woman), await boy.offer(woman)
    await asyncio.gather(woman.hears(from_man), woman.hears(from_boy))
    answers = [await woman.try_answer(offer, named=True) for offer in (from_man, from_boy)]
    await expect_both(cast, answers, (man, boy), "reciever")


@requirement("OFFER-10")
async def test_one_sender_to_two_recievers_gets_both_answers(cast: Cast) -> None:
    """The offer to the second does not replace the offer to the first."""
    man, woman, girl = await cast.enter("man", "woman", "girl")
    to_woman, to_girl = await man.offer(woman), await man.offer(girl)
    await asyncio.gather(woman.hears(to_woman), girl.hears(to_girl))
    answers = [await woman.try_answer(to_woman), await girl.try_answer(to_girl)]
    await expect_both(cast, answers, (man, man), "sender")


SEPARATORS = (":", "-", "_", "|", ",", "/", ".", " ", "::", "->")
"""What keys are joined with."""


@requirement("OFFER-10")
async def test_pairs_whose_logins_join_to_the_same_text_are_kept_apart(cast: Cast) -> None:
    """`a` and `b:c` beside `a:b` and `c`, whatever the separator: each answer reaches its own sender."""
    man, woman = await cast.enter("a", "c")
    middle = cast.login("b")

    async def user(login: str) -> Participant:
        return await (await cast.connect("joined", login=login)).log_in(login, requirement="LOGIN-4")

    async def cross(separator: str) -> None:
        boy = await user(f"{man.login}{separator}{middle}")
        girl = await user(f"{middle}{separator}{woman.login}")
        to_girl, to_woman = await man.offer(girl), await boy.offer(woman)
        await asyncio.gather(girl.hears(to_girl), woman.hears(to_woman))
        for posting, reciever, sender in ((to_girl, girl, man), (to_woman, woman, boy)):
            answer = await reciever.try_answer(posting, named=True)
            await sender.hears(cast.accepted(answer, "OFFER-10", hint=hints.JOINED), requirement="OFFER-10")

    await asyncio.gather(*map(cross, SEPARATORS))


@requirement("OFFER-11")
@pytest.mark.parametrize("devices", [1, 2])
async def test_a_self_offer_never_comes_back_to_its_connection(cast: Cast, devices: int) -> None:
    """It is refused, or delivered to the user's other connections only."""
    man, woman = await cast.enter("man", "woman")
    others = [await cast.another(man) for _ in range(devices - 1)]
    posting = await man.try_offer(man)
    if posting.accepted and others:
        for other in others:
            await other.hears(posting, requirement="OFFER-11")
    else:
        cast.refused(posting, "OFFER-11")
    await cast.exchange(man, woman)
    cast.expect(
        "OFFER-11",
        not posting.at(man),
        expected="no event at the connection that posted the self-offer",
        received="the sender_offer" if len(posting.at(man)) == 1 else f"{len(posting.at(man))} of them",
    )


@requirement("OFFER-4")
async def test_the_description_is_forwarded_whatever_json_escapes_the_client_uses(cast: Cast) -> None:
    """The body escapes every character to ASCII; the decoded text counts."""
    man, woman = await cast.enter("man", "woman")
    marked = cast.marked(
        "offer", lambda m: json.dumps({"type": "offer", "sdp": f"s={m} é😀\u2028"}, ensure_ascii=False)
    )
    fields = {"sid": man.sid, "type": "sender", "reciever_login": woman.login, "offer": marked.text}
    body = Body(json.dumps(fields, ensure_ascii=True).encode(), Encoding.JSON.value)
    posting = await man.try_offer(woman, carrying=marked, body=body)
    await woman.hears(cast.accepted(posting, "OFFER-4"))
