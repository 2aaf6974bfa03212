"""Faults of answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from starlette.requests import Request as HttpRequest
from tests.faults.registry import fault
from tests.faults.seams import Decode, Effects, Fields, Handle, Variant

from signalproof_server import wire
from signalproof_server.errors import AlreadyAnswered, BadRequest, NoOffer, Offline
from signalproof_server.values import Answer, Decision, Emit, Facts, ForgetPairs, Leave, Offer, PutOffer, Reply, Request

SECOND = "an answer that finds nothing to answer stands for it there"
CHOICE = "two offers to one user are met there too"


@fault("ANSWER-1", collateral={"ANSWER-3": "the device that logged in last", "OFFER-9": "the same"})
def answers_the_last_device(server: Variant) -> None:
    """A dictionary holds one sid per login: that of the device that logged in last."""

    def effects(facts: Facts, _: Answer, effects: Effects) -> Effects:
        last = server.devices(server.bound.get(effects[0].sid, ""))[-1:]
        return (replace(effects[0], sid=last[0]), *effects[1:]) if last else effects

    server.effects(Answer, effects)


@fault("ANSWER-1")
def doubles_answers(server: Variant) -> None:
    """A task that is retried although it succeeded, where the user has two devices."""
    server.effects(Answer, lambda facts, _, effects: (*effects[:1], *effects) if len(facts.mine) == 2 else effects)


@fault("ANSWER-1")
def trims_answers(server: Variant) -> None:
    """Only the field `offer` was exempted from trimming."""
    server.texts(Answer, str.strip)


@fault("CORR-4")
def corrects_the_spelling(server: Variant) -> None:
    """The keys say `receiver`, as a linter proposed."""

    def effects(_: Facts, __: Answer, effects: Effects) -> Effects:
        head = effects[0]
        payload = {key.replace("reciever_login", "receiver_login"): value for key, value in head.payload.items()}
        return (replace(head, payload=payload), *effects[1:])

    server.effects(Answer, effects)


@fault("ANSWER-2")
def tells_the_recievers_tablet(server: Variant) -> None:
    """The answer is emitted to the room of the pair, and the reciever's other devices are in it."""

    def effects(facts: Facts, request: Answer, effects: Effects) -> Effects:
        return effects + tuple(replace(effects[0], sid=mine.sid) for mine in facts.mine if mine.sid != request.sid)

    server.effects(Answer, effects)


@fault("ANSWER-2")
def answers_strangers_half_a_second_later(server: Variant) -> None:
    """A job that repeats what was not confirmed in time has lost the room; seen with two devices only."""

    def effects(facts: Facts, _: Answer, effects: Effects) -> Effects:
        login = server.bound.get(effects[0].sid)
        mine = facts.me.login if facts.me else None
        strangers = [sid for sid, bound in server.bound.items() if bound not in {login, mine}]
        if len(facts.mine) == 2:
            server.later(0.5, [replace(effects[0], sid=sid) for sid in strangers])
        return effects

    server.effects(Answer, effects)


@fault("ANSWER-3")
def answers_all_devices(server: Variant) -> None:
    """The answer goes to the room of the sender's login."""

    def effects(_: Facts, __: Answer, effects: Effects) -> Effects:
        others = [sid for sid in server.devices(server.bound.get(effects[0].sid, "")) if sid != effects[0].sid]
        return effects + tuple(replace(effects[0], sid=sid) for sid in others)

    server.effects(Answer, effects)


@fault("ANSWER-4", collateral={"*": SECOND})
def thanks_for_answers_to_nothing(server: Variant) -> None:
    """The UPDATE touches no row, and nobody looks at the count."""
    server.forgive(Answer, NoOffer, wire.OFFER_DONE)


@fault("ANSWER-5", collateral={"ANSWER-4": SECOND, "*": SECOND})
def thanks_for_second_answers(server: Variant) -> None:
    """A second answer is accepted and forgotten."""
    server.forgive(Answer, AlreadyAnswered, wire.OFFER_DONE)


@fault("ANSWER-5", collateral={"*": SECOND})
def forwards_second_answers(server: Variant) -> None:
    """There is no state: whatever is posted is forwarded, and the last answer wins."""

    def effects(facts: Facts, request: Answer) -> Iterable[Emit]:
        pair = max((p for p in facts.pairs if facts.me and p.reciever == facts.me.login), key=lambda p: p.seq)
        return (
            [wire.reciever_answer(pair.offered_on, request.answer, pair.reciever, pair.offer_id)]
            if pair.offered_on
            else []
        )

    server.forgive(Answer, AlreadyAnswered, wire.OFFER_DONE, effects=effects)


@fault("ANSWER-6", collateral={"ANSWER-5": "the loser is a second answer"})
def checks_before_it_marks(server: Variant) -> None:
    """SELECT, then UPDATE, without a lock between them; a pool of workers does the rest."""

    async def handle(inner: Handle, request: Request) -> Reply:
        return await (server.unlocked(request, first=0.01) if isinstance(request, Answer) else inner(request))

    server.on_handle = handle


@fault("ANSWER-7", collateral={"*": CHOICE})
def ignores_the_name_in_answers(server: Variant) -> None:
    """`sender_login` came later than the code."""
    server.requests(Answer, lambda request: replace(request, sender_login=None))


@fault("ANSWER-7", collateral={"*": "an answer under a name without an offer is met there too"})
def guesses_when_the_name_is_wrong(server: Variant) -> None:
    """`offers.get(sender_login) or offers.latest()`."""

    async def handle(inner: Handle, request: Request) -> Reply:
        try:
            return await inner(request)
        except (NoOffer, AlreadyAnswered):
            if isinstance(request, Answer) and request.sender_login is not None and request.offer_id is None:
                return await inner(replace(request, sender_login=None))
            raise

    server.on_handle = handle


@fault("ANSWER-8", collateral={"ANSWER-9": CHOICE, "*": CHOICE})
def answers_the_oldest_offer(server: Variant) -> None:
    """The query has no ORDER BY, and the database returns the oldest row first."""

    def facts(facts: Facts, request: Answer) -> Facts:
        if request.sender_login is not None or request.offer_id is not None:
            return facts
        return replace(facts, pairs=tuple(replace(pair, seq=-pair.seq) for pair in facts.pairs))

    server.facts(Answer, facts)


@fault("ANSWER-8")
def reoffers_keep_their_place(server: Variant) -> None:
    """ORDER BY id: an offer that was updated is as old as its row."""
    first: dict[tuple[str, str], int] = {}

    def facts(facts: Facts, _: Answer) -> Facts:
        return replace(
            facts,
            pairs=tuple(replace(p, seq=first.setdefault((p.sender, p.reciever), p.seq)) for p in facts.pairs),
        )

    def decision(facts: Facts, request: Offer, decision: Decision) -> Decision:
        for change in decision.changes:
            if isinstance(change, PutOffer):
                first.setdefault((change.sender, change.reciever), len(first))
        return decision

    server.facts(Answer, facts)
    server.decisions(Offer, decision)


@fault("ANSWER-9")
def reads_reciever_login_of_answers(server: Variant) -> None:
    """In an answer the old field is taken for the name of the sender."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        request = inner(fields)
        name = fields.get("reciever_login")
        return replace(request, sender_login=name) if isinstance(request, Answer) and isinstance(name, str) and name \
            else request  # fmt: skip

    server.on_decode = decode


@fault("ANSWER-9")
def refuses_an_empty_reciever_login(server: Variant) -> None:
    """The serializer validates a field that nobody reads."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        request = inner(fields)
        if isinstance(request, Answer) and fields.get("reciever_login") == "":
            raise BadRequest("reciever_login may not be blank.")
        return request

    server.on_decode = decode


@fault("ANSWER-10", collateral={"CALL-10": "the negotiation outlives its users", "*": "what has gone is answered"})
def offers_outlive_their_sender(server: Variant) -> None:
    """Nobody deletes the offers of those who left; answers to them are accepted and reach nobody."""
    server.decisions(
        Leave,
        lambda _, __, decision: replace(
            decision, changes=tuple(change for change in decision.changes if not isinstance(change, ForgetPairs))
        ),
    )
    server.forgive(Answer, Offline, wire.OFFER_DONE)


@fault(
    "ANSWER-10",
    collateral={"CALL-10": "the negotiation outlives its users", "ANSWER-13": "the same", "*": "it is stale"},
)
def answers_whoever_came_back(server: Variant) -> None:
    """Offers are kept by login: who comes back gets the answer that its predecessor waited for."""
    server.decisions(
        Leave,
        lambda _, __, decision: replace(
            decision, changes=tuple(change for change in decision.changes if not isinstance(change, ForgetPairs))
        ),
    )

    def effects(facts: Facts, request: Answer) -> Iterable[Emit]:
        pair = max((p for p in facts.pairs if facts.me and p.reciever == facts.me.login), key=lambda p: p.seq)
        return [
            wire.reciever_answer(sid, request.answer, pair.reciever, pair.offer_id)
            for sid in server.devices(pair.sender)
        ]

    server.forgive(
        Answer, Offline, wire.OFFER_DONE, effects=effects,
        when=lambda _, request: bool(request.sender_login and server.devices(request.sender_login)),
    )  # fmt: skip


@fault("ANSWER-11", collateral={"ICE-2": "crossed offers trickle there", "*": "roles are reversed there too"})
def has_one_row_per_two_users(server: Variant) -> None:
    """The pair is sorted before it becomes the key, so a crossed offer takes the place of the first."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Offer):
            server.sql("DELETE FROM signalproof_pair WHERE sender = ? AND reciever = ?", request.reciever_login,
                       server.bound.get(request.sid))  # fmt: skip
        return reply

    server.on_handle = handle


@fault("ANSWER-12", collateral={"*": "an answer that is fast is met there too"})
def emits_before_it_stores(server: Variant) -> None:
    """The event goes out, then the row is written: who answers at once finds nothing."""

    async def handle(inner: Handle, request: Request) -> Reply:
        if isinstance(request, Offer):
            return await server.unlocked(request, first=0.02, emit_first=True)
        return await inner(request)

    server.on_handle = handle


@fault("ANSWER-13")
def drops_answers_to_a_gone_device(server: Variant) -> None:
    """The answer is emitted to a sid that does not exist any more."""
    server.forgive(Answer, Offline, wire.OFFER_DONE)
