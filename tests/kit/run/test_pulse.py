"""Whether a target still answers: told by several requests, and never by one."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Any, cast

import pytest

from signalproof.errors import NonConformance, TargetUnusable
from signalproof.judge.transcript import SERVER, Channel, Transcript
from signalproof.net.failures import HttpFailure
from signalproof.run.pulse import ATTEMPTS, Pulse

if TYPE_CHECKING:
    from signalproof.net.http import Http
    from signalproof.run.result import Result

REFUSED = HttpFailure("[Errno 111] Connect call failed")
LATE = HttpFailure("no reply within 5.0 s", late=True)
OURS = HttpFailure("Network is unreachable")
OURS.__cause__ = OSError(errno.ENETUNREACH, "Network is unreachable")


class Stub:
    """Anything with these attributes."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Answers(Stub):
    """HTTP to a target that answers so, one after the other."""

    async def request(self, *_: object) -> Stub:
        """Give the next answer."""
        answer = vars(self)["left"].pop(0)
        if isinstance(answer, HttpFailure):
            raise answer
        return Stub(status=answer)


def check_under_way(*, lost: str = "man's connection was closed by the server") -> Result:
    """Give a check that has just sent something."""
    transcript = Transcript()
    transcript.add(SERVER, "man", "HTTP 200", channel=Channel.HTTP)
    transcript.add("man", SERVER, "POST /offer", channel=Channel.HTTP)
    company = Stub(
        everybody=[Stub(lost=lost, sid="x")],
        scenes=[],
        postings=[],
        raw=Stub(failed=False),
        transcript=transcript,
        case="",
    )
    return cast("Result", Stub(cast=company, check=Stub(name="a.py::test_it"), ended_the_target=None))


async def stopped(result: Result, first: int, *answers: int | HttpFailure) -> str:
    """Begin, ask after the check, and give what is said of the target."""
    pulse = Pulse(cast("Http", Answers(left=[first, *answers])))
    await pulse.begin()
    said = await pulse.has_stopped(result, [result])
    assert said is bool(pulse.stopped)
    return pulse.stopped


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between two requests."""
    monkeypatch.setattr("signalproof.run.pulse.BETWEEN_SECONDS", 0)


@pytest.mark.parametrize(("first", "answer"), [(404, REFUSED), (200, 502), (502, REFUSED)])
def test_a_target_that_answers_nothing_has_stopped(first: int, answer: int | HttpFailure) -> None:
    """The check that sent something last is said to have ended it, under HTTP-12."""
    result = check_under_way()
    assert asyncio.run(stopped(result, first, *[answer] * ATTEMPTS)) == "the target stopped answering at 0.0 s"
    ending = result.ended_the_target
    assert isinstance(ending, NonConformance)
    assert ending.requirements == ("HTTP-12",)
    assert ending.received.endswith("after POST /offer (test_it)")


@pytest.mark.parametrize(
    ("first", "answers"),
    [(404, [REFUSED, 404]), (404, [LATE]), (404, [REFUSED, REFUSED, REFUSED, 200]), (503, [503]), (200, [500])],
    ids=["one_refused", "slow", "three_refused", "always_503", "error"],
)
def test_a_target_that_answers_at_all_has_not(first: int, answers: list[int | HttpFailure]) -> None:
    """Nor one that takes its time: that has limits of its own."""
    result = check_under_way()
    assert not asyncio.run(stopped(result, first, *answers))
    assert result.ended_the_target is None


def test_nobody_asks_without_a_reason() -> None:
    """A check that failed in another way says nothing of the target's end."""
    assert not asyncio.run(stopped(check_under_way(lost=""), 404))


def test_a_network_that_is_gone_is_not_the_targets() -> None:
    """Then nothing is broken, and the run cannot be judged."""
    result = check_under_way()
    assert asyncio.run(stopped(result, 404, *[OURS] * ATTEMPTS))
    assert isinstance(result.ended_the_target, TargetUnusable)
