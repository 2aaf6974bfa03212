"""Profile `call`: ringing, declining, the status of a user, and the request to start again."""

from __future__ import annotations

import asyncio

import pytest
from tests.server.conftest import OK, Running, Stage, play, serving

from signalproof_server.app import Assembly
from signalproof_server.config import Limits, Settings
from signalproof_server.delivery import Outbox
from signalproof_server.errors import Busy, NoOffer, NotRinging, Offline, Refusal, SelfAddressed, UnknownSid
from signalproof_server.exchange import decide
from signalproof_server.service import Rules, Service
from signalproof_server.states import RingState, State
from signalproof_server.store import Store
from signalproof_server.values import (
    Call,
    Change,
    Connection,
    Decline,
    Emit,
    Facts,
    Offer,
    Pair,
    PutCall,
    PutStatus,
    Refresh,
    Request,
    Ring,
    SetStatus,
)

IDLE, RINGING, ACCEPTED = RingState.IDLE, RingState.RINGING, RingState.ACCEPTED
LIMITS = Limits(ringing_seconds=10)
NOW = 100.0

ALICE = Connection(sid="a1", login="alice")
BOB = Connection(sid="b1", login="bob")
BOB_2 = Connection(sid="b2", login="bob")


def ring(caller: str, callee: str, state: RingState, expires: float = NOW + 1) -> Ring:
    """Write a call in one line."""
    return Ring(caller=caller, callee=callee, state=state, expires=expires)


def alice(*rings: Ring, peer: tuple[Connection, ...] = (BOB, BOB_2), busy: bool = False) -> Facts:
    """What the rules know when alice asks."""
    return Facts(me=ALICE, mine=(ALICE,), peer=peer, rings=rings, peer_busy=busy, now=NOW)


def put(caller: str, callee: str, state: RingState, expires: float = 0.0) -> PutCall:
    """Write a change in one line."""
    return PutCall(caller=caller, callee=callee, state=state, expires=expires)


CALL = Call(sid="a1", login="bob")
DECLINE = Decline(sid="a1", reciever_login="bob")
REFRESH = Refresh(sid="a1", login="bob")
PAIR = Pair(sender="bob", reciever="alice", state=State.OFFERED, offered_on=None, seq=1, offer_id="id")

RUNG = tuple(Emit(sid=sid, event="calling", payload={"login": "alice"}) for sid in ("b1", "b2"))
DECLINED = tuple(Emit(sid=sid, event="decline", payload={"decline": "no", "login": "alice"}) for sid in ("b1", "b2"))
ASKED = tuple(Emit(sid=sid, event="refresh", payload={"refresh": "gogo"}) for sid in ("b1", "b2"))
STARTED = put("alice", "bob", RINGING, NOW + 10)

TAKEN: dict[str, tuple[Facts, Request, tuple[Change, ...], tuple[Emit, ...]]] = {
    "CALL-1 each connection of the callee": (alice(), CALL, (STARTED,), RUNG),
    "CALL-1 once more": (alice(ring("alice", "bob", RINGING)), CALL, (STARTED,), RUNG),
    "CALL-8 after it was accepted": (alice(ring("alice", "bob", ACCEPTED)), CALL, (STARTED,), RUNG),
    "CALL-9 crossed": (alice(ring("bob", "alice", RINGING)), CALL, (STARTED,), RUNG),
    "CALL-5 while it rings": (
        alice(ring("bob", "alice", RINGING)),
        DECLINE,
        (put("bob", "alice", IDLE),),
        DECLINED,
    ),
    "CALL-4 busy": (alice(), SetStatus(sid="a1", busy=True), (PutStatus(login="alice", busy=True),), ()),
    "CALL-4 free": (alice(), SetStatus(sid="a1", busy=False), (PutStatus(login="alice", busy=False),), ()),
    "CALL-10 a peer": (Facts(me=ALICE, peer=(BOB, BOB_2), pairs=(PAIR,)), REFRESH, (), ASKED),
}

REFUSED: dict[str, tuple[Facts, Request, type[Refusal]]] = {
    **{
        f"CALL-13 {type(request).__name__}": (Facts(), request, UnknownSid)
        for request in (CALL, DECLINE, REFRESH, SetStatus(sid="a1", busy=True))
    },
    "CALL-14 oneself": (alice(peer=(ALICE,)), Call(sid="a1", login="alice"), SelfAddressed),
    "CALL-2 offline": (alice(peer=()), CALL, Offline),
    "CALL-3 busy": (alice(busy=True), CALL, Busy),
    "CALL-5 never rung": (alice(), DECLINE, NotRinging),
    "CALL-5 one's own call": (alice(ring("alice", "bob", RINGING)), DECLINE, NotRinging),
    "CALL-6 accepted": (alice(ring("bob", "alice", ACCEPTED)), DECLINE, NotRinging),
    "CALL-11 expired": (alice(ring("bob", "alice", RINGING, NOW)), DECLINE, NotRinging),
    "CALL-10 no negotiation": (alice(), REFRESH, NoOffer),
}


@pytest.mark.parametrize("case", TAKEN)
def test_an_accepted_request_has_these_changes_and_effects(case: str) -> None:
    """Each row is a requirement and what follows from it."""
    facts, request, changes, effects = TAKEN[case]
    decision = decide(facts, request, LIMITS)
    assert decision.reply.body["status"] == 0
    assert isinstance(decision.reply.body["message"], str)
    assert decision.changes == changes
    assert decision.effects == effects


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_raises_its_refusal(case: str) -> None:
    """Each row is a requirement and the refusal it asks for."""
    facts, request, refusal = REFUSED[case]
    with pytest.raises(refusal) as caught:
        decide(facts, request, LIMITS)
    assert caught.value.http_status == 200


@pytest.mark.parametrize(
    ("rings", "accepts"),
    [
        ((ring("bob", "alice", RINGING),), True),
        ((ring("bob", "alice", RINGING, NOW),), False),
        ((ring("bob", "alice", ACCEPTED),), False),
        ((ring("alice", "bob", RINGING),), False),
        ((), False),
    ],
)
def test_an_offer_of_the_callee_accepts_what_rings(rings: tuple[Ring, ...], accepts: bool) -> None:
    """CALL-6, CALL-9, CALL-11."""
    decision = decide(alice(*rings), Offer(sid="a1", reciever_login="bob", offer="o"), LIMITS)
    moved = [change for change in decision.changes if isinstance(change, PutCall)]
    assert moved == ([put("bob", "alice", ACCEPTED)] if accepts else [])


# On a real port

DONE = {"status": 0, "message": "ok"}
CALLING = {"status": 0, "message": "calling"}


def test_a_call_rings_everywhere_and_ends_once(server: Running) -> None:
    """CALL-1, CALL-5, CALL-6, CALL-8."""

    async def scene(stage: Stage) -> None:
        async with (
            stage.user("bob") as caller,
            stage.user("bob") as desk,
            stage.user("alice") as one,
            stage.user("alice") as two,
            stage.user("carol") as other,
        ):
            for _ in range(2):
                assert await stage.post("/call", caller, login="alice") == CALLING
                for user in (one, two):
                    assert await user.next_of("calling") == {"login": "bob"}
                assert (await stage.post("/decline", other, reciever_login="bob"))["code"] == "not_ringing"
                assert (await stage.post("/decline", caller, reciever_login="alice"))["code"] == "not_ringing"
                form = await stage.http.post("/decline", data={"sid": two.sid, "reciever_login": "bob"})
                assert form.json() == DONE
                assert (await stage.post("/decline", one, reciever_login="bob"))["code"] == "not_ringing"
                for user in (caller, desk):
                    assert await user.next_of("decline") == {"decline": "no", "login": "alice"}
            assert await stage.post("/call", caller, login="alice") == CALLING
            assert await stage.offer(two, "bob") == OK
            assert (await stage.post("/decline", one, reciever_login="bob"))["code"] == "not_ringing"
            await caller.next_of("sender_offer")
            assert [len(user.events) for user in (caller, desk, one, two, other)] == [3, 3, 3, 3, 0]

    play(server.url, scene)


def test_calls_do_not_disturb_each_other(server: Running) -> None:
    """CALL-7, CALL-9, and a leave ends ringing."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as callee, stage.user("bob") as one:
            async with stage.user("carol") as two:
                for caller in (one, two):
                    assert await stage.post("/call", caller, login="alice") == CALLING
                assert await stage.post("/call", callee, login="bob") == CALLING
                assert await one.next_of("calling") == {"login": "alice"}
                assert await stage.post("/decline", callee, reciever_login="bob") == DONE
                assert await stage.post("/decline", one, reciever_login="alice") == DONE
            await stage.until_offline("carol")
            async with stage.user("carol") as two:
                assert (await stage.post("/decline", callee, reciever_login="carol"))["code"] == "not_ringing"
                assert two.events == []

    play(server.url, scene)


def test_a_refused_call_is_the_same_for_everybody_who_is_not_there(server: Running) -> None:
    """CALL-2, CALL-2b, CALL-13, CALL-14."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as user:
            async with stage.user("bob"):
                pass
            await stage.until_offline("bob")
            left, never = [await stage.post("/call", user, login=login) for login in ("bob", "nobody \0")]
            assert left == never == {"status": 1, "code": "offline", "message": "The user is not online."}
            assert (await stage.post("/call", user, login="alice"))["code"] == "self"
            for path, fields in {
                "/call": {"login": "alice"},
                "/decline": {"reciever_login": "alice"},
                "/status": {"status": "beasy"},
                "/refresh": {"login": "alice"},
                "/ice": {"ice": "null"},
            }.items():
                assert (await stage.post(path, "stranger", **fields))["code"] == "unknown_sid"
            assert user.events == []

    play(server.url, scene)


def test_the_status_belongs_to_the_user_and_goes_with_the_last_connection(server: Running) -> None:
    """CALL-3, CALL-4."""

    async def scene(stage: Stage) -> None:
        async with stage.user("bob") as caller:
            async with stage.user("alice") as one:
                async with stage.user("alice") as two:
                    assert await stage.post("/call", caller, login="alice") == CALLING
                    assert await stage.post("/status", two, status="beasy") == DONE
                    for bad in ("busy", "BEASY", "", "free "):
                        refused = await stage.http.post("/status", json={"sid": one.sid, "status": bad})
                        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
                    assert (await stage.post("/call", caller, login="alice"))["code"] == "busy"
                    sid = two.sid
                await stage.until_gone(sid)
                assert (await stage.post("/call", caller, login="alice"))["code"] == "busy"
                assert await stage.post("/call", one, login="bob") == CALLING
                assert await stage.post("/decline", one, reciever_login="bob") == DONE
                assert await stage.post("/status", one, status="free") == DONE
                assert await stage.post("/call", caller, login="alice") == CALLING
                assert await stage.post("/status", one, status="beasy") == DONE
                assert [event for event, _ in one.events] == ["calling"] * len(one.events)
            await stage.until_offline("alice")
            async with stage.user("alice") as one:
                assert await stage.post("/call", caller, login="alice") == CALLING
                assert await one.next_of("calling") == {"login": "bob"}

    play(server.url, scene)


def test_a_refresh_needs_a_negotiation(server: Running) -> None:
    """CALL-10."""

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as one, stage.user("bob") as two, stage.user("bob") as device:
            assert (await stage.post("/refresh", one, login="bob"))["code"] == "no_offer"
            assert (await stage.post("/refresh", one, login="alice"))["code"] == "no_offer"
            assert await stage.offer(one, "bob") == OK
            assert await stage.post("/refresh", one, login="bob") == DONE
            assert await stage.answer(two) == OK
            assert await stage.post("/refresh", device, login="alice") == DONE
            await one.next_of("reciever_answer")
            assert await one.next_of("refresh") == {"refresh": "gogo"}
            for user in (two, device):
                await user.next_of("sender_offer")
                assert await user.next_of("refresh") == {"refresh": "gogo"}
            assert [len(user.events) for user in (one, two, device)] == [2, 2, 2]

    play(server.url, scene)


def test_two_devices_that_decline_at_once_decline_once(server: Running) -> None:
    """CALL-5."""

    async def scene(stage: Stage) -> None:
        async with stage.user("bob") as caller, stage.user("alice") as one, stage.user("alice") as two:
            for round_ in range(1, 11):
                assert await stage.post("/call", caller, login="alice") == CALLING
                replies = await asyncio.gather(
                    *(stage.post("/decline", device, reciever_login="bob") for device in (one, two))
                )
                assert sorted(reply.get("code", "") for reply in replies) == ["", "not_ringing"]
                await caller.next_of("decline")
                assert len(caller.events) == round_

    play(server.url, scene)


def test_ringing_expires_by_the_clock_of_the_service() -> None:
    """CALL-11: nothing runs when it does."""
    seconds = [0.0]

    class Clocked(Assembly):
        """A variant with a clock that the test winds."""

        def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
            """Put the clock in."""
            return Service(store, rules, outbox, clock=lambda: seconds[0])

    async def scene(stage: Stage) -> None:
        assert (await stage.http.get("/.well-known/vcsp")).json()["limits"]["ringing_seconds"] == 5
        async with stage.user("bob") as caller, stage.user("alice") as callee:
            assert await stage.post("/call", caller, login="alice") == CALLING
            seconds[0] = 4.0
            assert await stage.post("/call", caller, login="alice") == CALLING
            seconds[0] = 8.0
            assert await stage.post("/decline", callee, reciever_login="bob") == DONE
            assert await stage.post("/call", caller, login="alice") == CALLING
            seconds[0] = 13.0
            assert (await stage.post("/decline", callee, reciever_login="bob"))["code"] == "not_ringing"
            assert await stage.offer(callee, "bob") == OK

    with serving(Clocked, Settings(limits=Limits(ringing_seconds=5))) as running:
        play(running.url, scene)
