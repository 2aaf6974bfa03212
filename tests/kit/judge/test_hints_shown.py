"""Hints in the output of the kit: each mistake is made in a real server, and no hint shows at its neighbours."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.faults.proof import serving

if TYPE_CHECKING:
    from tests.kit.conftest import Kit

WORDS: Final[Mapping[str, str]] = {
    "engine sid": "The server knows the Engine.IO sid",
    "page": "An HTML page came where JSON belongs",
    "no forms": "This endpoint does not read forms",
    "parameters": "Forms are read, but not with a parameter",
    "acknowledged early": "`login` was acknowledged before it was stored",
    "split": "several workers answer, each with a memory of its own",
    "emitted early": "`sender_offer` was emitted before the offer was stored",
    "pool": "not to a pool of workers",
    "row per sender": "one row for each sender",
    "row per reciever": "one row for each reciever",
    "row per user": "one row, with one sid, for each user",
    "serialised": "parsed and serialised again",
    "crlf": "CRLF became LF",
    "trimmed text": "Leading or trailing white space was trimmed",
    "trimmed field": "White space around a field was trimmed",
    "trimmed login": "White space around logins is trimmed",
    "case": "Case is ignored in logins",
    "normalised": "Logins are normalised",
    "coerced": "A number or a boolean was taken for a string",
    "cors": "Put CORS outermost",
    "room": "not to a room that the sender is in too",
    "devices": "not to a room that other devices of its users are in too",
    "everybody": "without a target, Socket.IO emits to everybody",
    "astray": "It went to another user instead",
}
"""What each hint is known by."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A fault, a check that it fails, and which hints that shows."""

    fault: str
    check: str
    hints: tuple[str, ...] = ()


OFFERED = "test_an_offer_reaches_each_connection_of_the_reciever_and_nobody_else"
ANSWERED = "test_an_answer_reaches_the_connection_that_made_the_offer_and_no_other"
FORWARDED = "test_the_description_is_forwarded_character_for_character"
KNOWN = "test_a_sid_is_known_everywhere_once_its_login_is_acknowledged"
FORMS = "test_form_bodies_are_accepted_with_the_same_meaning"
CHEEKY = "test_an_answer_posted_the_moment_the_offer_arrives_is_accepted"
ORDERED = "test_events_of_different_kinds_arrive_in_the_order_of_their_requests"
TO_TWO = "test_one_sender_to_two_recievers_gets_both_answers"
FROM_TWO = "test_two_senders_to_one_reciever_do_not_disturb_each_other"
BROWSERS = "test_browsers_of_another_origin_may_post_and_read_errors"
ALIKE = "test_similar_logins_are_different_users"
DEVICES = "test_a_login_has_several_live_connections"
STRANGERS = "test_a_sid_that_is_not_a_live_login_is_refused"
NUMBERS = "test_a_number_is_not_taken_for_a_login_of_digits"

CASES = (
    Shown("takes_engine_sids", STRANGERS, ("engine sid",)),
    Shown("knows_the_sids_of_the_transport", KNOWN, ("engine sid",)),
    Shown("acknowledges_before_it_binds", KNOWN, ("acknowledged early",)),
    Shown("has_workers_with_memories_of_their_own", KNOWN, ("split",)),
    Shown("crashes_on_json_that_is_no_object", "test_a_body_that_is_no_json_object_is_refused"),
    Shown("shows_a_page_for_other_methods", "test_another_method_gets_4xx_and_changes_nothing", ("page",)),
    Shown("reads_no_forms", FORMS, ("no forms",)),
    Shown("refuses_forms_with_charset", FORMS, ("parameters",)),
    Shown("decodes_forms_twice", FORMS),
    Shown("refuses_unknown_fields", "test_unknown_fields_are_ignored_and_not_forwarded"),
    Shown("emits_before_it_stores", CHEEKY, ("emitted early",)),
    Shown("knows_the_sids_of_the_transport", f"{CHEEKY} or {TO_TWO}", ("engine sid",)),
    Shown("delivers_from_a_pool", ORDERED, ("pool",)),
    Shown("has_one_row_per_sender", TO_TWO, ("row per sender",)),
    Shown("has_one_row_per_reciever", FROM_TWO, ("row per reciever",)),
    Shown("knows_one_device", DEVICES, ("row per user",)),
    Shown("misses_the_third_device", OFFERED),
    Shown("serialises_offers_again", FORWARDED, ("serialised",)),
    Shown("turns_crlf_into_lf", FORWARDED, ("crlf",)),
    Shown("trims_offers", FORWARDED, ("trimmed text",)),
    Shown("escapes_markup", FORWARDED),
    Shown("coerces_numbers", NUMBERS, ("coerced",)),
    Shown("corrects_the_type", "test_another_type_is_refused_and_changes_nothing"),
    Shown("trims_logins", f"{ALIKE} or test_a_login_that_differs_by_a_space", ("trimmed login", "trimmed field")),
    Shown("folds_case", ALIKE, ("case",)),
    Shown("normalises_logins", ALIKE, ("normalised",)),
    Shown("errors_lack_cors", BROWSERS, ("cors",)),
    Shown("echoes_the_offer", OFFERED, ("room",)),
    Shown("tells_the_senders_tablet", OFFERED, ("devices",)),
    Shown("broadcasts_to_strangers", f"{OFFERED} or test_each_offer_is_raised_once", ("everybody",)),
    Shown("ignores_the_name_in_answers", "test_sender_login_selects_the_offer", ("astray",)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}-{case.check[:24]}")
def test_a_mistake_shows_its_hint_and_no_other(case: Shown, kit: Kit) -> None:
    """In the report and on the terminal; a fault that only looks like a well-known one shows none."""
    with serving(case.fault, kit.folder) as url:
        assert url, f"{case.fault} did not start"
        run = kit.check(url, "--strict", "--timeout", "1", "-k", case.check)
    failed = [row for row in run.rows("") if row["outcome"] == "failed"]
    assert run.code == 1, run.output
    assert failed
    told = " ".join(row.get("hint", "") for row in failed)
    assert {name for name, words in WORDS.items() if words in told} == set(case.hints), told or run.output
    shown = " ".join(run.output.split())
    assert not case.hints or any(WORDS[name] in shown for name in case.hints), f"{told}\n{run.output}"
