"""The kit against the contrarian with one mistake in it: on another stack too it is found, by the same requirement."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from tests.targets.astray import FAULTS
from tests.targets.discovery import socket_url
from tests.targets.test_targets import PATIENT, check, serving

EXPECTED = {
    "deletes_mdns_candidates": ("OFFER-4", "test_descriptions_of_browsers_and_phones_arrive_whole"),
    "sends_large_events_later": ("ORDER-1", "test_large_events_are_not_overtaken_by_small_ones"),
    "swallows_offers_that_repeat": ("OFFER-1", "test_the_same_text_again"),
    "drops_relay_candidates": ("ICE-1", "test_candidates_of_browsers_and_phones"),
    "emits_bytes": ("ORDER-5", "test_every_kind_of_event_is_text"),
    "forgets_offers": ("ORDER-6", "test_nothing_is_forgotten_while_people_take_their_time and not for_22"),
    "closes_connections_after_some_seconds": ("LOGIN-11", "test_a_connection_stays_open"),
    "keeps_those_who_disconnect": ("LOGIN-7", "test_a_visit_of_a_moment"),
    "accepts_two_logins_at_once": ("LOGIN-6", "test_one_of_two_logins"),
    "takes_sids_for_logins": ("OFFER-6", "test_a_sid_and_the_members"),
    "makes_ids_of_numbers": ("CORR-5", "test_an_id_that_is_no_string"),
    "a_slow_body_holds_up_everybody": ("HTTP-12", "test_half_a_request_holds_up_nobody"),
    "publishes_its_version_as_a_number": ("HTTP-15", "test_the_discovery_document_is_sound"),
    "takes_expired_tokens": ("AUTH-4", "test_an_expired_token_is_worth_nothing"),
}
"""The requirement by which each mistake has to be found, and the check that is enough for it."""
WITH_TOKENS = {"takes_expired_tokens"}


def test_each_mistake_is_tried() -> None:
    """None is planted for nothing."""
    assert set(EXPECTED) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_found_on_another_stack(tmp_path: Path, fault: str) -> None:
    """By the requirement that it breaks."""
    identifier, expression = EXPECTED[fault]
    served, options = [fault], ["-k", expression, "--timeout", "1.5"]
    if fault in WITH_TOKENS:
        secret = tmp_path / "secret"
        secret.write_text(secrets.token_hex(32), encoding="utf-8")
        served += ["--auth-secret-file", str(secret)]
        options += ["--jwt-secret-file", str(secret)]
    with serving(tmp_path, "astray.py", *served) as url:
        if fault in WITH_TOKENS:
            options += ["--socket-url", socket_url(url)]
        run = check(tmp_path, PATIENT, url, *options)
    assert run.code == 1, run.output
    assert run.report is not None
    assert identifier in {found for row in run.report["results"] for found in row["violated"]}, run.output
