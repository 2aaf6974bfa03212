"""Who was meant to receive what, and who did: judged with listeners that are none."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from signalproof.errors import NonConformance
from signalproof.judge.ledger import Ledger
from signalproof.judge.posting import Audience, Posting, Received
from signalproof.judge.reply import Outcome, Reply, no_reply
from signalproof.protocol.wire import ANSWER, CANDIDATE, DECLINE, OFFER, REFRESH, Kind, session_description

ACCEPTED = Reply(Outcome.ACCEPTED, 200, {"status": 0, "offer": "ok"}, "HTTP 200")
REFUSED = Reply(Outcome.REFUSED, 200, {"status": 1, "message": "no"}, "HTTP 200")


@dataclass(eq=False)
class Someone:
    """A connection, as far as the ledger looks at one."""

    name: str
    login: str = "somebody"
    check: int = 1
    live: bool = True
    live_since: float = 1.0
    lost: str = ""


@pytest.fixture
def ledger() -> Ledger:
    """An empty ledger."""
    return Ledger()


def posted(
    ledger: Ledger,
    kind: Kind,
    author: Someone,
    *targets: Someone,
    tolerated: Someone | None = None,
    reply: Reply = ACCEPTED,
) -> Posting:
    """Enter a request that was sent when everybody was there."""
    marker = ledger.new_marker()
    text = session_description(kind.name, marker)
    audience = Audience(frozenset(targets), frozenset({tolerated} if tolerated else ()))
    posting = Posting(kind=kind, author=author, text=text, marker=marker, audience=audience, sent_at=2.0)
    posting.reply = reply
    return ledger.open(posting)


def deliver(ledger: Ledger, posting: Posting, at: Someone, **changes: object) -> Posting | None:
    """Bring the sound event of `posting` to `at`, or one with other fields or under another name."""
    event = str(changes.pop("event", posting.kind.event))
    payload = {posting.kind.text_key: posting.text}
    if posting.kind is OFFER:
        payload["sender_login"] = posting.author.login
    return ledger.record(Received(at, event, ({**payload, **changes},), 3.0))


def breaches(posting: Posting) -> list[NonConformance]:
    """Judge."""
    return list(posting.breaches())


def broken(posting: Posting) -> list[str]:
    """Judge, and give the requirements alone."""
    return [identifier for breach in posting.breaches() for identifier in breach.requirements]


def test_exactly_one_event_at_each_target_is_right(ledger: Ledger) -> None:
    """Two devices, each once; and the answer at the connection that offered."""
    man, woman, tablet = Someone("man", "man"), Someone("woman"), Someone("woman#2")
    offer = posted(ledger, OFFER, man, woman, tablet)
    answer = posted(ledger, ANSWER, woman, man)
    assert deliver(ledger, offer, woman) is offer
    assert deliver(ledger, offer, tablet) is offer
    assert deliver(ledger, answer, man) is answer
    assert breaches(offer) == breaches(answer) == []


@pytest.mark.parametrize(("kind", "requirement"), [(OFFER, "OFFER-1"), (ANSWER, "ANSWER-1")])
def test_a_second_event_at_a_target_is_one_too_many(ledger: Ledger, kind: Kind, requirement: str) -> None:
    """The message counts."""
    man, woman = Someone("man"), Someone("woman")
    posting = posted(ledger, kind, man, woman)
    deliver(ledger, posting, woman)
    deliver(ledger, posting, woman)
    (breach,) = breaches(posting)
    assert breach.requirements == (requirement,)
    assert breach.received == "it came 2 times"


@pytest.mark.parametrize(("kind", "requirement"), [(OFFER, "OFFER-2"), (ANSWER, "ANSWER-2")])
def test_an_event_at_a_stranger_is_a_leak(ledger: Ledger, kind: Kind, requirement: str) -> None:
    """Also when it reached its target too, and in another check."""
    man, woman, stranger = Someone("man"), Someone("woman"), Someone("stranger", "another", check=2)
    posting = posted(ledger, kind, man, woman)
    deliver(ledger, posting, woman)
    deliver(ledger, posting, stranger)
    (breach,) = breaches(posting)
    assert breach.requirements == (requirement,)
    assert "also at stranger" in breach.received
    assert "at woman and nowhere else" in breach.expected
    assert "everybody" in (breach.hint or "")


def test_an_offer_at_its_own_sender_is_a_leak_with_a_hint_of_its_own(ledger: Ledger) -> None:
    """A room that both are in is the usual cause."""
    man, woman = Someone("man"), Someone("woman")
    offer = posted(ledger, OFFER, man, woman)
    deliver(ledger, offer, woman)
    deliver(ledger, offer, man)
    (breach,) = breaches(offer)
    assert breach.requirements == ("OFFER-2",)
    assert "a room that the sender is in" in (breach.hint or "")


def test_an_answer_at_another_device_of_the_sender_breaks_the_should(ledger: Ledger) -> None:
    """It breaks ANSWER-3 alone; the same event at a stranger breaks ANSWER-2."""
    man, tablet, woman = Someone("man"), Someone("man#2"), Someone("woman")
    answer = posted(ledger, ANSWER, woman, man, tolerated=tablet)
    deliver(ledger, answer, man)
    deliver(ledger, answer, tablet)
    assert broken(answer) == ["ANSWER-3"]


def test_a_refused_request_must_not_raise_an_event(ledger: Ledger) -> None:
    """It is charged to the requirement that the refusal was about, else to that of leaks."""
    man, woman = Someone("man"), Someone("woman")
    offer = posted(ledger, OFFER, man, woman, reply=REFUSED)
    deliver(ledger, offer, woman)
    assert broken(offer) == ["OFFER-2"]
    offer.refusal = "OFFER-8"
    (breach,) = breaches(offer)
    assert breach.requirements == ("OFFER-8",)
    assert breach.received == "sender_offer at woman all the same"


def test_a_refused_request_without_an_event_is_right(ledger: Ledger) -> None:
    """Nobody waits for it."""
    assert breaches(posted(ledger, OFFER, Someone("man"), Someone("woman"), reply=REFUSED)) == []


def test_an_answer_under_the_corrected_name_is_recognised(ledger: Ledger) -> None:
    """By its marker; the hint names the spelling."""
    man, woman = Someone("man"), Someone("woman")
    answer = posted(ledger, ANSWER, woman, man)
    deliver(ledger, answer, man, event="receiver_answer")
    (breach,) = breaches(answer)
    assert breach.requirements == ("ANSWER-1",)
    assert breach.received == "the event receiver_answer instead"
    assert "`reciever`" in (breach.hint or "")


def test_an_answer_under_the_corrected_key_is_recognised(ledger: Ledger) -> None:
    """The same for the payload's key."""
    man, woman = Someone("man"), Someone("woman")
    answer = posted(ledger, ANSWER, woman, man)
    ledger.record(Received(man, "reciever_answer", ({"receiver_answer": answer.text},), 3.0))
    (breach,) = breaches(answer)
    assert breach.requirements == ("ANSWER-1",)
    assert "`reciever`" in (breach.hint or "")


@pytest.mark.parametrize(
    ("kind", "requirement"), [(OFFER, "OFFER-4"), (ANSWER, "ANSWER-1")], ids=lambda value: getattr(value, "name", value)
)
def test_a_changed_text_breaks_the_requirement_of_the_text(ledger: Ledger, kind: Kind, requirement: str) -> None:
    """The message says where the texts part, and does not print them whole."""
    man, woman = Someone("man"), Someone("woman")
    posting = posted(ledger, kind, man, woman)
    posting.text += "\r\n"
    deliver(ledger, posting, woman, **{kind.text_key: posting.text.strip()})
    (breach,) = breaches(posting)
    assert breach.requirements == (requirement,)
    length = len(posting.text)
    assert f"{length - 2} characters instead of {length}, first different at {length - 2}" in breach.received
    assert posting.text.strip() not in breach.received
    assert "trimmed" in (breach.hint or "")


def test_a_text_that_was_parsed_is_shown_as_such(ledger: Ledger) -> None:
    """An object is not the string that was posted."""
    man, woman = Someone("man"), Someone("woman")
    offer = posted(ledger, OFFER, man, woman)
    deliver(ledger, offer, woman, sender_offer=json.loads(offer.text))
    (breach,) = breaches(offer)
    assert breach.requirements == ("OFFER-1",)
    assert "do not parse it" in (breach.hint or "")


@pytest.mark.parametrize("arguments", [(), ("text",), ({"sender_login": "x"}, "more")], ids=repr)
def test_an_event_that_is_not_one_object_is_wrong(ledger: Ledger, arguments: tuple[object, ...]) -> None:
    """No argument, a string, two arguments; it takes a marker somewhere to be recognised at all."""
    man, woman = Someone("man"), Someone("woman")
    offer = posted(ledger, OFFER, man, woman)
    received = Received(woman, "sender_offer", (*arguments, offer.text), 3.0)
    assert ledger.record(received) is offer
    (breach,) = breaches(offer)
    assert breach.requirements == ("OFFER-1",)
    assert "one JSON object" in (breach.hint or "")


@pytest.mark.parametrize(
    ("form", "received", "remedy"),
    [
        ({"binary": True}, "it came, with binary data", "Buffer"),
        ({"args": ("PGbO1",)}, "it came, with 2 arguments", "connectionStateRecovery"),
        ({"args": ({"more": 1},)}, "it came, with 2 arguments", "one JSON object"),
        ({"asks": True}, "it came, with an acknowledgement asked for", "without a callback"),
        ({"binary": True, "asks": True}, "binary data and with an acknowledgement asked for", "without a callback"),
    ],
    ids=["binary", "recovery", "another_object", "asks", "both"],
)
def test_an_event_of_another_form_is_told_by_its_form(
    ledger: Ledger, form: dict[str, Any], received: str, remedy: str
) -> None:
    """It is usable all the same, so nothing else is said of it, and the remedy is."""
    man, woman = Someone("man"), Someone("woman")
    offer = posted(ledger, OFFER, man, woman)
    payload = {"sender_login": man.login, "sender_offer": offer.text}
    arguments = (payload, *form.get("args", ()))
    event = replace(Received(woman, "sender_offer", (), 3.0), **form | {"args": arguments})
    assert ledger.record(event) is offer
    assert offer.is_usable(event)
    (breach,) = breaches(offer)
    assert breach.requirements == ("ORDER-5",)
    assert breach.received.endswith(received)
    assert remedy in (breach.hint or "")


def test_the_sender_login_is_that_of_the_sender(ledger: Ledger) -> None:
    """Another one breaks OFFER-3; a missing one makes the event invalid."""
    man, woman = Someone("man", "real"), Someone("woman")
    forged, bare = posted(ledger, OFFER, man, woman), posted(ledger, OFFER, man, woman)
    deliver(ledger, forged, woman, sender_login="forged")
    ledger.record(Received(woman, "sender_offer", ({"sender_offer": bare.text},), 3.0))
    (breach,) = breaches(forged)
    assert breach.requirements == ("OFFER-3",)
    assert "'real'" in breach.expected
    assert breach.received == "'forged'"
    assert broken(bare) in (["OFFER-1"], ["OFFER-3"])


def test_an_accepted_request_without_an_event_is_missing_at_each_live_target(ledger: Ledger) -> None:
    """One breach for each that heard nothing."""
    man, woman, tablet = Someone("man"), Someone("woman"), Someone("woman#2")
    offer = posted(ledger, OFFER, man, woman, tablet)
    deliver(ledger, offer, woman)
    (breach,) = breaches(offer)
    assert breach.requirements == ("OFFER-1",)
    assert breach.expected == "sender_offer at woman#2, exactly once"


def test_a_target_that_left_or_came_later_need_not_hear(ledger: Ledger) -> None:
    """Nor any target of a request that got no reply."""
    man = Someone("man")
    assert breaches(posted(ledger, OFFER, man, Someone("gone", live=False))) == []
    assert breaches(posted(ledger, OFFER, man, Someone("late", live_since=2.5))) == []
    assert breaches(posted(ledger, OFFER, man, Someone("woman"), reply=no_reply("no reply within 5 s"))) == []


def test_events_without_a_marker_of_this_run_belong_to_nobody(ledger: Ledger) -> None:
    """Neither those of another run nor those with no text at all."""
    man, woman = Someone("man"), Someone("woman")
    posting = posted(ledger, OFFER, man, woman)
    other = Ledger()
    foreign = posted(other, OFFER, man, woman)
    assert deliver(ledger, foreign, woman) is None
    assert ledger.record(Received(woman, "sender_offer", (), 3.0)) is None
    assert ledger.record(Received(woman, "sender_offer", ({"sender_login": "somebody"},), 3.0)) is None
    assert posting.heard == []


def test_waiting_ends_when_the_event_comes(ledger: Ledger) -> None:
    """Whether it came before or comes while waiting, and only at the connection asked for."""
    man, woman, tablet = Someone("man"), Someone("woman"), Someone("woman#2")
    offer = posted(ledger, OFFER, man, woman, tablet)

    async def scene() -> None:
        waiting = asyncio.create_task(offer.wait_at(woman, 10))
        loop = asyncio.get_running_loop()
        loop.call_soon(deliver, ledger, offer, tablet)
        loop.call_soon(lambda: loop.call_soon(deliver, ledger, offer, woman))
        first = await waiting
        assert first is not None
        assert first.connection is woman
        assert await offer.wait_at(woman, 0) is first

    asyncio.run(asyncio.wait_for(scene(), 5))


def test_waiting_ends_with_the_time_limit(ledger: Ledger) -> None:
    """It gives None, and an event elsewhere does not prolong it."""
    man, woman, tablet = Someone("man"), Someone("woman"), Someone("woman#2")
    offer = posted(ledger, OFFER, man, woman, tablet)

    async def scene() -> None:
        waiting = asyncio.create_task(offer.wait_at(woman, 0.02))
        asyncio.get_running_loop().call_soon(deliver, ledger, offer, tablet)
        assert await waiting is None

    asyncio.run(asyncio.wait_for(scene(), 5))


# ── events without a text of their own ─────────────────────────────────────────────────────────


def declined(ledger: Ledger, author: Someone, caller: Someone, reply: Reply | None) -> Posting:
    """Enter a decline, as a rule one whose reply is still to come."""
    posting = Posting(DECLINE, author, "", ledger.new_marker(), Audience(frozenset({caller})), reply=reply, sent_at=2.0)
    return ledger.open(posting)


@pytest.mark.parametrize("order", ["event_first", "replies_first", "acceptance_first"])
def test_of_two_declines_at_once_the_accepted_one_has_the_event(ledger: Ledger, order: str) -> None:
    """Whichever comes first: the event, or the reply that says which of the two it belongs to."""
    man, woman, tablet = Someone("man", "man"), Someone("woman"), Someone("woman#2")
    lost, won = (declined(ledger, author, man, None) for author in (woman, tablet))
    event = Received(man, "decline", ({"decline": "no", "login": "somebody"},), 3.0)

    def replies() -> None:
        for posting, reply in ((won, ACCEPTED), (lost, REFUSED)):
            posting.reply = reply
            ledger.replied(posting)

    if order == "replies_first":
        replies()
    elif order == "acceptance_first":
        won.reply = ACCEPTED
        ledger.replied(won)
    ledger.record(event)
    replies()
    assert (won.at(man), lost.at(man)) == ([event], [])
    assert breaches(won) == breaches(lost) == []


def test_an_event_of_a_refused_decline_stays_with_it(ledger: Ledger) -> None:
    """Where no other decline waits for it, it is what it looks like; so is a second one."""
    man, woman, tablet = Someone("man", "man"), Someone("woman"), Someone("woman#2")
    event = Received(man, "decline", ({"decline": "no", "login": "somebody"},), 3.0)
    alone = declined(ledger, woman, man, None)
    ledger.record(event)
    alone.reply = REFUSED
    ledger.replied(alone)
    assert broken(alone) == ["CALL-5"]
    won = declined(ledger, tablet, man, ACCEPTED)
    for _ in range(2):
        ledger.record(event)
    assert "CALL-5" in broken(won) + broken(alone)


# ── malformed requests ─────────────────────────────────────────────────────────────────────────


def malformed(
    ledger: Ledger, kind: Kind, author: Someone, reply: Reply | None = None, *, to_nobody: bool = False
) -> Posting:
    """Enter a malformed request whose event lacks the marker, as a rule one whose reply is still to come."""
    posting = Posting(kind, author, "", ledger.new_marker(), Audience(), reply=reply, sent_at=2.0, refusal="HTTP-5")
    posting.to_nobody = to_nobody
    ledger.malformed(posting)
    return ledger.open(posting)


@pytest.mark.parametrize("kind", [CANDIDATE, REFRESH], ids=lambda kind: kind.name)
def test_an_event_of_several_malformed_requests_is_that_of_the_accepted_one(ledger: Ledger, kind: Kind) -> None:
    """A refusal by 405 or a 500 beside it has raised nothing, whichever was sent last."""
    man, woman = Someone("man"), Someone("woman", "woman")
    number, broken_body, method = (malformed(ledger, kind, woman) for _ in range(3))
    event = Received(man, str(kind.event), ({"ice": 7} if kind is CANDIDATE else {"refresh": "gogo"},), 3.0)
    ledger.record(event)
    for posting, reply in ((method, REFUSED), (broken_body, no_reply("nothing")), (number, ACCEPTED)):
        posting.reply = reply
        ledger.replied(posting)
    assert ledger.record(event) is number
    assert number.heard == [event, event]
    assert (broken_body.heard, method.heard) == ([], [])


def test_an_event_that_names_nobody_may_come_from_a_malformed_request_of_another_check(ledger: Ledger) -> None:
    """A refresh to `null` that goes to everybody explains the refresh that nobody in this check posted."""
    woman, stranger = Someone("woman", "woman"), Someone("stranger", "stranger", check=2)
    event = Received(stranger, "refresh", ({"refresh": "gogo"},), 3.0)
    assert ledger.record(event) is None
    malformed(ledger, REFRESH, woman, ACCEPTED)
    assert ledger.record(event) is None
    to_null = malformed(ledger, REFRESH, woman, ACCEPTED, to_nobody=True)
    assert ledger.record(event) is to_null
    assert ledger.record(Received(stranger, "refresh", ({"refresh": "gogo"},), 99.0)) is None
    malformed(ledger, CANDIDATE, woman, ACCEPTED)
    assert ledger.record(Received(stranger, "ice_candidate", ({"ice": "x"},), 3.0)) is None


def test_an_event_that_reaches_everybody_is_not_one_too_many_of_a_sound_request(ledger: Ledger) -> None:
    """A sound refresh has its own event, whatever the refresh to `null` of another check raises beside it."""
    man, woman, other = Someone("man"), Someone("woman", "woman"), Someone("other", "other", check=2)
    to_null = malformed(ledger, REFRESH, other, to_nobody=True)
    audience = Audience(frozenset({man}))
    sound = ledger.open(Posting(REFRESH, woman, "", ledger.new_marker(), audience, reply=ACCEPTED, sent_at=2.0))
    for at in (man, man, woman):
        ledger.record(Received(at, "refresh", ({"refresh": "gogo"},), 3.0))
    to_null.reply = REFUSED
    ledger.relieve(sound)
    assert broken(sound) == ["CALL-10", "CALL-10"]
    to_null.reply = ACCEPTED
    ledger.relieve(sound)
    assert broken(sound) == []
    assert (len(sound.heard), len(to_null.heard)) == (1, 2)


def test_an_event_that_says_whose_it_is_stays_one_too_many(ledger: Ledger) -> None:
    """A decline with its author's login, and whatever has a text."""
    man, woman, other = Someone("man"), Someone("woman", "woman"), Someone("other", "other", check=2)
    malformed(ledger, DECLINE, other, ACCEPTED, to_nobody=True)
    sound = declined(ledger, woman, man, ACCEPTED)
    for _ in range(2):
        ledger.record(Received(man, "decline", ({"decline": "no", "login": "woman"},), 3.0))
    ledger.relieve(sound)
    assert broken(sound) == ["CALL-5"]


def test_an_event_in_another_s_name_is_that_of_who_lacks_one(ledger: Ledger) -> None:
    """A connection that is somebody else by now declines in that name, and the request has its event all the same."""
    man, woman = Someone("man"), Someone("woman", "woman")
    decline = declined(ledger, woman, man, None)
    event = Received(man, "decline", ({"decline": "no", "login": "nobody"},), 3.0)
    assert ledger.record(event) is decline
    assert ledger.record(event) is None
    decline.reply = ACCEPTED
    assert broken(decline) == ["CALL-5"]


def test_an_event_is_that_of_the_check_whose_author_it_names(ledger: Ledger) -> None:
    """A decline to `null` that reaches everybody is not laid to a malformed decline of the check that hears it."""
    man, woman, other = Someone("man"), Someone("woman", "woman"), Someone("other", "other", check=2)
    own = malformed(ledger, DECLINE, woman, ACCEPTED)
    to_null = malformed(ledger, DECLINE, other, ACCEPTED, to_nobody=True)
    assert ledger.record(Received(man, "decline", ({"decline": "no", "login": "other"},), 3.0)) is to_null
    assert ledger.record(Received(man, "decline", ({"decline": "no", "login": "woman"},), 3.0)) is own
    assert ledger.record(Received(man, "decline", ({"decline": "no", "login": "somebody"},), 3.0)) is own


def test_a_sound_request_has_its_event_before_malformed_ones(ledger: Ledger) -> None:
    """However many of them were accepted, and raised nothing."""
    man, woman = Someone("man"), Someone("woman", "woman")
    audience = Audience(frozenset({man}))
    for _ in range(3):
        odd = Posting(REFRESH, woman, "", ledger.new_marker(), audience, reply=ACCEPTED, sent_at=2.0, refusal="HTTP-5")
        ledger.malformed(ledger.open(odd))
    sound = ledger.open(Posting(REFRESH, woman, "", ledger.new_marker(), audience, reply=ACCEPTED, sent_at=2.0))
    assert ledger.record(Received(man, "refresh", ({"refresh": "gogo"},), 3.0)) is sound


def test_whose_sid_was_borrowed_is_named_as_the_author(ledger: Ledger) -> None:
    """A request with the sid of somebody who has left tells nothing of whom its author is taken for."""
    man, woman = Someone("man"), Someone("woman", "woman")
    posting = posted(ledger, OFFER, woman, man)
    posting.borrowed = True
    payload = {"sender_login": "visitor", "sender_offer": posting.text}
    ledger.record(Received(man, "sender_offer", (payload,), 3.0))
    assert broken(posting) == []
    posting.borrowed = False
    ledger.record(Received(man, "sender_offer", (payload,), 4.0))
    assert "OFFER-3" in broken(posting)


def test_an_event_that_names_another_author_may_come_from_a_request_without_a_sid(ledger: Ledger) -> None:
    """A server that does not look who asks puts anything there."""
    man, woman = Someone("man"), Someone("woman", "woman")
    event = Received(man, "decline", ({"decline": "no", "login": "anybody"},), 3.0)
    assert ledger.record(event) is None
    without_sid = malformed(ledger, DECLINE, woman)
    assert ledger.record(event) is without_sid


def test_a_ledger_knows_its_own_markers() -> None:
    """Those of another run, which may use the same logins at the same moment, are told from them."""
    mine, other = Ledger(), Ledger()
    assert mine.knows(mine.new_marker())
    assert not mine.knows(other.new_marker())
