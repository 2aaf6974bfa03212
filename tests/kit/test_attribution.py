"""Servers at which one thing goes wrong everywhere, and one that does not keep up: one cause, told once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.processes import running

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served

SERVE = Path(__file__).parents[1] / "faults" / "serve.py"
MOST_LINES = 60
"""Lines of a terminal that one cause may take."""
SWEEPING = {
    "answers_created": {"HTTP-15"},
    "refuses_without_status": {"HTTP-15", "HTTP-14", "CALL-2b"},
    "throws_in_place_of_refusing": {"HTTP-12", "HTTP-14", "HTTP-7b", "HTTP-9b", "HTTP-10b"},
    "corrects_the_name_of_the_event": {"OFFER-1"},
    "raises_no_offers": {"OFFER-1"},
}
"""By fault: all that the kit may name."""


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve faults by name; they end with the test."""
    with ExitStack() as stack:

        def start(fault: str) -> str:
            server = stack.enter_context(running(sys.executable, str(SERVE), fault, folder=tmp_path))
            return server.line().rpartition(" ")[2]

        yield start


@pytest.mark.parametrize("fault", SWEEPING)
def test_one_thing_that_is_wrong_everywhere_is_told_once(kit: Kit, faulty: Callable[[str], str], fault: str) -> None:
    """By its own requirement, in a few lines, with how many checks met it."""
    run = kit.check(faulty(fault), "-k", "test_offer or test_call or test_order", "--timeout", "2")
    assert run.code == 1, run.output
    named = {identifier for row in run.rows("") for identifier in row["violated"]}
    assert named == SWEEPING[fault] & named
    assert " checks met the same thing (" in run.output
    assert len(run.output.splitlines()) <= MOST_LINES, run.output


def test_a_server_that_does_not_keep_up_breaks_nothing_by_that(kit: Kit, serve: Callable[[str], Served]) -> None:
    """What is late in a crowd is tried again alone, and fewer checks run at once from then on."""
    run = kit.check(serve("StandsStillInACrowd").url, "-k", "test_offer", "--timeout", "1")
    assert run.code == 0, run.output
    assert re.search(r"checks were late with 1\d at once; tried again alone, \d+ of them were in time", run.output)


def test_an_event_in_the_time_of_the_specification_breaks_nothing(kit: Kit, serve: Callable[[str], Served]) -> None:
    """A shorter limit of the operator's leaves it undecided."""
    run = kit.check(serve("DeliversAfterAWhile").url, "-k", "test_a_reoffer", "--timeout", "1")
    assert run.code == 0, run.output
    assert "as ORDER-3 allows, and --timeout 1 does not wait for that" in run.output
    assert "PARTIAL" in run.output


def test_a_connection_that_the_server_closed_is_named_as_the_cause(kit: Kit, faulty: Callable[[str], str]) -> None:
    """In place of the event that could not come, and with the time."""
    run = kit.check(faulty("closes_every_connection_after_six_seconds"), "-k", "stays_open", "--slow")
    assert run.code == 1, run.output
    assert [row["violated"] for row in run.rows("")] == [["LOGIN-11"]]
    assert re.search(r"(wo)?man's connection was closed by the server at 6\.\d s, unasked", run.output)


def test_a_server_that_dies_in_mid_run_gets_one_sentence(kit: Kit, faulty: Callable[[str], str]) -> None:
    """At one check, with what it was sent last; the others are not judged."""
    run = kit.check(faulty("dies_of_a_socket_that_has_gone"), "-k", "test_login or test_offer")
    assert run.code == 1, run.output
    assert [row["violated"] for row in run.rows("") if row["violated"]] == [["HTTP-12"]]
    assert re.search(r"the target stopped answering at \d\.\d s \(.*\), after .*POST /offer", run.output)
    assert re.search(r"not run: \d+ checks: the target stopped answering at ", run.output)
    assert run.output.count("not run: ") == 1, run.output
