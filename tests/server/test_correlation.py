"""Profile `correlation`: the names of offers, and whom an event comes from."""

from __future__ import annotations

import pytest
from tests.server.conftest import OK, Running, Stage, play

from signalproof_server import wire
from signalproof_server.config import Limits
from signalproof_server.errors import AlreadyAnswered, BadRequest, NoOffer, Refusal, Superseded
from signalproof_server.exchange import decide
from signalproof_server.states import State
from signalproof_server.values import Answer, Connection, Facts, Offer, Pair, PutOffer

BOB = Connection(sid="b1", login="bob")
ALICE = Connection(sid="a1", login="alice")


def pair(sender: str, state: State, offer_id: str, seq: int, superseded_id: str | None = None) -> Pair:
    """An offer to bob."""
    return Pair(
        sender=sender,
        reciever="bob",
        state=state,
        offered_on=f"{sender}'s",
        seq=seq,
        offer_id=offer_id,
        superseded_id=superseded_id,
    )


OFFERS = (
    pair("alice", State.OFFERED, "x", 1, "w"),
    pair("carol", State.OFFERED, "y", 2),
    pair("dave", State.OFFERED, "x", 3),
    pair("erin", State.STABLE, "z", 4),
)


def answer(offer_id: str, pairs: tuple[Pair, ...] = OFFERS) -> str:
    """Answer the offer of this name, and say where the answer goes."""
    decision = decide(Facts(me=BOB, pairs=pairs), Answer(sid="b1", answer="a", offer_id=offer_id))
    (effect,) = decision.effects
    assert effect.payload == {"reciever_answer": "a", "reciever_login": "bob", "offer_id": offer_id}
    return effect.sid


def test_an_answer_goes_to_the_offer_it_names() -> None:
    """CORR-1, CORR-3, CORR-4: also if another one is later; the later one of two with the same name."""
    assert answer("y") == "carol's"
    assert answer("x") == "dave's"
    assert answer("x", OFFERS[:1]) == "alice's"


@pytest.mark.parametrize(
    ("offer_id", "refusal"), [("w", Superseded), ("z", AlreadyAnswered), ("unknown", NoOffer), ("X", NoOffer)]
)
def test_an_answer_to_no_current_offer_is_refused(offer_id: str, refusal: type[Refusal]) -> None:
    """CORR-2."""
    with pytest.raises(refusal):
        answer(offer_id)


@pytest.mark.parametrize("named", ["mine", None])
def test_an_offer_keeps_its_name_or_gets_one(named: str | None) -> None:
    """CORR-1."""
    request = Offer(sid="a1", reciever_login="bob", offer="o", offer_id=named)
    decision = decide(Facts(me=ALICE, peer=(BOB,), fresh_id="fresh"), request)
    (put,) = (change for change in decision.changes if isinstance(change, PutOffer))
    assert put.offer_id == decision.effects[0].payload["offer_id"] == (named or "fresh")


@pytest.mark.parametrize("type_", ["sender", "reciever"])
@pytest.mark.parametrize("value", ["", "x" * 65, None, 1, [], "\ud800"])
def test_a_bad_name_is_refused(type_: str, value: object) -> None:
    """HTTP-5; a name of 64 code points is good."""
    fields = {"sid": "s", "type": type_, "reciever_login": "b", "offer": "o", "answer": "a"}
    assert wire.decode_offer(fields | {"offer_id": "\U0001f600" * 64}, Limits()).offer_id == "\U0001f600" * 64
    with pytest.raises(BadRequest):
        wire.decode_offer(fields | {"offer_id": value}, Limits())


def test_names_keep_negotiations_apart(server: Running) -> None:
    """CORR-1, CORR-2, CORR-3, CORR-4."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as one, stage.user("bob") as two, stage.user("carol") as other:
            seen: set[str] = set()
            for _ in range(3):
                assert await stage.offer(one, "bob") == OK
                seen.add((await two.next_of("sender_offer"))["offer_id"])
            assert len(seen) == 3
            assert await stage.offer(one, "bob", offer_id="first") == OK
            assert await stage.offer(one, "bob", offer_id="second") == OK
            assert await stage.offer(other, "bob", offer_id="other") == OK
            assert [(await two.next_of("sender_offer"))["offer_id"] for _ in "123"] == ["first", "second", "other"]
            assert (await stage.answer(two, offer_id="first"))["code"] == "superseded"
            assert (await stage.answer(two, offer_id="unknown"))["code"] == "no_offer"
            assert (await stage.answer(two, offer_id="second", sender_login="carol"))["code"] == "no_offer"
            assert (await stage.answer(one, offer_id="second"))["code"] == "no_offer"
            assert await stage.answer(two, "to alice", offer_id="second") == OK
            assert (await stage.answer(two, offer_id="second"))["code"] == "already_answered"
            assert await stage.answer(two, "to carol") == OK
            expected = {"reciever_answer": "to alice", "reciever_login": "bob", "offer_id": "second"}
            assert await one.next_of("reciever_answer") == expected
            expected = {"reciever_answer": "to carol", "reciever_login": "bob", "offer_id": "other"}
            assert await other.next_of("reciever_answer") == expected
            assert (len(one.events), len(other.events)) == (1, 1)

    play(server.url, scene)
