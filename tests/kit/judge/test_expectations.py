"""Expectations: what fails, what only warns, and what a pass has to stand on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from signalproof.errors import KitError, NonConformance
from signalproof.judge.expectations import Expectations
from signalproof.judge.posting import Audience, Posting
from signalproof.judge.reply import Outcome, Reply, no_reply
from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.wire import OFFER

SHOULDS = [requirement.id for requirement in catalogue().values() if requirement.level is Level.SHOULD]
MUSTS = [requirement.id for requirement in catalogue().values() if requirement.level is Level.MUST]
ACCEPTED = Reply(Outcome.ACCEPTED, 200, {"status": 0, "offer": "ok"}, "HTTP 200")
REFUSED = Reply(Outcome.REFUSED, 200, {"status": 1, "message": "no"}, "HTTP 200")
REFUSED_WITH_400 = Reply(Outcome.REFUSED, 400, {"status": 1, "message": "no"}, "HTTP 400")
CRASHED = Reply(Outcome.UNCLEAR, 500, None, "HTTP 500 <html>", "HTTP-12", "a server error")


@dataclass(eq=False)
class Someone:
    """A connection, as far as a posting looks at one."""

    name: str = "man"
    login: str = "man"
    check: int = 1
    live: bool = True
    live_since: float = 0.0
    lost: str = ""


def posting(reply: Reply | None) -> Posting:
    """Make an offer that got this reply."""
    return Posting(kind=OFFER, author=Someone(), text="", marker="", audience=Audience(), reply=reply)


def test_a_breach_is_about_the_last_message_that_came() -> None:
    """Unless it says which one it is about: an older reply, though another one came meanwhile."""
    check = Expectations(["HTTP-14", "OFFER-1"])
    check.transcript.add("server", "man", "HTTP 200", at=5.0)
    check.transcript.add("man", "server", "POST /offer", at=6.0)
    check.expect("HTTP-14", False, expected="this", received="that")
    check.note(NonConformance("OFFER-1", expected="this", received="that", at=4.0))
    (warning,), (noted,) = check.warnings, check.foundation.noted.values()
    assert (warning.at, noted.at) == (5.0, 4.0)


@pytest.mark.parametrize("reply", [CRASHED, ACCEPTED])
def test_a_breach_of_a_reply_is_about_that_reply(reply: Reply) -> None:
    """Whatever came behind it."""
    check = Expectations(["OFFER-6"])
    posted = posting(reply)
    posted.replied_at = 3.0
    check.transcript.add("server", "man", "sender_offer", at=4.0)
    with pytest.raises(NonConformance) as found:
        check.accepted(posted) if reply is CRASHED else check.refused(posted, "OFFER-6")
    assert found.value.at == 3.0


def test_a_kept_requirement_is_no_news() -> None:
    """Neither breach nor warning."""
    check = Expectations(["OFFER-1"])
    check.expect("OFFER-1", True, expected="this", received="this")
    assert check.warnings == []


@pytest.mark.parametrize("identifier", [SHOULDS[0], SHOULDS[-1]])
def test_a_broken_should_is_kept_as_a_warning(identifier: str) -> None:
    """The check goes on."""
    check = Expectations([identifier])
    check.expect(identifier, False, expected="this", received="that", hint="so")
    (warning,) = check.warnings
    assert (warning.requirements, warning.hint) == ((identifier,), "so")
    assert str(warning) == f"{identifier}: expected this; received that"


@pytest.mark.parametrize("identifiers", [MUSTS[:1], [*SHOULDS[:1], *MUSTS[:1]]], ids=["must", "both"])
def test_a_broken_must_ends_the_check(identifiers: list[str]) -> None:
    """Also in the company of a SHOULD."""
    check = Expectations(identifiers)
    with pytest.raises(NonConformance):
        check.breach(NonConformance(*identifiers, expected="this", received="that"))
    assert check.warnings == []


def test_an_unknown_requirement_is_a_fault_of_the_kit() -> None:
    """A typing error in a check must not look like a fault of the target."""
    with pytest.raises(KitError, match="OFFER-999 is cited"):
        Expectations(["OFFER-1"]).expect("OFFER-999", False, expected="this", received="that")


def test_an_accepted_request_is_given_back() -> None:
    """So that calls can be chained."""
    accepted = posting(ACCEPTED)
    assert Expectations(["OFFER-1"]).accepted(accepted) is accepted


@pytest.mark.parametrize("reply", [REFUSED, CRASHED, no_reply("closed")], ids=["refused", "crashed", "silent"])
def test_a_request_that_is_not_accepted_breaks_the_requirement_in_question(reply: Reply) -> None:
    """By default the first of the check."""
    with pytest.raises(NonConformance) as named:
        Expectations(["OFFER-1"]).accepted(posting(reply), "OFFER-9")
    assert named.value.requirements == ("OFFER-9",)
    assert named.value.received == reply.describe()
    with pytest.raises(NonConformance) as default:
        Expectations(["OFFER-1"]).accepted(posting(reply))
    assert default.value.requirements == ("OFFER-1",)


@pytest.mark.parametrize("client_error", [False, True])
def test_an_accepted_request_that_has_to_be_refused_ends_the_check(client_error: bool) -> None:
    """What comes after it would be judged in another state than the check supposes."""
    with pytest.raises(NonConformance) as found:
        Expectations(["OFFER-1"]).refused(posting(ACCEPTED), "OFFER-6", client_error=client_error)
    assert found.value.requirements == ("OFFER-6",)


def test_a_refusal_with_the_wrong_status_is_noted() -> None:
    """It changes nothing, so the check goes on."""
    check = Expectations(["OFFER-1"])
    check.refused(posting(REFUSED), "HTTP-5", client_error=True)
    assert [found.requirements for found in check.foundation.noted.values()] == [("HTTP-5",)]
    assert check.foundation.unsettled == set()


@pytest.mark.parametrize("reply", [CRASHED, no_reply("closed")], ids=["crashed", "silent"])
def test_a_crash_in_place_of_a_refusal_leaves_the_requirement_unsettled(reply: Reply) -> None:
    """It is no acceptance either; what is wrong with the reply itself is noted when it comes."""
    check = Expectations(["OFFER-1"])
    crashed = posting(reply)
    check.came(reply)
    check.refused(crashed, "OFFER-6")
    assert [found.requirements for found in check.foundation.noted.values()] == [("HTTP-12",)]
    assert check.foundation.unsettled == {"OFFER-6"}
    assert crashed.refusal == "OFFER-6"


@pytest.mark.parametrize("requirement", ["LOGIN-4", "SEC-2", "ANSWER-6"])
def test_a_crash_settles_a_requirement_that_asks_for_no_refusal(requirement: str) -> None:
    """Such as one about what must not happen: the event that the request raises, if it does, breaks it."""
    check = Expectations([requirement])
    crashed = posting(CRASHED)
    check.refused(crashed, requirement)
    assert check.foundation.unsettled == set()
    assert crashed.refusal == requirement


def test_a_crash_does_not_settle_a_requirement_of_a_status() -> None:
    """HTTP-10 asks for 4xx."""
    check = Expectations(["HTTP-10"])
    check.refused(posting(CRASHED), "HTTP-10", client_error=True)
    assert check.foundation.unsettled == {"HTTP-10"}


def test_a_check_may_go_on_after_an_acceptance() -> None:
    """Where it knows what that may have changed."""
    check = Expectations(["HTTP-5"])
    check.refused(posting(ACCEPTED), "HTTP-5", client_error=True, goes_on=True)
    assert [found.requirements for found in check.foundation.noted.values()] == [("HTTP-5",)]


def test_the_same_breach_is_noted_once_in_each_case() -> None:
    """However often such a reply comes."""
    check = Expectations(["OFFER-1"])
    for reply in check.cases({"one": CRASHED, "two": CRASHED}):
        check.came(reply)
        check.came(reply)
    one, two = check.foundation.noted.values()
    assert "(case: one)" in one.expected
    assert "(case: two)" in two.expected


@pytest.mark.parametrize(("reply", "client_error"), [(REFUSED, False), (REFUSED_WITH_400, True)])
def test_a_refusal_is_given_back_and_remembered(reply: Reply, client_error: bool) -> None:
    """A late event is charged to the requirement of the refusal."""
    refused = posting(reply)
    assert Expectations(["OFFER-1"]).refused(refused, "OFFER-6", client_error=client_error) is reply
    assert refused.refusal == "OFFER-6"


def test_a_posting_that_was_never_sent_is_a_fault_of_the_kit() -> None:
    """It cannot be judged."""
    for judge in (Expectations(["OFFER-1"]).accepted, lambda p: Expectations(["OFFER-1"]).refused(p, "OFFER-6")):
        with pytest.raises(KitError, match="before it was sent"):
            judge(posting(None))


def test_a_check_that_received_nothing_cannot_pass() -> None:
    """Acceptance alone is no evidence: a server can say yes to everything."""
    check = Expectations(["OFFER-1"])
    check.accepted(posting(ACCEPTED))
    with pytest.raises(KitError, match="received no event"):
        check.require_foundation()
    check.proven(posting(ACCEPTED))
    check.require_foundation()


def test_a_check_of_refusals_needs_a_control() -> None:
    """An event of a request that was not accepted is none: a server can say no to everything."""
    check = Expectations(["OFFER-6"])
    check.refused(posting(REFUSED), "OFFER-6")
    check.proven(posting(REFUSED))
    with pytest.raises(KitError, match="without a control: offer"):
        check.require_foundation()
    check.proven(posting(ACCEPTED))
    check.require_foundation()


def test_cases_that_go_side_by_side_keep_their_names() -> None:
    """Two tasks note what they find, each in its own case."""
    check = Expectations(["OFFER-4"])

    async def find(name: str, both: asyncio.Barrier) -> None:
        with check.in_case(name):
            await both.wait()
            check.note(NonConformance("OFFER-4", expected="this", received="that"))

    async def find_both() -> None:
        both = asyncio.Barrier(2)
        await asyncio.gather(find("one", both), find("two", both))

    asyncio.run(find_both())
    assert {found.expected for found in check.foundation.noted.values()} == {"this (case: one)", "this (case: two)"}
    assert check.case == ""
