"""ICE candidates that trickle (spec/ice.md)."""

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
from signalproof.protocol.samples import CANDIDATES, MARKER, RESERVED
from signalproof.protocol.wire import CANDIDATE_BYTES, Encoding, candidate
from signalproof.suite.test_order import THINKING, expect_in_order

requirement = pytest.mark.requirement

TEXTS: dict[str, Callable[[str], str]] = {
    "end_of_candidates": lambda _: "null",
    "empty_candidate": lambda m: json.dumps({"candidate": "", "sdpMid": "0", "usernameFragment": m}),
    "unknown_content": lambda m: json.dumps({"future": m, "candidate": None}),
    "not_json": lambda m: f"candidate {m}",
    "white_space": lambda m: f' {{\r\n\t"candidate" : "{m}" }} \n',
    "escapes": lambda m: '{"candidate":"%s \\u00e9\\/","z":1.50,"a":"é😀\u2028+%%2B&="}' % m,
    "mdns": lambda m: json.dumps({"candidate": f"candidate:0 1 UDP 2 {m}.local 9 typ host tcptype active"}),
}


async def _offered(cast: Cast) -> tuple[Participant, Participant, Posting]:
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    return man, woman, offer


async def _stable(cast: Cast) -> tuple[Participant, Participant]:
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    return man, woman


@requirement("ICE-1")
@pytest.mark.parametrize("encoding", list(Encoding), ids=["json", "form"])
async def test_a_candidate_is_forwarded_character_for_character(cast: Cast, encoding: Encoding) -> None:
    """Whatever it says, it arrives as it was posted, in both directions."""
    man, woman = await _stable(cast)
    for text in cast.cases(TEXTS):
        for author, hearer in ((man, woman), (woman, man)):
            carrying = cast.marked("candidate", text)
            posting = await author.try_candidate(
                [hearer], login=hearer.login, carrying=carrying, encoding=encoding, malformed=True
            )
            await hearer.hears(cast.accepted(posting, "ICE-1"), requirement="ICE-1")


@requirement("ICE-1")
async def test_candidates_of_browsers_and_phones_are_forwarded_whatever_they_are(cast: Cast) -> None:
    """Every type, transport, component, index and mid, and each way to say that no more come; half from each side."""
    man, woman = await _stable(cast)

    async def trickle(author: Participant, hearer: Participant, turn: int) -> None:
        sent: dict[str, Posting] = {}
        for number, (name, text) in enumerate(list(CANDIDATES.items())[turn::2]):
            with cast.in_case(name):
                carrying = cast.marked("candidate", partial(text.replace, MARKER))
                encoding = list(Encoding)[(number + turn) % 2]
                sent[name] = await author.try_candidate(
                    [hearer], login=hearer.login, carrying=carrying, encoding=encoding, malformed=True
                )
                cast.accepted(sent[name], "ICE-1")
        for posting in cast.cases(sent):
            await hearer.hears(posting, requirement="ICE-1", hint=hints.CHOOSY)

    await asyncio.gather(trickle(man, woman, 0), trickle(woman, man, 1))


@requirement("ICE-1")
async def test_a_candidate_that_was_posted_before_is_forwarded_again(cast: Cast) -> None:
    """A peer that repeats itself has its reasons; nobody takes that for a mistake."""
    man, woman = await _stable(cast)
    carrying = cast.marked("candidate", candidate)
    for _ in range(2):
        posting = await man.try_candidate([woman], login=woman.login, carrying=carrying)
        await woman.hears(cast.accepted(posting, "ICE-1"), requirement="ICE-1")


@requirement("ICE-2")
async def test_candidates_arrive_once_and_in_order_at_every_device(cast: Cast) -> None:
    """Before the answer each device of the reciever hears all of the sender's candidates, in order."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    offer = await man.offer(woman)
    await asyncio.gather(woman.hears(offer), tablet.hears(offer))
    sent = [await man.candidate([woman, tablet]) for _ in range(12)]
    await expect_in_order(cast, woman, sent, "ICE-2")
    await expect_in_order(cast, tablet, sent, "ICE-2")


@requirement("ICE-2")
async def test_candidates_arrive_once_and_in_order_during_crossed_offers(cast: Cast) -> None:
    """Both users offer at once and trickle for both negotiations."""
    man, woman = await cast.enter("man", "woman")
    to_woman, to_man = await asyncio.gather(man.offer(woman), woman.offer(man))
    await asyncio.gather(woman.hears(to_woman), man.hears(to_man))

    async def trickle(author: Participant, hearer: Participant) -> list[Posting]:
        return [await author.candidate([hearer], login=hearer.login) for _ in range(8)]

    sent = await asyncio.gather(trickle(man, woman), trickle(woman, man))
    await expect_in_order(cast, woman, sent[0], "ICE-2")
    await expect_in_order(cast, man, sent[1], "ICE-2")
    await man.hears(await woman.answer(to_woman, named=True))
    await woman.hears(await man.answer(to_man, named=True))


@requirement("ICE-3")
async def test_login_selects_the_peer_of_a_candidate(cast: Cast) -> None:
    """A user in two negotiations reaches the one that is named, and never both."""
    man, woman, girl, stranger = await cast.enter("man", "woman", "girl", "stranger")
    await cast.exchange(man, woman)
    await cast.exchange(man, girl)
    for peer in (woman, girl, woman):
        await peer.hears(await man.candidate([peer], login=peer.login, requirement="ICE-3"), requirement="ICE-3")
        await man.hears(await peer.candidate([man], requirement="ICE-3"), requirement="ICE-3")
    for login in (stranger.login, cast.nobody, man.login, "", woman.sid, *RESERVED[:2]):
        cast.refused(await man.try_candidate([], login=login, malformed=not login), "ICE-3")


@requirement("ICE-3")
async def test_a_candidate_without_login_goes_to_the_latest_negotiation_of_its_connection(cast: Cast) -> None:
    """Each of two devices has a call of its own; the later call of one does not draw the other's candidates."""
    phone, woman, girl = await cast.enter("man", "woman", "girl")
    laptop = await cast.another(phone)
    await cast.exchange(phone, woman)
    await cast.exchange(laptop, girl)
    await woman.hears(await phone.candidate([woman], requirement="ICE-3"), requirement="ICE-3")
    await girl.hears(await laptop.candidate([girl], requirement="ICE-3"), requirement="ICE-3")
    await cast.exchange(phone, girl)
    await girl.hears(await phone.candidate([girl], requirement="ICE-3"), requirement="ICE-3")


@requirement("ICE-4")
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
async def test_candidates_before_the_offer_are_held_or_refused(cast: Cast, named: bool) -> None:
    """What is accepted comes right after `sender_offer`, in order; nothing is accepted and dropped."""
    man, woman = await cast.enter("man", "woman")
    login = woman.login if named else None
    early = [await man.try_candidate([woman], login=login) for _ in range(5)]
    kept = [posting for posting in early if posting.accepted]
    for posting in early:
        if not posting.accepted:
            cast.refused(posting, "ICE-4")
    offer = await man.offer(woman)
    await woman.hears(offer)
    late = await man.candidate([woman], login=woman.login)
    for posting in kept:
        await woman.hears(posting, requirement="ICE-4")
    await expect_in_order(
        cast, woman, [offer, *kept, late], "ICE-4", hint="Hold candidates until there is an offer, or refuse them."
    )


@requirement("ICE-4")
async def test_64_candidates_before_the_offer_are_held_or_refused(cast: Cast) -> None:
    """As many as a server has to hold at least, if it holds any."""
    man, woman = await cast.enter("man", "woman")
    early = await asyncio.gather(*(man.try_candidate([woman], login=woman.login) for _ in range(64)))
    kept = [posting for posting in early if posting.accepted]
    cast.expect(
        "ICE-4",
        len(kept) in {0, 64},
        expected="all of 64 early candidates to be held, or all to be refused",
        received=f"{len(kept)} accepted",
    )
    for posting in early:
        if not posting.accepted:
            cast.refused(posting, "ICE-4")
    offer = await man.offer(woman)
    first = await woman.hears(offer)
    late = await man.candidate([woman])
    for posting in (*kept, late):
        heard = await woman.hears(posting, requirement="ICE-4")
        cast.expect("ICE-4", heard.at >= first.at, expected="candidates after sender_offer", received="one before it")


@requirement("ICE-5")
async def test_the_recievers_candidates_before_its_answer_are_held_or_refused(cast: Cast) -> None:
    """What is accepted comes after `reciever_answer`, in order."""
    man, woman, offer = await _offered(cast)
    early = [await woman.try_candidate([man], login=man.login) for _ in range(5)]
    kept = [posting for posting in early if posting.accepted]
    for posting in early:
        if not posting.accepted:
            cast.refused(posting, "ICE-5")
    answer = await woman.answer(offer, named=True)
    await man.hears(answer)
    late = await woman.candidate([man], login=man.login)
    for posting in kept:
        await man.hears(posting, requirement="ICE-5")
    await expect_in_order(
        cast, man, [answer, *kept, late], "ICE-5", hint="Hold candidates until there is an answer, or refuse them."
    )


@requirement("ICE-6")
async def test_candidates_outside_any_negotiation_are_refused(cast: Cast) -> None:
    """A stranger to a negotiation, and a user whose only peer has gone, have nobody to send them to."""
    man, woman, witness, loner = await cast.enter("man", "woman", "witness", "loner")
    await cast.exchange(man, woman)
    await woman.hears(await man.candidate([woman], login=woman.login))
    for login in (loner.login, cast.nobody):
        cast.refused(await loner.try_candidate([], login=login), "ICE-6")
    await cast.exchange(loner, witness)
    cast.refused(await loner.try_candidate([], login=woman.login), "ICE-6")
    await woman.leave()
    cast.refused(await cast.offer_until_gone(woman, witness), "LOGIN-7")
    cast.refused(await man.try_candidate([], login=woman.login), "ICE-6")
    back = await cast.another(woman)
    cast.refused(await man.try_candidate([], login=back.login), "ICE-6")
    await back.hears(await man.offer(back))


@requirement("ICE-6")
async def test_candidates_need_a_valid_sid(cast: Cast) -> None:
    """A sid that is unknown, not logged in or that of Engine.IO has no negotiation."""
    man, woman = await _stable(cast)
    silent = await cast.connect("silent")
    for sid in (f"{man.sid[:-1]}~", silent.sid, man.engine_sid):
        if sid != man.sid:
            cast.refused(await man.try_candidate([], fields={"sid": sid}), "ICE-6")
    await woman.hears(await man.candidate([woman]))


@requirement("ICE-7")
async def test_after_the_answer_candidates_are_between_the_two_devices_of_the_call(cast: Cast) -> None:
    """The sender's go to the device that answered only, and those of the other device are refused."""
    man, phone = await cast.enter("man", "woman")
    tablet = await cast.another(phone)
    offer = await man.offer(phone)
    await asyncio.gather(phone.hears(offer), tablet.hears(offer))
    await man.hears(await tablet.answer(offer))
    await tablet.hears(await man.candidate([tablet], tolerated=[phone]))
    await man.hears(await tablet.candidate([man]))
    odd = await phone.try_candidate([], tolerated=[man], login=man.login)
    cast.expect(
        "ICE-7",
        not odd.accepted,
        expected="a refusal of the candidate of a device that did not answer",
        received=odd.reply.describe() if odd.reply else "nothing",
    )
    await tablet.hears(await man.candidate([tablet], tolerated=[phone]))


@requirement("ICE-8")
async def test_candidates_before_a_reoffer_do_not_come_after_it(cast: Cast) -> None:
    """The reciever posts candidates for the first offer; then comes a re-offer, and an answer to that."""
    man, woman, _ = await _offered(cast)
    stale = [await woman.try_candidate([], elsewhere="ICE-8", login=man.login) for _ in range(3)]
    for posting in stale:
        if not posting.accepted:
            cast.refused(posting, "ICE-8")
    again = await man.offer(woman)
    await woman.hears(again)
    for posting in stale:
        posting.overlook()  # what came before the re-offer, if too early for ICE-5, is not late
    answer = await woman.answer(again, named=True)
    await man.hears(answer)
    await man.hears(await woman.candidate([man], login=man.login))


@requirement("ICE-9")
async def test_a_burst_of_100_candidates_is_not_throttled(cast: Cast) -> None:
    """All of them are accepted and arrive."""
    man, woman = await _stable(cast)
    burst = await asyncio.gather(*(man.try_candidate([woman], login=woman.login) for _ in range(100)))
    accepted = [posting for posting in burst if posting.accepted]
    slow = sum(posting.reply is not None and posting.reply.late for posting in burst)
    if slow and slow + len(accepted) == len(burst):
        cast.not_testable(
            f"{slow} of 100 candidates at once got no reply in time; this target is slow, be they many or few"
        )
    cast.expect(
        "ICE-9",
        len(accepted) == len(burst),
        expected="100 candidates to be accepted",
        received=f"{len(accepted)} accepted",
    )
    for posting in accepted:
        await woman.hears(posting)


@requirement("ICE-10")
@pytest.mark.webrtc
@pytest.mark.parametrize("early", [False, True], ids=["after_the_answer", "before_the_answer"])
async def test_two_peers_connect_by_trickle_alone(cast: Cast, early: bool) -> None:
    """Descriptions without candidates, every candidate through `/ice`."""
    man, woman = await cast.enter("man", "woman")
    call = await cast.trickle_call(man, woman, early=early)
    await call.offerer.says("hello", call.answerer, cast.target.timeout)
    await call.answerer.says("hello yourself", call.offerer, cast.target.timeout)


@requirement("ICE-11")
@pytest.mark.parametrize("encoding", list(Encoding), ids=["json", "form"])
async def test_a_candidate_of_8192_bytes_is_forwarded(cast: Cast, encoding: Encoding) -> None:
    """The longest candidate that every server takes."""
    man, woman = await _stable(cast)

    def long(marker: str) -> str:
        text = candidate(marker)
        return text.replace("typ host", "typ host " + "x" * (CANDIDATE_BYTES - len(text) - 1))

    carrying = cast.marked("candidate", long)
    posting = await man.try_candidate([woman], carrying=carrying, encoding=encoding)
    await woman.hears(cast.accepted(posting, "ICE-11"), requirement="ICE-11")


async def _hold_early(cast: Cast, author: Participant, hearer: Participant, requirement: str) -> list[Posting]:
    """Post two early candidates and give those that are held; a server may refuse them."""
    early = [await author.try_candidate([hearer], login=hearer.login) for _ in range(2)]
    for posting in early:
        if not posting.accepted:
            cast.refused(posting, requirement)
    return [posting for posting in early if posting.accepted]


SOON = THINKING["for_6_s"]


@requirement("ICE-4", "ICE-5")
@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(SOON, marks=pytest.mark.slow(SOON), id="for_6_s"),
        pytest.param(None, marks=pytest.mark.slow("held_seconds"), id="to_the_end"),
    ],
)
async def test_early_candidates_are_held_until_shortly_before_their_time_is_over(
    cast: Cast, seconds: float | None
) -> None:
    """What was accepted comes, also a second before the hold time that was published ends."""
    man, woman, lady = await cast.enter("man", "woman", "lady")
    offer = await man.offer(woman)
    await woman.hears(offer)
    before_answer = await _hold_early(cast, woman, man, "ICE-5")
    before_offer = await _hold_early(cast, lady, man, "ICE-4")
    end = cast.target.limits.get("held_seconds", 10) - 1
    await cast.pause(min(seconds or end, end) if before_answer or before_offer else 0)
    await man.hears(await woman.answer(offer, named=True))
    await man.hears(await lady.offer(man))
    for requirement_id, postings in (("ICE-5", before_answer), ("ICE-4", before_offer)):
        for posting in postings:
            await man.hears(posting, requirement=requirement_id)
    await woman.hears(await man.candidate([woman], login=woman.login))
