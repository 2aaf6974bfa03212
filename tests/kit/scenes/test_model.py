"""The model of random scenes: it moves as the tables of `spec/state.md` say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from signalproof.judge.posting import Audience, Posting
from signalproof.protocol.wire import CALL, CANDIDATE, DECLINE, OFFER, Kind
from signalproof.scenes.model import RINGING_SECONDS, Model

SPEC = Path(__file__).parents[3] / "spec" / "state.md"


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    """A connection that does nothing."""

    name: str
    login: str
    check: int = 1
    live: bool = True
    live_since: float = 0.0
    lost: str = ""


def table(heading: str) -> list[tuple[str, str, str]]:
    """Read the transitions below a heading of the specification."""
    section = SPEC.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \|$", section, re.MULTILINE)
    return [row for row in rows if row[0] != "state"]


class Stage:
    """A man and a woman, each on one device, and what they do."""

    def __init__(self, ringing_seconds: float = RINGING_SECONDS) -> None:
        self.model = Model(ringing_seconds=ringing_seconds)
        self.man, self.woman = Device("man", "m"), Device("woman", "w")
        for device in (self.man, self.woman):
            self.model.comes(device)

    def posting(self, kind: Kind, author: Device, to: str = "", *, at: float = 0.0) -> Posting:
        """Make a posting to a login that is sent and replied to at a time."""
        return Posting(kind, author, "", "sp-1", Audience(self.model.live(to)), sent_at=at, replied_at=at)

    def offers(self, author: Device, to: Device, offer_id: str = "") -> Posting:
        """Post an offer that is accepted."""
        assert self.model.offer(author, to.login).accepted
        posting = self.posting(OFFER, author, to.login)
        self.model.offered(posting, to.login, offer_id)
        return posting

    def rings(self, author: Device, to: Device) -> None:
        """Post a call that is accepted."""
        assert self.model.ring(author, to.login).accepted
        self.model.rang(self.posting(CALL, author), to.login)

    def declines(self, author: Device, caller: Device) -> bool | None:
        """Decline a call, and say whether that has to be accepted."""
        posting = self.posting(DECLINE, author)
        due = self.model.decline(posting, caller.login)
        self.model.declined(posting, caller.login)
        return due.accepted

    def answers(self, author: Device, sender: str | None = None) -> bool:
        """Post an answer, and say whether it has to be accepted."""
        negotiation, due = self.model.pick(author, sender), self.model.answer(author, sender)
        assert due is not None
        if negotiation is not None:
            self.model.answered(author, negotiation)
        return bool(due.accepted)


def pair_state(stage: Stage) -> str:
    """Give the state of the pair of man and woman."""
    negotiation = stage.model.negotiations.get(("m", "w"))
    return "idle" if negotiation is None else "offered" if negotiation.answerer is None else "stable"


@pytest.mark.parametrize(("state", "event", "following"), table("Per pair"))
def test_a_pair_moves_as_the_specification_says(state: str, event: str, following: str) -> None:
    """Each row of the table."""
    stage = Stage()
    if state != "idle":
        stage.offers(stage.man, stage.woman)
    if state == "stable":
        assert stage.answers(stage.woman)
    assert pair_state(stage) == state
    if event == "offer":
        stage.offers(stage.man, stage.woman)
    elif event == "answer":
        assert stage.answers(stage.woman)
    else:
        assert event == "leave"
        stage.model.leaves(stage.woman)
    assert pair_state(stage) == following


@pytest.mark.parametrize("state", ["idle", "stable"])
def test_an_answer_without_an_arrow_is_refused(state: str) -> None:
    """ANSWER-4, ANSWER-5."""
    stage = Stage()
    if state == "stable":
        stage.offers(stage.man, stage.woman)
        assert stage.answers(stage.woman)
    assert not stage.answers(stage.woman)
    assert not stage.answers(stage.woman, "m")


@pytest.mark.parametrize(
    ("state", "event", "following"), [row for row in table("Per caller and callee") if row[1] != "expire"]
)
def test_a_call_moves_as_the_specification_says(state: str, event: str, following: str) -> None:
    """Each row but expiry, which has a test of its own; `accepted` is to clients what `idle` is."""
    stage, pair = Stage(), ("m", "w")
    if state == "ringing":
        stage.rings(stage.man, stage.woman)
    if event == "call":
        stage.rings(stage.man, stage.woman)
    elif event == "offer":
        stage.offers(stage.woman, stage.man)
    elif event == "decline":
        assert stage.declines(stage.woman, stage.man) is True
    else:
        stage.model.leaves(stage.man)
    assert (pair in stage.model.ringing) == (following == "ringing")


def test_when_the_time_of_ringing_is_over_both_outcomes_are_allowed() -> None:
    """CALL-11 is a SHOULD; before that a decline has to be accepted (CALL-5)."""
    stage = Stage(ringing_seconds=3.0)
    stage.rings(stage.man, stage.woman)
    assert stage.model.decline(stage.posting(DECLINE, stage.woman, at=2.8), "m").accepted is True
    assert stage.model.decline(stage.posting(DECLINE, stage.woman, at=3.2), "m").accepted is None
    assert stage.declines(stage.man, stage.woman) is False


def test_a_call_to_oneself_rings_elsewhere_or_is_refused() -> None:
    """CALL-14: without another device it is refused."""
    stage = Stage()
    assert stage.model.ring(stage.man, "m").accepted is False
    tablet = Device("man#2", "m")
    stage.model.comes(tablet)
    due = stage.model.ring(stage.man, "m")
    assert due.accepted is None
    assert due.audience.targets == {tablet}


def test_an_answer_with_an_id_is_to_that_offer_or_refused() -> None:
    """CORR-2 and CORR-3: an id and a name that disagree name nothing, and a superseded offer has gone."""
    stage = Stage()
    rival = Device("rival", "r")
    stage.model.comes(rival)
    old, older = stage.offers(stage.man, stage.woman, "a"), stage.offers(stage.man, stage.woman, "b")
    stage.offers(rival, stage.woman, "c")
    assert old is not older
    for sender, offer_id, rule in ((None, "a", "CORR-2"), (None, "x", "CORR-2"), ("r", "b", "CORR-3")):
        due = stage.model.answer(stage.woman, sender, offer_id)
        assert due is not None
        assert (due.accepted, due.requirement) == (False, rule)
    picked, due = stage.model.pick(stage.woman, "m", "b"), stage.model.answer(stage.woman, None, "b")
    assert picked is not None
    assert picked.offer is older
    assert due is not None
    assert (due.accepted, due.requirement) == (True, "CORR-3")


def test_the_answer_without_a_name_is_to_the_latest_offer() -> None:
    """ANSWER-8: a re-offer makes an older pair the most recent one."""
    stage = Stage()
    rival = Device("rival", "r")
    stage.model.comes(rival)
    stage.offers(stage.man, stage.woman)
    stage.offers(rival, stage.woman)
    latest = stage.offers(stage.man, stage.woman)
    picked = stage.model.pick(stage.woman, None)
    assert picked is not None
    assert picked.offer is latest


def test_a_candidate_goes_to_those_who_heard_the_offer_and_then_to_the_device_that_answered() -> None:
    """The table of `spec/ice.md`, with a device that came late."""
    stage = Stage()
    tablet, late = Device("woman#2", "w"), Device("woman#3", "w")
    stage.model.comes(tablet)
    stage.offers(stage.man, stage.woman)
    stage.model.comes(late)
    due = stage.model.candidate(stage.man, "w")
    assert due is not None
    assert due.audience.targets == {stage.woman, tablet}
    assert stage.answers(tablet)
    after = stage.model.candidate(stage.man, None)
    assert after is not None
    assert after.audience.targets == {tablet}
    assert after.audience.tolerated == {stage.woman, late}
    back = stage.model.candidate(tablet, "m")
    assert back is not None
    assert back.audience.targets == {stage.man}
    assert stage.model.candidate(stage.woman, "m") is None, "a device that lost the race: SHOULD"
    refused = stage.model.candidate(stage.man, "nobody")
    assert refused is not None
    assert refused.accepted is False
    assert CANDIDATE.leak == refused.requirement


def test_nothing_is_said_where_the_offering_connection_has_gone() -> None:
    """ANSWER-13 leaves both outcomes open."""
    stage = Stage()
    phone = Device("man#2", "m")
    stage.model.comes(phone)
    stage.offers(phone, stage.woman)
    stage.model.leaves(phone)
    assert stage.model.answer(stage.woman, "m") is None
    assert stage.model.refresh(stage.woman, "m") is None
