"""Profile `ice`: which peer a candidate is for, and what becomes of early and late ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.server.conftest import OK, Running, Stage, User, play, serving

from signalproof_server.config import Limits, Settings
from signalproof_server.errors import (
    AlreadyAnswered,
    NoOffer,
    Offline,
    Refusal,
    SelfAddressed,
    Unauthorized,
    UnknownSid,
)
from signalproof_server.exchange import decide
from signalproof_server.states import State
from signalproof_server.values import (
    Answer,
    Candidate,
    Change,
    Connection,
    Emit,
    Facts,
    ForgetHeld,
    Held,
    Hold,
    Offer,
    Pair,
    ReleaseHeld,
)

OFFERED, STABLE = State.OFFERED, State.STABLE
LIMITS = Limits(held_candidates=2, held_seconds=10)
NOW = 100.0

ALICE = Connection(sid="a1", login="alice")
BOB = Connection(sid="b1", login="bob")
BOB_2 = Connection(sid="b2", login="bob")
CAROL = Connection(sid="c1", login="carol")


def offered(sender: str, reciever: str, on: str | None, seq: int) -> Pair:
    """A pair with an unanswered offer."""
    return Pair(sender=sender, reciever=reciever, state=OFFERED, offered_on=on, seq=seq, offer_id=f"id{seq}")


def answered(sender: str, reciever: str, on: str | None, by: str | None, seq: int) -> Pair:
    """A pair whose offer has been answered, one place later."""
    return Pair(
        sender=sender,
        reciever=reciever,
        state=STABLE,
        offered_on=on,
        seq=seq,
        offer_id=f"id{seq}",
        answered_on=by,
        answered_seq=seq + 1,
    )


def alice(
    *pairs: Pair, posted: int | None, peer: Sequence[Connection] = (BOB, BOB_2), held: Sequence[Held] = ()
) -> Facts:
    """What the rules know when alice's connection asks."""
    me = Connection(sid="a1", login="alice", posted=posted)
    return Facts(me=me, mine=(me,), peer=tuple(peer), pairs=pairs, held=tuple(held), now=NOW)


def candidate(login: str | None = None) -> Candidate:
    """Alice's candidate."""
    return Candidate(sid="a1", ice="c", login=login)


def to(*sids: str, ice: str = "c") -> tuple[Emit, ...]:
    """Alice's candidate on these connections."""
    return tuple(Emit(sid=sid, event="ice_candidate", payload={"ice": ice, "login": "alice"}) for sid in sids)


FORWARDED: dict[str, tuple[Facts, Candidate, tuple[Emit, ...]]] = {
    "before the answer to each connection of the reciever": (
        alice(offered("alice", "bob", "a1", 1), posted=1, peer=(BOB, BOB_2, CAROL)),
        candidate(),
        to("b1", "b2"),
    ),
    "ICE-7 after the answer to the one that answered": (
        alice(answered("alice", "bob", "a1", "b2", 1), posted=1),
        candidate("bob"),
        to("b2"),
    ),
    "from the answerer to the connection that offered": (
        alice(answered("bob", "alice", "b2", "a1", 1), posted=2),
        candidate(),
        to("b2"),
    ),
    "ICE-3 with a name to the peer named": (
        alice(offered("alice", "bob", "a1", 1), posted=3),
        candidate("bob"),
        to("b1", "b2"),
    ),
    "ICE-3 without a name to the peer of the last description": (
        alice(offered("alice", "bob", "a1", 1), offered("alice", "carol", "a1", 3), posted=3, peer=(BOB, CAROL)),
        candidate(),
        to("c1"),
    ),
    "ICE-2 crossed offers, an offer last": (
        alice(offered("alice", "bob", "a1", 5), answered("bob", "alice", "b1", "a1", 3), posted=5),
        candidate("bob"),
        to("b1", "b2"),
    ),
    "ICE-2 crossed offers, an answer last": (
        alice(offered("alice", "bob", "a1", 2), answered("bob", "alice", "b1", "a1", 3), posted=4),
        candidate("bob"),
        to("b1"),
    ),
}


@pytest.mark.parametrize("case", FORWARDED)
def test_a_candidate_goes_where_its_negotiation_says(case: str) -> None:
    """ICE-1, ICE-2, ICE-3, ICE-7, CORR-4."""
    facts, request, effects = FORWARDED[case]
    decision = decide(facts, request, LIMITS)
    assert decision.reply.body == {"status": 0}
    assert decision.changes == ()
    assert decision.effects == effects


HELD: dict[str, tuple[Facts, Candidate, str | None]] = {
    "ICE-4 before the first offer, to anybody": (alice(posted=None, peer=()), candidate(), None),
    "ICE-4 before the first offer, to one": (alice(posted=None), candidate("bob"), None),
    "ICE-4 another connection of the sender": (
        alice(offered("alice", "bob", "a2", 1), posted=None),
        candidate("bob"),
        None,
    ),
    "ICE-5 before the answer": (alice(offered("bob", "alice", "b1", 1), posted=None), candidate("bob"), "bob"),
    "ICE-5 before the answer to the latest": (
        alice(offered("bob", "alice", "b1", 2), offered("carol", "alice", "c1", 1), posted=None),
        candidate(),
        "bob",
    ),
    "ICE-5 before the answer to a re-offer": (
        alice(offered("bob", "alice", "b1", 3), posted=2),
        candidate(),
        "bob",
    ),
    "ICE-5 a new offer after a lost one": (
        alice(offered("bob", "alice", "b1", 3), answered("carol", "alice", "c1", "a2", 1), posted=None),
        candidate(),
        "bob",
    ),
    "ICE-4 what is too old does not count": (
        alice(posted=None, held=[Held(ice="x", peer=None, until=NOW)] * 2),
        candidate(),
        None,
    ),
    "ICE-4 the limit is for each name": (
        alice(posted=None, held=[Held(ice="x", peer=None, until=NOW + 1)] * 2),
        candidate("bob"),
        None,
    ),
}


@pytest.mark.parametrize("case", HELD)
def test_an_early_candidate_is_held(case: str) -> None:
    """ICE-4, ICE-5."""
    facts, request, awaited = HELD[case]
    decision = decide(facts, request, LIMITS)
    hold = Hold(sid="a1", ice="c", peer=request.login, awaited=awaited, now=NOW, until=NOW + 10)
    assert decision.changes == (hold,)
    assert decision.effects == ()


REFUSED: dict[str, tuple[Facts, Candidate, type[Refusal]]] = {
    "an unknown sid": (Facts(), candidate(), UnknownSid),
    "oneself": (alice(posted=None, peer=(ALICE,)), candidate("alice"), SelfAddressed),
    "ICE-6 a peer who has gone": (alice(posted=1, peer=()), candidate("bob"), Offline),
    "ICE-6 the peer of the last description has gone": (
        alice(offered("alice", "carol", "a1", 1), posted=3, peer=(CAROL,)),
        candidate(),
        NoOffer,
    ),
    "ICE-6 somebody else than the peer": (alice(posted=1), candidate("bob"), NoOffer),
    "ICE-3 a stranger without a connection": (alice(posted=None, peer=()), candidate("nobody"), Offline),
    "the connection that answered has gone": (
        alice(answered("alice", "bob", "a1", None, 1), posted=1),
        candidate(),
        Offline,
    ),
    "the connection that offered has gone": (
        alice(answered("bob", "alice", None, "a1", 1), posted=2),
        candidate("bob"),
        Offline,
    ),
    "another connection has taken the offer over": (
        alice(offered("alice", "bob", "a2", 2), posted=1),
        candidate("bob"),
        NoOffer,
    ),
    "ICE-7 another connection has answered": (
        alice(answered("bob", "alice", "b1", "a2", 1), posted=None),
        candidate("bob"),
        AlreadyAnswered,
    ),
    "ICE-7 another connection has answered, without a name": (
        alice(answered("bob", "alice", "b1", "a2", 1), posted=None),
        candidate(),
        AlreadyAnswered,
    ),
    "ICE-4 over the limit": (
        alice(posted=None, held=[Held(ice="x", peer=None, until=NOW + 1)] * 2),
        candidate(),
        NoOffer,
    ),
    "AUTH-3 the token of another user": (
        alice(offered("alice", "bob", "a1", 1), posted=1),
        Candidate(sid="a1", ice="c", subject="bob"),
        Unauthorized,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_any_other_candidate_is_refused(case: str) -> None:
    """ICE-3, ICE-6, ICE-7."""
    facts, request, refusal = REFUSED[case]
    with pytest.raises(refusal):
        decide(facts, request, LIMITS)


def test_a_server_that_holds_nothing_refuses_what_is_early() -> None:
    """ICE-4, and the discovery document says so."""
    limits = Limits(held_candidates=0)
    with pytest.raises(NoOffer):
        decide(alice(posted=None), candidate("bob"), limits)
    assert (limits.published()["held_candidates"], limits.published()["held_seconds"]) == (0, 0)


WAITING = (
    Held(ice="1", peer=None, until=NOW + 1),
    Held(ice="old", peer=None, until=NOW),
    Held(ice="2", peer="bob", until=NOW + 1),
    Held(ice="other", peer="carol", until=NOW + 1),
)


def test_an_offer_takes_along_what_has_waited_for_it() -> None:
    """ICE-4: right after the offer, in order; ICE-8: what was for the answer to the last one is forgotten."""
    request = Offer(sid="a1", reciever_login="bob", offer="o")
    decision = decide(alice(posted=None, held=WAITING), request, LIMITS)
    expected = (*to("b1", ice="1"), *to("b1", ice="2"), *to("b2", ice="1"), *to("b2", ice="2"))
    assert [effect.event for effect in decision.effects[:2]] == ["sender_offer"] * 2
    assert decision.effects[2:] == expected
    changes: tuple[Change, ...] = (ReleaseHeld(sid="a1", peer="bob"), ForgetHeld(awaited="alice", login="bob"))
    assert decision.changes[1:] == changes


def test_an_answer_takes_along_what_has_waited_for_it() -> None:
    """ICE-5: to the connection that offered; ICE-7: what other connections have waiting is forgotten."""
    facts = alice(offered("bob", "alice", "b2", 1), posted=None, held=WAITING)
    decision = decide(facts, Answer(sid="a1", answer="a"), LIMITS)
    assert [effect.event for effect in decision.effects[:1]] == ["reciever_answer"]
    assert decision.effects[1:] == (*to("b2", ice="1"), *to("b2", ice="2"))
    changes: tuple[Change, ...] = (ReleaseHeld(sid="a1", peer="bob"), ForgetHeld(awaited="bob", login="alice"))
    assert decision.changes[1:] == changes


# On a real port

DONE = {"status": 0}
TEXTS = ["null", "", '{"candidate":""}', "not JSON \r\n", '{ "candidate" : "c\\u0041" }', "\u2028\U0001f600+%2B&=\0"]


async def candidates(user: User, count: int) -> list[str]:
    """The next candidates on a connection."""
    return [(await user.next_of("ice_candidate"))["ice"] for _ in range(count)]


def test_candidates_go_both_ways_exactly(server: Running) -> None:
    """ICE-1, ICE-2, ICE-9, ICE-11."""

    async def scene(stage: Stage) -> None:
        texts = [*TEXTS, "\u20ac" * (8_192 // 3) + "xx", *map(str, range(100))]
        async with stage.user("alice") as one, stage.user("bob") as two, stage.user("bob") as other:
            assert await stage.offer(one, "bob") == OK
            assert await stage.answer(two) == OK
            await one.next_of("reciever_answer")
            await two.next_of("sender_offer")
            await other.next_of("sender_offer")
            for text in texts:
                assert await stage.ice(one, text) == DONE
                form = await stage.http.post("/ice", data={"sid": two.sid, "ice": text, "login": "alice"})
                assert form.json() == DONE
            assert await candidates(one, len(texts)) == await candidates(two, len(texts)) == texts
            assert one.events[-1] == ("ice_candidate", {"ice": "99", "login": "bob"})
            assert (await stage.ice(other, "late"))["code"] == "already_answered"
            too_long = await stage.http.post("/ice", json={"sid": one.sid, "ice": "x" * 8_193})
            assert (too_long.status_code, too_long.json()["code"]) == (413, "too_large")
            assert len(other.events) == 1

    play(server.url, scene)


def test_early_candidates_follow_their_descriptions(server: Running) -> None:
    """ICE-4, ICE-5."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as one, stage.user("bob") as two:
            early = [str(number) for number in range(64)]
            for text in early:
                assert await stage.ice(one, text) == DONE
            assert (await stage.ice(one, "over"))["code"] == "no_offer"
            assert await stage.ice(one, "named", login="bob") == DONE
            assert (await stage.offer(one, "nobody"))["code"] == "offline"
            assert await stage.offer(one, "bob") == OK
            assert await stage.ice(one, "later") == DONE
            await two.next_of("sender_offer")
            assert await candidates(two, 66) == [*early, "named", "later"]
            assert await stage.ice(two, "e1") == DONE
            assert await stage.ice(two, "e2", login="alice") == DONE
            assert await stage.answer(two) == OK
            assert await stage.ice(two, "later") == DONE
            await one.next_of("reciever_answer")
            assert await candidates(one, 3) == ["e1", "e2", "later"]
            assert await stage.offer(one, "bob") == OK
            await two.next_of("sender_offer")
            assert len(two.events) == 68

    play(server.url, scene)


def test_a_re_offer_forgets_what_was_for_the_superseded_one(server: Running) -> None:
    """ICE-8."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as one, stage.user("bob") as two:
            assert await stage.offer(one, "bob") == OK
            assert await stage.ice(two, "stale", login="alice") == DONE
            assert await stage.ice(two, "stale") == DONE
            assert await stage.offer(one, "bob") == OK
            assert await stage.ice(two, "fresh") == DONE
            assert await stage.answer(two) == OK
            await one.next_of("reciever_answer")
            assert await candidates(one, 1) == ["fresh"]

    play(server.url, scene)


def test_what_a_lost_device_or_a_leaver_has_waiting_is_forgotten(server: Running) -> None:
    """ICE-6, ICE-7."""

    async def scene(stage: Stage) -> None:
        async with stage.user("bob") as two, stage.user("bob") as other:
            async with stage.user("alice") as one:
                assert await stage.offer(one, "bob") == OK
                assert await stage.ice(other, "lost") == DONE
                assert await stage.answer(two) == OK
                assert (await stage.ice(other, "lost", login="alice"))["code"] == "already_answered"
                assert await stage.offer(one, "bob") == OK
                assert await stage.ice(other, "won") == DONE
                assert await stage.answer(other) == OK
                assert (await stage.ice(two, "lost"))["code"] == "already_answered"
                for _ in "12":
                    await one.next_of("reciever_answer")
                assert await candidates(one, 1) == ["won"]
                assert await stage.offer(one, "bob") == OK
                assert await stage.ice(two, "for nobody") == DONE
            await stage.until_offline("alice")
            assert (await stage.ice(two, "gone", login="alice"))["code"] == "offline"
            async with stage.user("alice") as one:
                assert (await stage.ice(other, "gone"))["code"] == "no_offer"
                assert (await stage.ice(two, "gone", login="alice"))["code"] == "no_offer"
                assert await stage.offer(one, "bob") == OK
                assert await stage.answer(two) == OK
                await one.next_of("reciever_answer")
                assert await stage.ice(two, "fence") == DONE
                assert await candidates(one, 1) == ["fence"]

    play(server.url, scene)


def test_candidates_never_reach_a_third_user(server: Running) -> None:
    """ICE-3."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as one, stage.user("bob") as two, stage.user("carol") as third:
            assert await stage.offer(one, "bob") == OK
            assert await stage.offer(one, "carol") == OK
            assert await stage.ice(one, "for carol") == DONE
            assert await stage.ice(one, "for bob", login="bob") == DONE
            await two.next_of("sender_offer")
            await third.next_of("sender_offer")
            assert await candidates(two, 1) == ["for bob"]
            assert await candidates(third, 1) == ["for carol"]
            for login in ("alice", "dave", ""):
                assert (await stage.ice(one, "x", login=login))["status"] == 1

    play(server.url, scene)


def test_early_candidates_can_be_switched_off() -> None:
    """ICE-4: refused, never dropped."""

    async def scene(stage: Stage) -> None:
        found = (await stage.http.get("/.well-known/vcsp")).json()["limits"]
        assert (found["held_candidates"], found["held_seconds"]) == (0, 0)
        async with stage.user("alice") as one, stage.user("bob") as two:
            assert (await stage.ice(one, "early"))["code"] == "no_offer"
            assert await stage.offer(one, "bob") == OK
            assert (await stage.ice(two, "early"))["code"] == "no_offer"
            assert await stage.ice(one, "in time") == DONE
            await two.next_of("sender_offer")
            assert await candidates(two, 1) == ["in time"]

    with serving(settings=Settings(limits=Limits(held_candidates=0))) as running:
        play(running.url, scene)
