"""What an interrupt leaves of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from signalproof.errors import NonConformance
from signalproof.judge.transcript import Transcript
from signalproof.run.outcomes import CheckOutcome
from signalproof.run.result import Check, Result
from signalproof.run.runner import Run


async def body(_: object) -> None:
    """Do nothing."""


def result_with_a_breach(*, complete: bool) -> Result:
    """Give a check with a breach, that has ended or that is being cancelled."""
    found = NonConformance("LOGIN-1", expected="a connection", received="silence")
    stub = cast("Any", SimpleNamespace(transcript=Transcript(), warnings=[]))
    return Result(Check("a.py::test_it", body, ("LOGIN-7",)), stub, error=found, breaches=[found], complete=complete)


def test_what_was_cut_off_breaks_nothing_and_what_had_ended_stays() -> None:
    """A connection that the kit itself cuts looks like one that the target refused."""
    run = Run(cast("Any", None), cast("Any", None), cast("Any", None))
    run.results = {"cut": result_with_a_breach(complete=False), "ended": result_with_a_breach(complete=True)}
    run.cut_off()
    assert run.results["cut"].outcome is CheckOutcome.SKIPPED
    assert run.results["cut"].all_breaches == []
    assert run.results["ended"].outcome is CheckOutcome.FAILED
