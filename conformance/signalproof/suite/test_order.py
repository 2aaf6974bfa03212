"""Order (spec/order.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import product
from statistics import quantiles
from time import perf_counter

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.judge import hints
from signalproof.judge.posting import Posting
from signalproof.protocol.samples import MARKER, descriptions

requirement = pytest.mark.requirement


FEW = 20
"""Events whose whole order is told."""


async def expect_in_order(
    cast: Cast, at: Participant, sent: list[Posting], under: str = "ORDER-1", *, hint: str = hints.ONE_PATH
) -> None:
    """Expect the events of requests that were sent one after the other in their order at one connection."""
    for posting in sent:
        await at.hears(posting)
    order = {posting.marker: number for number, posting in enumerate(sent)}
    arrived = sorted((posting.at(at)[0].at, order[posting.marker]) for posting in sent)
    numbers = [number for _, number in arrived]
    if numbers == sorted(numbers):
        return
    cast.expect(
        under,
        False,
        expected=f"{len(sent)} events at {at.name} in the order of their requests",
        received=f"the order {' '.join(map(str, numbers))}" if len(sent) <= FEW else _overtaken(sent, numbers),
        hint=hint,
    )


def _overtaken(sent: list[Posting], numbers: list[int]) -> str:
    """Say which event was overtaken first, and how many were."""
    place = {number: position for position, number in enumerate(numbers)}
    late = [number for number in range(len(sent) - 1) if place[number] > place[number + 1]]
    first = late[0]
    events = (f"{sent[number].kind.event} of request {number}" for number in (first + 1, first))
    return f"{' before the '.join(events)}, and {len(late) - 1} more that were overtaken"


@requirement("ORDER-1")
async def test_offers_arrive_in_the_order_of_their_requests(cast: Cast) -> None:
    """Fifteen offers, each sent after the reply to the one before it, at two devices."""
    man, woman = await cast.enter("man", "woman")
    tablet = await cast.another(woman)
    sent = [await man.offer(woman) for _ in range(15)]
    await expect_in_order(cast, woman, sent)
    await expect_in_order(cast, tablet, sent)


@requirement("ORDER-1")
async def test_events_of_different_kinds_arrive_in_the_order_of_their_requests(cast: Cast) -> None:
    """Offers from one user and answers from another reach a third in the order of the requests."""
    man, woman, hub = await cast.enter("man", "woman", "hub")
    sent: list[Posting] = []
    for _ in range(5):
        offer = await hub.offer(woman)
        await woman.hears(offer)
        sent.append(await man.offer(hub))
        sent.append(await woman.answer(offer, named=True))
        sent.append(await man.offer(hub))
    await expect_in_order(cast, hub, sent)


@requirement("ORDER-1")
async def test_large_events_are_not_overtaken_by_small_ones(cast: Cast) -> None:
    """Descriptions of 56 kB and of 100 bytes in turn, of one author and of two, and candidates between them."""
    man, boy, hub = await cast.enter("man", "boy", "hub")
    large = partial(descriptions()["1500_lines"].replace, MARKER)
    sent: list[Posting] = []
    for _ in range(4):
        sent.append(await man.offer(hub, carrying=cast.marked("offer", large)))
        sent.append(await boy.offer(hub))
        sent.append(await boy.offer(hub, carrying=cast.marked("offer", large)))
        if "ice" in cast.target.profiles:
            sent.append(await boy.candidate([hub], login=hub.login))
        sent.append(await boy.offer(hub))
    await expect_in_order(cast, hub, sent)


ROUNDS, MOST_ROUNDS, ROUNDS_SECONDS = 4, 6, 0.5
"""How often each kind of event follows each other kind at least, and at most, where that is quick."""


async def _acts(cast: Cast) -> tuple[Participant, list[Callable[[], Awaitable[Posting]]]]:
    """Bring on a hub, and whoever can raise an event of each kind there, again and again, whatever came before."""
    hub, man, woman, girl = await cast.enter("hub", "man", "woman", "girl")

    async def answer() -> Posting:
        return await woman.answer(await hub.offer(woman), named=True)

    acts: list[Callable[[], Awaitable[Posting]]] = [lambda: man.offer(hub), answer]
    if {"ice", "call"} & set(cast.target.profiles):
        await cast.exchange(girl, hub)
    if "ice" in cast.target.profiles:
        acts.append(lambda: girl.candidate([hub], login=hub.login))
    if "call" in cast.target.profiles:
        boy, lady = await cast.enter("boy", "lady")

        async def decline() -> Posting:
            await hub.ring(lady)
            return await lady.decline(hub)

        acts += [lambda: boy.ring(hub), decline, lambda: girl.refresh(hub)]
    return hub, acts


@requirement("ORDER-5")
async def test_every_kind_of_event_is_text_with_one_argument_and_asks_for_nothing(cast: Cast) -> None:
    """No binary data, nothing behind the object, and no acknowledgement, which clients never give."""
    hub, acts = await _acts(cast)
    for posting in [await act() for act in acts]:
        await hub.hears(posting)


def _each_after_each(count: int) -> list[int]:
    """Give numbers below `count` in an order in which each follows each other one, and itself, once."""
    left, path, walk = set(product(range(count), repeat=2)), [0], list[int]()
    while path:
        here = path[-1]
        following = next((there for there in range(count) if (here, there) in left), None)
        if following is None:
            walk.append(path.pop())
        else:
            left.discard((here, following))
            path.append(following)
    return walk[::-1]


@requirement("ORDER-1")
@pytest.mark.alone
async def test_events_of_all_kinds_arrive_in_the_order_of_their_requests(cast: Cast) -> None:
    """Each kind follows each other kind at one connection, on the same and on another endpoint, several times."""
    hub, acts = await _acts(cast)
    began, rounds, sent = perf_counter(), 0, list[Posting]()
    while rounds < ROUNDS or (rounds < MOST_ROUNDS and perf_counter() - began < ROUNDS_SECONDS):
        sent += [await acts[number]() for number in _each_after_each(len(acts))[1:]]
        rounds += 1
    await expect_in_order(cast, hub, sent)


@requirement("ORDER-2")
async def test_24_pairs_signal_at_once_without_loss_or_mixture(cast: Cast) -> None:
    """Each pair does offer, answer and the same in reverse; every event comes once and to its user."""
    names = [name for number in range(24) for name in (f"man{number}", f"woman{number}")]
    users = await cast.enter(*names)
    pairs = list(zip(users[::2], users[1::2], strict=True))

    async def converse(man: Participant, woman: Participant) -> None:
        for sender, reciever in ((man, woman), (woman, man)):
            await cast.exchange(sender, reciever, elsewhere="ORDER-2", requirement="ORDER-2")

    await asyncio.gather(*(converse(man, woman) for man, woman in pairs))


@requirement("ORDER-2")
async def test_24_senders_call_one_reciever_at_once(cast: Cast) -> None:
    """All offers arrive, and each answer goes to its own sender."""
    woman = await cast.enter_one("woman")
    men = await cast.enter(*(f"man{number}" for number in range(24)))

    async def converse(man: Participant) -> None:
        offer = await man.offer(woman, elsewhere="ORDER-2", requirement="ORDER-2")
        await woman.hears(offer, requirement="ORDER-2")
        await man.hears(await woman.answer(offer, named=True, requirement="ORDER-2"), requirement="ORDER-2")

    await asyncio.gather(*(converse(man) for man in men))


THINKING = {"for_6_s": 6.3, "for_22_s": 22.0}
"""How long people take; while the other checks are under way, or with `--slow`."""
FORGOTTEN = (
    "It was there when it was asked for at once: nothing may have a time to live (`EXPIRE` of Redis, a cache's "
    "timeout, a timer) but early candidates and ringing."
)


@requirement("ORDER-6")
@pytest.mark.parametrize(
    "seconds", [pytest.param(s, marks=pytest.mark.slow(s), id=name) for name, s in THINKING.items()]
)
async def test_nothing_is_forgotten_while_people_take_their_time(cast: Cast, seconds: float) -> None:
    """Between offer and answer, answer and late candidates, login and first request, nothing is said."""
    man, woman, girl, lady = await cast.enter("man", "woman", "girl", "lady")
    tab = await cast.another(girl)
    await cast.exchange(girl, woman)
    offer = await man.offer(woman)
    await woman.hears(offer)
    if "ice" in cast.target.profiles:
        await woman.hears(await girl.candidate([woman], login=woman.login))
    await cast.pause(seconds)

    def kept(posting: Posting) -> Posting:
        return cast.accepted(posting, "ORDER-6", hint=FORGOTTEN)

    answer = kept(await woman.try_answer(offer, named=True))
    await man.hears(answer, requirement="ORDER-6")
    if "ice" in cast.target.profiles:
        late = kept(await girl.try_candidate([woman], login=woman.login))
        await woman.hears(late, requirement="ORDER-6")
    if "call" in cast.target.profiles:
        refresh = kept(await woman.try_refresh(girl))
        await asyncio.gather(*(device.hears(refresh, requirement="ORDER-6") for device in (girl, tab)))
    await man.hears(kept(await tab.try_offer(man)), requirement="ORDER-6")
    await man.hears(kept(await lady.try_offer(man)), requirement="ORDER-6")


@requirement("ORDER-3", "ORDER-4")
@pytest.mark.alone
async def test_events_arrive_soon_after_the_reply(cast: Cast) -> None:
    """Of 80 events on an otherwise quiet target, each comes in 5 s and 95 % in 250 ms and a round trip."""
    users = await cast.enter(*(f"{who}{number}" for number in range(10) for who in ("man", "woman")))

    async def converse(man: Participant, woman: Participant) -> list[float]:
        delays = []
        for _ in range(4):
            offer = await man.offer(woman)
            heard = await woman.hears(offer, requirement="ORDER-3")
            answer = await woman.answer(offer, named=True)
            answered = await man.hears(answer, requirement="ORDER-3")
            delays += [heard.at - offer.replied_at, answered.at - answer.replied_at]
        return delays

    pairs = zip(users[::2], users[1::2], strict=True)
    delays = [d for several in await asyncio.gather(*(converse(*pair) for pair in pairs)) for d in several]
    limit = 0.25 + cast.target.round_trip
    p95 = quantiles(delays, n=20)[-1]
    cast.expect(
        "ORDER-4",
        p95 <= limit,
        expected=f"95 % of events within {limit * 1000:.0f} ms of the reply",
        received=f"{p95 * 1000:.0f} ms",
    )
