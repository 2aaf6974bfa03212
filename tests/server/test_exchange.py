"""The rules, without a server: facts and a request in, a decision or a refusal out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import signalproof_server
from signalproof_server import exchange
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
    Bind,
    Change,
    Connection,
    Emit,
    Facts,
    ForgetCalls,
    ForgetHeld,
    ForgetPairs,
    Leave,
    Login,
    MarkAnswered,
    Offer,
    Pair,
    PutOffer,
    PutStatus,
    ReleaseHeld,
    Request,
    Unbind,
)

ALICE = Connection(sid="a1", login="alice")
ALICE_2 = Connection(sid="a2", login="alice")
BOB = Connection(sid="b1", login="bob")
BOB_2 = Connection(sid="b2", login="bob")


def pair(sender: str, reciever: str, state: State, *, offered_on: str | None = "a1", seq: int = 1) -> Pair:
    """Write a pair in one line."""
    return Pair(sender=sender, reciever=reciever, state=state, offered_on=offered_on, seq=seq, offer_id="id")


def offer(reciever: str = "bob", text: str = "o") -> Offer:
    """Alice's first connection offers."""
    return Offer(sid="a1", reciever_login=reciever, offer=text, offer_id="id")


def answer(sender: str | None = None, text: str = "a") -> Answer:
    """Bob's first connection answers."""
    return Answer(sid="b1", answer=text, sender_login=sender)


def sender_offer(sid: str, text: str = "o") -> Emit:
    """Alice's offer on one connection."""
    return Emit(
        sid=sid, event="sender_offer", payload={"sender_login": "alice", "sender_offer": text, "offer_id": "id"}
    )


def reciever_answer(sid: str, text: str = "a") -> Emit:
    """An answer on one connection."""
    return Emit(
        sid=sid, event="reciever_answer", payload={"reciever_answer": text, "reciever_login": "bob", "offer_id": "id"}
    )


OFFERED = State.OFFERED
STABLE = State.STABLE
PUT = (
    PutOffer(sender="alice", reciever="bob", offered_on="a1", offer_id="id", state=OFFERED),
    ReleaseHeld(sid="a1", peer="bob"),
    ForgetHeld(awaited="alice", login="bob"),
)
MARK = (
    MarkAnswered(sender="alice", reciever="bob", answered_on="b1", state=STABLE),
    ReleaseHeld(sid="b1", peer="alice"),
    ForgetHeld(awaited="alice", login="bob"),
)


def alice(*peer: Connection, pairs: tuple[Pair, ...] = ()) -> Facts:
    """What the store says when alice asks."""
    return Facts(me=ALICE, mine=(ALICE,), peer=peer, pairs=pairs)


def bob(*pairs: Pair) -> Facts:
    """What the store says when bob asks."""
    return Facts(me=BOB, mine=(BOB,), peer=(ALICE,), pairs=pairs)


ACCEPTED: dict[str, tuple[Facts, Request, tuple[Change, ...], tuple[Emit, ...]]] = {
    "LOGIN-2 a login binds": (
        Facts(),
        Login(sid="a1", login="alice"),
        (Bind(sid="a1", login="alice"),),
        (),
    ),
    "LOGIN-6 the same login again changes nothing": (alice(), Login(sid="a1", login="alice"), (), ()),
    "LOGIN-7 the last connection takes the pairs along": (
        alice(),
        Leave(sid="a1"),
        (
            Unbind(sid="a1"),
            ForgetPairs(login="alice"),
            ForgetHeld(awaited="alice", login=None),
            ForgetCalls(login="alice"),
            PutStatus(login="alice", busy=False),
        ),
        (),
    ),
    "LOGIN-8 one of two leaves alone": (
        Facts(me=ALICE, mine=(ALICE, ALICE_2)),
        Leave(sid="a1"),
        (Unbind(sid="a1"),),
        (),
    ),
    "LOGIN-8 a connection without login leaves no trace": (Facts(), Leave(sid="x"), (), ()),
    "OFFER-1 each connection of the reciever": (
        alice(BOB, BOB_2),
        offer(),
        PUT,
        (sender_offer("b1"), sender_offer("b2")),
    ),
    "OFFER-9 a re-offer supersedes": (
        alice(BOB, pairs=(pair("alice", "bob", OFFERED),)),
        offer(text="new"),
        PUT,
        (sender_offer("b1", "new"),),
    ),
    "MEDIA-3 an offer reopens a stable pair": (
        alice(BOB, pairs=(pair("alice", "bob", STABLE),)),
        offer(),
        PUT,
        (sender_offer("b1"),),
    ),
    "ANSWER-11 the crossed offer is another pair": (
        alice(BOB, pairs=(pair("bob", "alice", OFFERED, offered_on="b1"),)),
        offer(),
        PUT,
        (sender_offer("b1"),),
    ),
    "ANSWER-1 the connection that offered": (
        bob(pair("alice", "bob", OFFERED, offered_on="a2")),
        answer(),
        MARK,
        (reciever_answer("a2"),),
    ),
    "ANSWER-7 the sender is named": (
        bob(pair("alice", "bob", OFFERED)),
        answer("alice"),
        MARK,
        (reciever_answer("a1"),),
    ),
    "ANSWER-8 the latest offer": (
        bob(
            pair("carol", "bob", OFFERED, offered_on="c1", seq=3),
            pair("alice", "bob", OFFERED, seq=7),
            pair("dave", "bob", STABLE, offered_on="d1", seq=9),
            pair("bob", "carol", OFFERED, offered_on="b1", seq=11),
        ),
        answer(),
        MARK,
        (reciever_answer("a1"),),
    ),
}

REFUSED: dict[str, tuple[Facts, Request, type[Refusal]]] = {
    "LOGIN-6 another login": (alice(), Login(sid="a1", login="bob"), Unauthorized),
    "OFFER-5 offer": (Facts(), offer(), UnknownSid),
    "OFFER-5 answer": (Facts(), answer(), UnknownSid),
    "OFFER-6 nobody there": (alice(), offer(), Offline),
    "OFFER-11 oneself": (alice(ALICE, ALICE_2), offer("alice"), SelfAddressed),
    "ANSWER-1 that connection has gone": (
        bob(pair("alice", "bob", OFFERED, offered_on=None)),
        answer(),
        Offline,
    ),
    "ANSWER-4 no offer": (bob(), answer(), NoOffer),
    "ANSWER-4 only an offer of one's own": (
        bob(pair("bob", "alice", OFFERED, offered_on="b1")),
        answer("alice"),
        NoOffer,
    ),
    "ANSWER-5 answered before": (bob(pair("alice", "bob", STABLE)), answer("alice"), AlreadyAnswered),
    "ANSWER-7 no offer of that sender": (bob(), answer("carol"), NoOffer),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_accepted_request_has_these_changes_and_effects(case: str) -> None:
    """Each row is a requirement and what follows from it."""
    facts, request, changes, effects = ACCEPTED[case]
    decision = decide(facts, request)
    assert decision.reply.body["status"] == 0
    assert decision.changes == changes
    assert decision.effects == effects


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_raises_its_refusal(case: str) -> None:
    """Each row is a requirement and the refusal it asks for."""
    facts, request, refusal = REFUSED[case]
    with pytest.raises(refusal):
        decide(facts, request)


def test_a_representation_shows_no_sid_and_no_description() -> None:
    """What ends up in a log or a traceback by accident is harmless."""
    shown = repr(decide(alice(BOB), offer(text="secret")).effects)
    assert "secret" not in shown
    assert "b1" not in shown


def imports(path: Path) -> set[str]:
    """The top-level names that a module imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_rules_import_nothing_that_waits_or_talks() -> None:
    """The rules stay pure."""
    assert exchange.__file__ is not None
    names = {name for path in Path(exchange.__file__).parent.glob("*.py") for name in imports(path)}
    own = {name.removeprefix("signalproof_server.").partition(".")[0] for name in names}
    assert own == {
        "__future__",
        "collections",
        "typing",
        "config",
        "errors",
        "exchange",
        "signalproof_server",
        "states",
        "values",
    }


def test_the_server_shares_no_code_with_the_kit() -> None:
    """A mistake that both made would hide itself."""
    root = Path(signalproof_server.__file__).parent
    tops = {name.partition(".")[0] for path in root.rglob("*.py") for name in imports(path)}
    assert "signalproof" not in tops
