"""The kit against servers that are wrong in one way: it has to find that, name it, show it, and find nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from signalproof.protocol.requirements import catalogue

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault: the check that finds it, what it says, and checks that the fault does not concern."""

    variant: str
    check: str
    violated: tuple[str, ...]
    participants: tuple[str, ...]
    received: str
    hint: str = ""
    controls: str
    options: tuple[str, ...] = ()


CASES = (
    Case(
        variant="DropsADevice",
        check="test_an_offer_reaches_each_connection_of_the_reciever_and_nobody_else",
        violated=("OFFER-1",),
        participants=("man", "woman"),
        received="nothing",
        controls="test_the_sender_login_is_that_of_the_sid",
        options=("--timeout", "1"),
    ),
    Case(
        variant="TrimsTexts",
        check="test_the_description_is_forwarded_character_for_character[json]",
        violated=("OFFER-4",),
        participants=("man", "woman"),
        received="characters instead of",
        hint="white space was trimmed",
        controls="test_the_description_is_forwarded_whatever_json_escapes_the_client_uses",
    ),
    Case(
        variant="MixesPairsUp",
        check="test_sender_login_selects_the_offer",
        violated=("ANSWER-7", "ANSWER-2"),
        participants=("man", "woman", "boy"),
        received="reciever_answer also at boy",
        hint="to another user instead",
        controls="test_an_answer_without_a_name_goes_to_the_most_recent_offer",
        options=("--timeout", "1"),
    ),
    Case(
        variant="CrashesOnMalformedJson",
        check="test_a_body_that_is_no_json_object_is_refused",
        violated=("HTTP-12",),
        participants=("man", "woman"),
        received="HTTP 500",
        hint="The server threw",
        controls="test_another_content_type_is_refused",
    ),
    Case(
        variant="CorrectsTheSpelling",
        check="test_an_answer_reaches_the_connection_that_made_the_offer_and_no_other",
        violated=("ANSWER-1",),
        participants=("man", "woman"),
        received="the event receiver_answer instead",
        hint="`reciever`",
        controls="test_the_sender_login_is_that_of_the_sid",
    ),
    Case(
        variant="LeaksLate",
        check="test_an_offer_reaches_each_connection_of_the_reciever_and_nobody_else",
        violated=("OFFER-2",),
        participants=("man", "woman", "stranger"),
        received="sender_offer also at stranger",
        hint="to everybody",
        controls="test_the_sender_login_is_that_of_the_sid",
    ),
    Case(
        variant="DoublesAnswers",
        check="test_an_answer_reaches_the_connection_that_made_the_offer_and_no_other",
        violated=("ANSWER-1",),
        participants=("man", "woman"),
        received="it came 2 times",
        controls="test_the_sender_login_is_that_of_the_sid",
    ),
    Case(
        variant="AcknowledgesTooEarly",
        check="test_a_sid_is_known_everywhere_once_its_login_is_acknowledged",
        violated=("LOGIN-2",),
        participants=("man0",),
        received="unknown_sid",
        hint="`login` was acknowledged before it was stored",
        controls="test_repeating_the_same_login_is_harmless",
    ),
    Case(
        variant="HidesALogin",
        check="test_54_visits_of_a_moment_leave_no_ghost",
        violated=("PRES-1",),
        participants=("kit",),
        received="2 of the users of other checks missing",
        controls="test_sender_login_selects_the_offer",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.variant)
def test_the_fault_is_found_named_and_shown(case: Case, kit: Kit, serve: Callable[[str], Served]) -> None:
    """Exit code 1, the requirement, the ladder and the hint; what the fault does not concern passes."""
    check, _, parameter = case.check.rstrip("]").partition("[")
    select = f"({check} and {parameter}) or {case.controls}" if parameter else f"{check} or {case.controls}"
    run = kit.check(serve(case.variant).url, "-k", select, *case.options)
    assert run.code == 1, run.output
    assert run.report is not None
    assert run.report["verdict"] == "nonconformant"

    failed = [row for row in run.report["results"] if row["outcome"] != "passed"]
    assert [row["check"].rpartition("::")[2] for row in failed] == [case.check]
    (row,) = failed
    assert row["outcome"] == "failed"
    assert set(row["violated"]) >= set(case.violated)
    assert case.received in row["message"]
    assert case.hint in row.get("hint", "")
    assert bool(case.hint) == ("hint" in row)
    heading = next(line for line in row["ladder"].splitlines() if "earlier messages" not in line)
    columns = set(heading.split()) if heading.strip().startswith("ms") else set(row["ladder"].split())
    assert columns >= {"server", *case.participants}

    controls = run.rows(case.controls)
    assert controls
    assert all(control["outcome"] == "passed" and not control["violated"] for control in controls)
    assert run.report["summary"]["passed"] == len(run.report["results"]) - 1

    for identifier in case.violated:
        assert f"{identifier}: " in run.output
    assert catalogue()[case.violated[0]].sentence in run.output
    assert heading.strip() in run.output
    assert run.output.rstrip().splitlines()[-2].endswith("is NONCONFORMANT")


def test_the_ladder_of_the_report_is_that_of_the_terminal(kit: Kit, serve: Callable[[str], Served]) -> None:
    """It ends with what was judged, not with the kit's own disconnecting."""
    run = kit.check(serve("CorrectsTheSpelling").url, "-k", "test_roles_can_be_reversed")
    (row,) = run.rows("test_roles_can_be_reversed")
    assert row["outcome"] == "failed"
    assert row["ladder"] in run.output
