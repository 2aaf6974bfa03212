"""Login (spec/login.md)."""

from __future__ import annotations

import asyncio
import math
import unicodedata
from collections.abc import Awaitable, Callable
from itertools import cycle, pairwise
from time import perf_counter

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.connection import is_accepted
from signalproof.cast.participant import Participant
from signalproof.cast.raw_access import VISITS, Patience, Visit, Way
from signalproof.judge.posting import Audience, Posting
from signalproof.protocol.samples import NAMESAKES
from signalproof.protocol.wire import LOGIN_CODE_POINTS, OFFER, login_payload
from signalproof.text.untrusted import read_json

requirement = pytest.mark.requirement


@requirement("LOGIN-1")
async def test_a_websocket_without_polling_speaks_engine_io_4_and_socket_io_5(cast: Cast) -> None:
    """The handshake of a bare WebSocket is that of Engine.IO 4 and Socket.IO 5; calls work over it."""
    opened, connected = await cast.raw.handshake("visitor")
    for packet, prefix, keys in (
        (opened, "0", ("sid", "pingInterval", "pingTimeout")),
        (connected, "40", ("sid",)),
    ):
        text = packet if isinstance(packet, str) else repr(packet)
        try:
            content = read_json(text.removeprefix(prefix))
        except ValueError:
            content = None
        cast.expect(
            "LOGIN-1",
            text.startswith(prefix) and isinstance(content, dict) and all(key in content for key in keys),
            expected=f"a packet {prefix}{{…}} with {', '.join(keys)}",
            received=text[:60],
        )
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    # A server, or the proxy before it, that upgrades only some WebSockets shows it over many.
    await asyncio.gather(*(cast.connect("visitor") for _ in range(24)))


@requirement("LOGIN-2", "OFFER-1", "HTTP-12")
async def test_what_is_a_member_of_every_object_is_a_login_like_any_other(cast: Cast) -> None:
    """`__proto__` and its like log in, call and are called; they leave at once, for another run has them too."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    if not cast.invents:
        return
    namesakes = await asyncio.gather(*(cast.connect(f"namesake{i}", login=name) for i, name in enumerate(NAMESAKES, 1)))
    others = await cast.enter(*(f"man{i}" for i in range(1, len(namesakes) + 1)))

    async def take_part(user: Participant, other: Participant) -> None:
        with cast.in_case(user.identity):
            await user.log_in(user.identity)
            await cast.exchange(other, user)
            await cast.exchange(user, other)

    try:
        await asyncio.gather(*map(take_part, namesakes, others))
    finally:
        await asyncio.gather(*(user.leave() for user in namesakes))


@requirement("LOGIN-2")
async def test_a_sid_is_known_everywhere_once_its_login_is_acknowledged(cast: Cast) -> None:
    """Twelve fresh connections post an offer the moment their login is acknowledged, and get answers."""
    women = await cast.enter(*(f"woman{number}" for number in range(12)))
    await cast.until_known(*women)

    async def come_and_offer(name: str, woman: Participant) -> None:
        man = await cast.enter_one(name)
        offer = await man.offer(woman, requirement="LOGIN-2")
        await woman.hears(offer)
        await man.hears(await woman.answer(offer))

    await asyncio.gather(*(come_and_offer(f"man{number}", woman) for number, woman in enumerate(women)))


@requirement("LOGIN-2")
async def test_a_login_without_a_request_for_an_acknowledgement_binds_too(cast: Cast) -> None:
    """Old clients ask for no acknowledgement; a second later at most they can be called."""
    man, quiet = await cast.enter_one("man"), await cast.connect("quiet")
    await quiet.emit("login", login_payload(quiet.identity))
    quiet.believed(quiet.identity)
    deadline = perf_counter() + 1 + cast.target.round_trip
    offer = await man.try_offer(quiet)
    while not offer.accepted and offer.sent_at < deadline:
        offer = await man.try_offer(quiet)
    await quiet.hears(cast.accepted(offer, "LOGIN-2"), requirement="LOGIN-2")


BAD_LOGINS: dict[str, tuple[object, ...]] = {
    "no_argument": (),
    "string": ("man",),
    "array": (["man"],),
    "null": (None,),
    "missing": ({},),
    "number": ({"login": 7},),
    "null_login": ({"login": None},),
    "object_login": ({"login": {"login": "man"}},),
    "empty": ({"login": ""},),
    "81_code_points": ({"login": "x" * (LOGIN_CODE_POINTS + 1)},),
    "81_astral": ({"login": "😀" * (LOGIN_CODE_POINTS + 1)},),
    "c0": ({"login": "man\n"},),
    "nul": ({"login": "\x00"},),
    "c1": ({"login": "man\x85"},),
}


@requirement("LOGIN-3")
async def test_a_bad_login_is_refused_and_binds_nothing(cast: Cast) -> None:
    """The acknowledgement is a refusal, the sid stays unknown, and a good login on the same socket works."""
    woman, man = await cast.enter_one("woman"), await cast.connect("man")
    for arguments in cast.cases(BAD_LOGINS):
        # Both are under way at once; over a slow link that halves the time.
        ack, posting = await asyncio.gather(
            man.try_log_in(*arguments, requirement="LOGIN-3", overtaken=True), man.try_offer(woman)
        )
        cast.refused_ack("LOGIN-3", ack)
        cast.refused(posting, "LOGIN-3")
        cast.expect("LOGIN-3", man.connected, expected="the socket to stay connected", received=man.ending)
    cast.refused(await man.try_offer(woman), "LOGIN-3")
    await man.log_in(man.identity, requirement="LOGIN-3")
    await woman.hears(await man.offer(woman))


@requirement("LOGIN-3")
@pytest.mark.parametrize("character", ["x", "é", "😀", " "], ids=["ascii", "two_byte", "astral", "space"])
async def test_a_login_of_80_code_points_is_good(cast: Cast, character: str) -> None:
    """Length counts code points, not bytes or UTF-16 units."""
    man = await cast.enter_one("man")
    login = cast.nobody + character * (LOGIN_CODE_POINTS - len(cast.nobody))
    long = await (await cast.connect("long", login=login)).log_in(login, requirement="LOGIN-3")
    await long.hears(await man.offer(long))
    await man.hears(await long.offer(man))


@requirement("LOGIN-4")
@pytest.mark.parametrize(
    "change",
    [str.upper, lambda s: f"{s} ", lambda s: f" {s}", lambda s: unicodedata.normalize("NFD", s)],
    ids=["case", "trailing_space", "leading_space", "unicode_form"],
)
async def test_similar_logins_are_different_users(cast: Cast, change: object) -> None:
    """An offer to one reaches that one only, in both directions of the likeness."""
    assert callable(change)
    man, login = await cast.enter_one("man"), f"{cast.nobody}.café"
    one = await (await cast.connect("one", login=login)).log_in(login, requirement="LOGIN-4")
    other = await (await cast.connect("other", login=change(login))).log_in(change(login), requirement="LOGIN-4")
    await one.hears(await man.offer(one), requirement="LOGIN-4")
    await other.hears(await man.offer(other), requirement="LOGIN-4")
    offer = await other.offer(man)
    await man.hears(offer, requirement="LOGIN-4")
    cast.refused(await man.try_answer(offer, named=one.login), "LOGIN-4")
    await other.hears(await man.answer(offer, named=True, requirement="LOGIN-4"))


@requirement("LOGIN-4")
async def test_a_login_that_differs_by_a_space_is_offline(cast: Cast) -> None:
    """No trimming: an offer to the login with a space behind it reaches nobody."""
    man, woman = await cast.enter("man", "woman")
    cast.refused(await man.try_offer(f"{woman.login} "), "LOGIN-4")
    cast.refused(await man.try_offer(woman.login.upper()), "LOGIN-4")
    await woman.hears(await man.offer(woman))


@requirement("LOGIN-5")
async def test_a_login_has_several_live_connections(cast: Cast) -> None:
    """Each of three connections can offer, and hears what comes for the user."""
    man, woman = await cast.enter("man", "woman")
    devices = [woman, await cast.another(woman), await cast.another(woman)]
    offer = await man.offer(woman)
    for device in devices:
        await device.hears(offer, requirement="LOGIN-5")
    for device in devices:
        await man.hears(await device.offer(man, requirement="LOGIN-5"))


@requirement("LOGIN-5")
async def test_tabs_that_come_at_the_same_moment_hear_alike(cast: Cast) -> None:
    """A browser opens three tabs of a user at once, four times: no tab takes the place of another."""
    man = await cast.enter_one("man")
    tabs: list[Participant] = []
    for _ in range(4):
        new = await asyncio.gather(*(cast.connect("woman") for _ in range(3)))
        tabs += await asyncio.gather(*(tab.log_in(tab.identity, requirement="LOGIN-5") for tab in new))
        offer = await man.offer(tabs[0])
        for tab in tabs:
            await tab.hears(offer, requirement="LOGIN-5")


@requirement("LOGIN-6")
async def test_one_of_two_logins_at_the_same_moment_is_refused(cast: Cast) -> None:
    """The connection belongs to the one that was accepted, and the other one stays offline; three times."""
    man = await cast.enter_one("man")
    for number in range(3):
        odd = await cast.connect("odd")
        both = (odd.identity, f"{cast.nobody}.{number}")
        acks = await asyncio.gather(*(odd.try_log_in(login_payload(login)) for login in both))
        accepted = [login for login, ack in zip(both, acks, strict=True) if is_accepted(ack)]
        cast.expect(
            "LOGIN-6",
            len(accepted) == 1,
            expected="one of two different logins at the same moment to be accepted, and the other one refused",
            received=f"{len(accepted)} accepted",
            hint="Between the look whether the connection is bound and the binding nothing else may run: one statement "
            "whose row count decides, a unique key on the sid, or a lock.",
        )
        odd.believed(accepted[0])
        for login in both:
            if login != odd.login:
                cast.refused(await man.try_offer(login), "LOGIN-6")
        await odd.hears(await man.offer(odd, requirement="LOGIN-6"), requirement="LOGIN-6")
        await odd.leave()
        cast.refused(await cast.offer_until_gone(odd, man), "LOGIN-7")


@requirement("LOGIN-6")
async def test_repeating_the_same_login_is_harmless(cast: Cast) -> None:
    """The second acknowledgement is a success, and each event still comes once."""
    man, woman = await cast.enter("man", "woman")
    await woman.log_in(woman.login, requirement="LOGIN-6")
    await man.log_in(man.login, requirement="LOGIN-6")
    offer = await cast.exchange(man, woman, requirement="LOGIN-6")
    # What comes after a later event, and is not there yet, was not sent twice at once.
    await cast.exchange(man, woman, requirement="LOGIN-6")
    count = len(offer.at(woman))
    cast.expect("LOGIN-6", count == 1, expected="the first offer once at woman", received=f"{count} times")


@requirement("LOGIN-6")
async def test_a_different_login_on_a_connection_is_refused(cast: Cast) -> None:
    """The first binding stays, in both directions, and the second login stays offline."""
    man, woman = await cast.enter("man", "woman")
    cast.refused_ack("LOGIN-6", await woman.try_log_in(login_payload(cast.nobody)))
    await cast.exchange(man, woman)
    await man.hears(await woman.offer(man), requirement="LOGIN-6")
    cast.refused(await man.try_offer(cast.nobody), "LOGIN-6")


IDLE_SECONDS = 6.3
"""How long nothing is said while the other checks are under way: servers and proxies close after 5 or 6."""


@requirement("LOGIN-11")
@pytest.mark.slow(IDLE_SECONDS)
async def test_a_connection_stays_open_while_nothing_is_said(cast: Cast) -> None:
    """A user who waits for a call for some seconds can be called, and calls back."""
    man, woman = await cast.enter("man", "woman")
    await cast.pause(IDLE_SECONDS)
    await cast.exchange(man, woman)
    await man.hears(await woman.offer(man))


@requirement("LOGIN-11")
@pytest.mark.slow("ping_seconds")
async def test_a_connection_is_pinged_in_the_time_that_was_announced(cast: Cast) -> None:
    """Clients give up a connection that is not; the kit's own do so too."""
    man, woman = await cast.enter("man", "woman")
    await cast.pause(cast.target.limits["ping_seconds"] + 1)
    await cast.exchange(man, woman)
    await man.hears(await woman.offer(man))


@requirement("LOGIN-7")
async def test_a_sid_is_worthless_within_a_second_of_leaving(cast: Cast) -> None:
    """After a graceful disconnect the sid is refused, at the latest after 1 s."""
    man, woman = await cast.enter("man", "woman")
    await woman.hears(await man.offer(woman))
    await man.leave()
    cast.refused(await cast.offer_until_gone(man, woman), "LOGIN-7")


@requirement("LOGIN-7")
@pytest.mark.early
async def test_a_visit_of_a_moment_leaves_no_sid_behind(cast: Cast) -> None:
    """However a connection closes, and whether it waits for the acknowledgement of its login or not."""
    man, woman = await cast.enter("man", "woman")
    await woman.hears(await man.offer(woman))

    async def come_and_go(number: int, patience: Patience, way: Way) -> list[Visit]:
        return [await cast.raw.visit(f"visitor{number}", patience, way) for _ in range(4)]

    visits = await asyncio.gather(*(come_and_go(number, *manner) for number, manner in enumerate(VISITS.values())))
    await cast.pause(1 + cast.target.round_trip)

    async def come_back(visit: Visit) -> Posting:
        return await man.try_offer(woman, fields={"sid": visit.sid}, authorization=visit.authorization)

    postings = [await asyncio.gather(*map(come_back, several)) for several in visits]
    for several in cast.cases(dict(zip(VISITS, postings, strict=True))):
        for posting in several:
            cast.refused(posting, "LOGIN-7")


@requirement("LOGIN-8")
async def test_a_connection_that_leaves_takes_no_other_with_it(cast: Cast) -> None:
    """The tablet stays reachable, keeps its sid and the offer made to the user, when the phone leaves."""
    man, phone, witness = await cast.enter("man", "woman", "witness")
    tablet = await cast.another(phone)
    offer = await man.offer(phone)
    await tablet.hears(offer)
    await phone.leave()
    cast.refused(await cast.offer_until_gone(phone, witness), "LOGIN-7")
    await man.hears(await tablet.answer(offer, requirement="LOGIN-8"), requirement="LOGIN-8")
    await tablet.hears(await man.offer(tablet, requirement="LOGIN-8"), requirement="LOGIN-8")


@requirement("LOGIN-8")
async def test_a_connection_that_leaves_after_a_new_login_harms_nobody(cast: Cast) -> None:
    """A page is reloaded: the new connection logs in, then the old one goes, then once more."""
    man, woman = await cast.enter("man", "woman")
    old: Participant = woman
    for _ in range(3):
        new = await cast.another(old)
        await old.leave()
        await new.hears(await man.offer(new, requirement="LOGIN-8"), requirement="LOGIN-8")
        await man.hears(await new.offer(man, requirement="LOGIN-8"))
        old = new


LEAVING = 5
"""Connections that leave in each round."""


@requirement("LOGIN-8", "HTTP-12")
async def test_an_event_for_connections_that_are_just_leaving_hurts_nobody(cast: Cast) -> None:
    """Twenty tabs close, in every way, around the moment of an event; it comes at those that stay, old and new."""
    man, woman = await cast.enter("man", "woman")
    posts: dict[str, Callable[[], Awaitable[Posting]]] = {
        "offer": lambda: man.offer(woman, requirement="LOGIN-8"),
        "reoffer": lambda: man.offer(woman, requirement="LOGIN-8"),
        "candidate": lambda: man.candidate(man.live_with(woman.login), login=woman.login, requirement="LOGIN-8"),
        "call": lambda: man.ring(woman, requirement="LOGIN-8"),
    }
    if "ice" not in cast.target.profiles:
        posts["candidate"] = posts["offer"]
    if "call" not in cast.target.profiles:
        posts["call"] = posts["offer"]
    before = await man.offer(woman)
    await woman.hears(before)
    for post in cast.cases(posts):
        guests = await asyncio.gather(*(cast.raw.guest("woman") for _ in range(LEAVING)))
        tab = await cast.another(woman)
        span = before.replied_at - before.sent_at
        manners = enumerate(zip(guests, cycle(Way), strict=False))
        leaving = asyncio.gather(*(guest.leave(way, after=span * n / LEAVING) for n, (guest, way) in manners))
        posting = await post()
        await leaving
        for staying in (woman, tab):
            await staying.hears(posting, requirement="LOGIN-8")
        await tab.leave()


@requirement("LOGIN-8")
@pytest.mark.slow("silent_loss_seconds")
async def test_a_lost_connection_takes_none_with_it_that_came_after(cast: Cast) -> None:
    """A device drops off the network, its user comes back on a new connection, and then the loss is noticed."""
    man = await cast.enter_one("man")
    ghost = await cast.raw.silent_connection("woman")
    woman = await cast.connect("woman", login=ghost)
    await woman.log_in(ghost, requirement="LOGIN-5")
    await woman.hears(await man.offer(woman))
    await cast.raw.until_noticed(ghost)
    await woman.hears(await man.offer(woman, requirement="LOGIN-8"), requirement="LOGIN-8")
    await man.hears(await woman.offer(man, requirement="LOGIN-8"))


@requirement("LOGIN-9")
async def test_sids_are_fresh_and_unguessable(cast: Cast) -> None:
    """Of 200 connections and more, all of this run, the sids are distinct and vary by 64 bits and more."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    while len(sids := cast.sids_of_the_run()) < 200:
        visitors = await asyncio.gather(*(cast.connect("visitor") for _ in range(min(20, 200 - len(sids)))))
        await asyncio.gather(*(visitor.close() for visitor in visitors))
    shortest = min(map(len, sids))
    cast.expect("LOGIN-9", shortest >= 16, expected="16 characters and more", received=f"{shortest} characters")
    distinct = len(set(sids))
    cast.expect(
        "LOGIN-9", distinct == len(sids), expected=f"{len(sids)} distinct sids", received=f"{distinct} distinct"
    )
    bits = sum(_varying_bits([sid[position] for sid in sids]) for position in range(shortest))
    cast.expect(
        "LOGIN-9",
        bits >= 64,
        expected="64 bits and more that vary without order from sid to sid",
        received=f"{bits:.0f} bits; the rest is constant or counts up",
        hint="Take sids from a cryptographic random source, not from a counter, a clock or a row number.",
    )


def _varying_bits(column: list[str]) -> float:
    """Estimate the bits of one character position over many sids in order of connection.

    A position that keeps its value from one sid to the next more often than chance would is part of a
    counter or a clock and holds none.
    """
    values = len(set(column))
    repeats = sum(a == b for a, b in pairwise(column)) / (len(column) - 1)
    return 0.0 if values < 2 or repeats > 0.5 + 0.5 / values else math.log2(values)


HOSTILE_FRAMES: dict[str, tuple[str | bytes, ...]] = {
    "bad_packet_type": ("40", "49"),
    "not_json": ("40", "42["),
    "no_array": ("40", '42{"login":"x"}', '42"login"', "42"),
    "no_event_name": ("40", "42[]", "42[{}]", "42[1,2]"),
    "unknown_namespace": ("40/admin,", '42/admin,["login",{"login":"x"}]'),
    "unknown_event": ("40", '42["nope",{}]', '420["nope"]'),
    "event_before_connect": ('42["login",{"login":"x"}]',),
    "connect_twice": ("40", "40", "40"),
    "unknown_engine_packet": ("9", "x", ""),
    "unasked_pong": ("40", "3", "3probe"),
    "binary": ("40", b"\x00\x01\x02"),
    "binary_event_without_attachments": ("40", '451-["login",{"_placeholder":true,"num":0}]', "2"),
    "placeholder_out_of_range": ("40", '451-["login",{"_placeholder":true,"num":9}]', b"\x00"),
    "huge_attachment_count": ("40", '45999999999-["login"]'),
    "huge_ack_id": ("40", '4299999999999999999999["login",{"login":"x"}]', "43999999[]"),
    "deep_json": ("40", "42" + "[" * 50_000),
    "login_of_2_mb": ("40", '420["login",{"login":"' + "x" * 2_000_000 + '"}]'),
}


@requirement("LOGIN-10")
async def test_hostile_frames_affect_their_own_socket_only(cast: Cast) -> None:
    """Two users go on calling each other while other sockets misbehave, and newcomers can log in."""
    man, woman = await cast.enter("man", "woman")
    sockets = iter(await asyncio.gather(*(cast.raw.socket() for _ in HOSTILE_FRAMES)))
    for frames in cast.cases(HOSTILE_FRAMES):
        socket = next(sockets)
        for frame in frames:
            packet = await cast.raw.connect_packet("hostile") if frame == "40" else frame
            await cast.raw.send(socket, "hostile", packet)
        await woman.hears(await man.offer(woman, requirement="LOGIN-10"), requirement="LOGIN-10")
        cast.expect(
            "LOGIN-10",
            man.connected and woman.connected,
            expected="the sockets of others to stay connected",
            received=(woman if man.connected else man).ending,
        )
    late = await cast.enter_one("late")
    await man.hears(await late.offer(man, requirement="LOGIN-10"), requirement="LOGIN-10")


@requirement("LOGIN-10")
async def test_odd_events_leave_a_logged_in_user_alone(cast: Cast) -> None:
    """Unknown events, binary arguments and events named like the server's own change nothing for others."""
    man, woman = await cast.enter("man", "woman")
    odd = await cast.enter_one("odd")
    await odd.emit("nope", {"login": woman.login})
    forged = odd.draft(OFFER, cast.marked("offer"), Audience(elsewhere="LOGIN-10"))
    await odd.emit("sender_offer", {"sender_login": man.login, "sender_offer": forged.text})
    await odd.emit("login", b"\x00\xff")
    await odd.emit("message", "x" * 10_000)
    await cast.exchange(man, woman, requirement="LOGIN-10")
