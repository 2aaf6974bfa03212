"""Faults of offers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from tests.faults.registry import fault
from tests.faults.seams import Decode, Effects, Fields, Handle, Variant

from signalproof_server import wire
from signalproof_server.errors import Offline, SelfAddressed, UnknownSid
from signalproof_server.service import Rules
from signalproof_server.values import (
    Answer,
    Decision,
    Emit,
    Facts,
    Login,
    MarkAnswered,
    Offer,
    PutOffer,
    Reply,
    Request,
)

SEVERAL = "users with several devices are met there too"
OFFERS = "whatever needs a second offer meets it"


@fault("OFFER-1", collateral={"LOGIN-5": SEVERAL})
def misses_the_third_device(server: Variant) -> None:
    """The list of a user's connections is cut off after two."""
    server.effects(Offer, lambda facts, _, effects: effects[:2] if len(facts.peer) == 3 else effects)


@fault("OFFER-1")
def doubles_the_tenth_offer(server: Variant) -> None:
    """A listener is added every few requests and never taken away, so that events come twice in the end."""
    counts: Counter[tuple[str, str]] = Counter()

    def effects(_: Facts, request: Offer, effects: Effects) -> Effects:
        counts[request.sid, request.reciever_login] += 1
        return effects * 2 if counts[request.sid, request.reciever_login] == 10 else effects

    server.effects(Offer, effects)


@fault("OFFER-1")
def sends_several_arguments(server: Variant) -> None:
    """`emit(event, login, offer)` instead of one object, in the branch for users with three devices."""

    def effects(facts: Facts, _: Offer, effects: Effects) -> Effects:
        if len(facts.peer) != 3:
            return effects
        return tuple(
            replace(e, payload=(e.payload["sender_login"], e.payload["sender_offer"]))  # type: ignore[arg-type]
            for e in effects
        )

    server.effects(Offer, effects)


@fault("OFFER-2")
def tells_the_senders_tablet(server: Variant) -> None:
    """Sender and reciever share a room, and only the posting socket is left out of it."""

    def effects(facts: Facts, _: Offer, effects: Effects) -> Effects:
        others = [mine.sid for mine in facts.mine if facts.me is not None and mine.sid != facts.me.sid]
        return effects + tuple(replace(effects[0], sid=sid) for sid in others)

    server.effects(Offer, effects)


@fault("OFFER-2", collateral={"OFFER-11": "the offer comes back to its connection"})
def echoes_the_offer(server: Variant) -> None:
    """The room of a call has the sender in it."""
    server.effects(Offer, lambda _, request, effects: (*effects, replace(effects[0], sid=request.sid)))


def _strangers(server: Variant, facts: Facts) -> list[str]:
    concerned = {connection.login for connection in (*facts.peer, *facts.mine)}
    return [sid for sid, login in server.bound.items() if login not in concerned]


@fault("OFFER-2")
def broadcasts_to_strangers(server: Variant) -> None:
    """`emit` without a room, where the list of rooms is empty by mistake: for users with two devices."""

    def effects(facts: Facts, _: Offer, effects: Effects) -> Effects:
        return effects + tuple(
            replace(effects[0], sid=sid) for sid in _strangers(server, facts) if len(facts.peer) == 2
        )

    server.effects(Offer, effects)


@fault("OFFER-2")
def leaks_half_a_second_later(server: Variant) -> None:
    """A job that repeats what was not confirmed in time has lost the room."""

    def effects(facts: Facts, _: Offer, effects: Effects) -> Effects:
        if len(facts.peer) == 3:
            server.later(0.5, [replace(effects[0], sid=sid) for sid in _strangers(server, facts)])
        return effects

    server.effects(Offer, effects)


@fault("OFFER-2")
def tells_those_who_have_not_logged_in(server: Variant) -> None:
    """Sockets without a login are all in the room of the empty login, which a fallback writes to."""

    def effects(facts: Facts, _: Offer, effects: Effects) -> Effects:
        nameless = [sid for sid in server.sids() if sid not in server.bound]
        return effects + tuple(replace(effects[0], sid=sid) for sid in nameless if len(facts.peer) == 3)

    server.effects(Offer, effects)


def _believe(server: Variant, key: str) -> None:
    claims: dict[str, str] = {}

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        request = inner(fields)
        if isinstance(request, Offer) and isinstance(fields.get(key), str):
            claims[request.offer] = str(fields[key])
        return request

    def effects(_: Facts, request: Offer, effects: Effects) -> Effects:
        login = claims.get(request.offer)
        return tuple(replace(e, payload=e.payload | ({"sender_login": login} if login else {})) for e in effects)

    server.on_decode = decode
    server.effects(Offer, effects)


@fault("OFFER-3")
def believes_the_body_about_the_sender(server: Variant) -> None:
    """`sender_login` of the body goes into the event, because the client knows it best."""
    _believe(server, "sender_login")


@fault("OFFER-3")
def believes_an_old_field_about_the_sender(server: Variant) -> None:
    """`from_user` of an older version is still read."""
    _believe(server, "from_user")


@fault("OFFER-4")
def trims_offers(server: Variant) -> None:
    """Form fields are stripped, as frameworks do by default."""
    server.texts(Offer, str.strip)


@fault("OFFER-4")
def turns_crlf_into_lf(server: Variant) -> None:
    """A text column with universal newlines, or `splitlines` and `join`."""
    server.texts(Offer, lambda text: text.replace("\r\n", "\n"))


@fault("OFFER-4")
def serialises_offers_again(server: Variant) -> None:
    """The offer is parsed for a look inside, and what is forwarded is the parsed thing, written anew."""

    def again(text: str) -> str:
        try:
            return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
        except ValueError:
            return text

    server.texts(Offer, again)


@fault("OFFER-4")
def drops_odd_characters(server: Variant) -> None:
    """Characters beyond the basic plane do not fit the column (MySQL's `utf8`)."""
    server.texts(Offer, lambda text: "".join("?" if character > "\uffff" else character for character in text))


@fault("OFFER-4")
def escapes_markup(server: Variant) -> None:
    """Everything that comes from users is escaped against cross-site scripting on its way in."""
    server.texts(Offer, lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


@fault("OFFER-5")
def takes_engine_sids(server: Variant) -> None:
    """Both sids of a connection are looked up, that of the transport too."""

    def request(request: Request) -> Request:
        manager: Any = server.engine().manager
        return replace(request, sid=manager.sid_from_eio_sid(request.sid, "/") or request.sid)

    server.requests((Offer, Answer), request)


@fault("OFFER-5", collateral={"SEC-2": "a sid that nobody has is not valid", "HTTP-*": "such a sid is used there"})
def answers_need_no_sid(server: Variant) -> None:
    """The sid is checked in the branch for offers only; the answer of nobody is thanked for."""
    server.forgive(Answer, UnknownSid, wire.OFFER_DONE)


@fault("OFFER-5", collateral={"LOGIN-3": "who was refused has not logged in", "AUTH-2": "the same"})
def sids_need_no_login(server: Variant) -> None:
    """Any connected socket may offer; the event goes out under an empty login, to nobody as it happens."""
    server.forgive(Offer, UnknownSid, wire.OFFER_DONE, lambda _, request: server.is_connected(request.sid))


OFFLINE = "a login without a connection stands for it there"


@fault(
    "OFFER-6",
    collateral={
        "OFFER-[17]": OFFLINE, "LOGIN-[246]": OFFLINE, "HTTP-14": OFFLINE, "SEC-3": OFFLINE, "AUTH-*": OFFLINE,
    },
)  # fmt: skip
def accepts_offers_to_nobody(server: Variant) -> None:
    """Emitting into an empty room succeeds, so the reply is `ok`."""
    server.forgive(Offer, Offline, wire.OFFER_DONE)


@fault("OFFER-6")
def accepts_offers_to_a_socket_without_login(server: Variant) -> None:
    """Who has left is looked up in the table of users, not of connections."""
    seen: set[str] = set()
    server.notes(Login, lambda request: seen.add(request.login))
    server.forgive(Offer, Offline, wire.OFFER_DONE, lambda _, request: request.reciever_login in seen)


@fault("OFFER-10")
def joins_the_logins_of_a_pair(server: Variant) -> None:
    """`offers[f"{sender}:{reciever}"]`."""
    offers: dict[str, str] = {}

    def note(offer: Offer) -> None:
        sender = server.bound.get(offer.sid, "")
        offers[f"{sender}:{offer.reciever_login}"] = sender

    def change(answer: Answer) -> Answer:
        key = f"{answer.sender_login}:{server.bound.get(answer.sid)}"
        return replace(answer, sender_login=offers.get(key, answer.sender_login))

    server.notes(Offer, note)
    server.requests(Answer, change)


@fault("OFFER-7", collateral={"OFFER-[26]": "who was refused logs in there too"})
def keeps_refused_offers(server: Variant) -> None:
    """The message is stored before anybody looks whether the reciever is there; a login fetches what is stored."""
    kept: dict[str, list[Offer]] = {}

    async def handle(inner: Handle, request: Request) -> Reply:
        try:
            reply = await inner(request)
        except Offline:
            if isinstance(request, Offer):
                kept.setdefault(request.reciever_login, []).append(request)
            raise
        if isinstance(request, Login):
            for offer in kept.pop(request.login, []):
                server.later(0, [wire.sender_offer(request.sid, server.bound[offer.sid], offer.offer)])
        return reply

    server.on_handle = handle


@fault("OFFER-8")
def corrects_the_type(server: Variant) -> None:
    """The right spelling is accepted as well, out of kindness."""
    server.on_decode = lambda inner, _, fields: inner(
        fields | ({"type": "reciever"} if fields.get("type") == "receiver" else {})
    )


@fault("OFFER-8")
def ignores_the_case_of_the_type(server: Variant) -> None:
    """`type.lower().strip()`."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        given = fields.get("type")
        return inner(fields | ({"type": given.lower().strip()} if isinstance(given, str) else {}))

    server.on_decode = decode


@fault("OFFER-8", collateral={"HTTP-*": "a type of another kind is one of these"})
def takes_any_other_type_for_an_answer(server: Variant) -> None:
    """`if type == "sender": … else: …`."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        odd = isinstance(fields.get("type"), str) and fields["type"] not in ("sender", "reciever")
        return inner(fields | ({"type": "reciever"} if odd and "answer" in fields else {}))

    server.on_decode = decode


@fault("OFFER-9", collateral={"OFFER-1": "it is what did not come", "*": OFFERS})
def swallows_reoffers(server: Variant) -> None:
    """An offer is taken for a repetition while the one before it is unanswered."""
    server.effects(Offer, lambda f, r, effects: () if any(p.sender != r.peer and p.state == "offered" for p in f.pairs)
                   and len(f.peer) == 1 else effects)  # fmt: skip


@fault("OFFER-9", collateral={"MEDIA-*": "renegotiation is a re-offer", "*": OFFERS})
def refuses_offers_after_an_answer(server: Variant) -> None:
    """The pair is unique in the database and only a hang-up deletes it: the second INSERT fails."""

    def rules(inner: Rules, facts: Facts, request: Request) -> Decision:
        if isinstance(request, Offer) and any(pair.sender != request.peer for pair in facts.pairs):
            raise Offline("There is an offer already.")
        return inner(facts, request)

    server.on_rules = rules


@fault("OFFER-9", collateral={"ANSWER-*": "the second answer to a pair", "CORR-*": "the same"})
def keeps_superseded_offers_answerable(server: Variant) -> None:
    """Every offer has a row of its own; a re-offer adds one, an answer closes one."""
    rows: Counter[tuple[str, str]] = Counter()

    def decision(facts: Facts, request: Offer, decision: Decision) -> Decision:
        if facts.me is not None:
            fresh = all(pair.state != "offered" for pair in facts.pairs if pair.sender == facts.me.login)
            rows[facts.me.login, request.reciever_login] = (
                1 + (not fresh) * rows[facts.me.login, request.reciever_login]
            )
        return decision

    def answered(_: Facts, __: Answer, decision: Decision) -> Decision:
        for change in decision.changes:
            if isinstance(change, MarkAnswered):
                rows[change.sender, change.reciever] -= 1
                if rows[change.sender, change.reciever] > 0:
                    return replace(decision, changes=())
        return decision

    server.decisions(Offer, decision)
    server.decisions(Answer, answered)


@fault("OFFER-9", collateral={"ANSWER-1": "the answer goes to the wrong device", "ANSWER-3": "the same"})
def leaves_the_answer_to_the_first_device(server: Variant) -> None:
    """`get_or_create` finds the pair of the first offer and does not update the sid."""

    def decision(facts: Facts, request: Offer, decision: Decision) -> Decision:
        first = next((p.offered_on for p in facts.pairs if p.sender != request.peer and p.state == "offered"), None)
        return replace(
            decision,
            changes=tuple(
                replace(change, offered_on=first) if isinstance(change, PutOffer) and first else change
                for change in decision.changes
            ),
        )

    server.decisions(Offer, decision)


@fault("OFFER-10", collateral={"ICE-*": "the negotiation has gone", "*": "two recievers at once are met there too"})
def has_one_row_per_sender(server: Variant) -> None:
    """The table of offers has the sender for its key: the next offer overwrites the one to somebody else."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Offer):
            server.sql("DELETE FROM signalproof_pair WHERE sender = ? AND reciever <> ?", server.bound.get(request.sid),
                       request.reciever_login)  # fmt: skip
        return reply

    server.on_handle = handle


@fault("OFFER-10", collateral={"ICE-*": "the negotiation has gone", "*": "two senders at once are met there too"})
def has_one_row_per_reciever(server: Variant) -> None:
    """The table of offers has the reciever for its key: the next sender takes the place of the first."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Offer):
            server.sql("DELETE FROM signalproof_pair WHERE reciever = ? AND sender <> ?", request.reciever_login,
                       server.bound.get(request.sid))  # fmt: skip
        return reply

    server.on_handle = handle


@fault("OFFER-11", collateral={"OFFER-2": "the event at the sender's own connection"})
def delivers_self_offers_to_their_connection(server: Variant) -> None:
    """The sender is a reciever like any other."""

    def effects(facts: Facts, request: Offer) -> list[Emit]:
        return [wire.sender_offer(mine.sid, request.reciever_login, request.offer) for mine in facts.mine]

    server.forgive(Offer, SelfAddressed, wire.OFFER_DONE, effects=effects)


@fault("OFFER-11")
def thanks_for_self_offers(server: Variant) -> None:
    """A self-offer is accepted, and nobody hears of it."""
    server.forgive(Offer, SelfAddressed, wire.OFFER_DONE)
