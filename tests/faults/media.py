"""Faults that keep real peers from connecting."""

from __future__ import annotations

import json
import re

from tests.faults.registry import fault
from tests.faults.seams import Effects, Variant

from signalproof_server.values import Answer, Candidate, Facts, Offer

EXACT = "a description is another one, and there is no other way to break a call without losing an event"
FINGERPRINT = re.compile(r"fingerprint:[^\\]+")
"""What tells one peer from every other; the session id of `o=` is not unique with every library."""
FULL = r"\\r\\na=candidate"


def _edit(server: Variant, pattern: str, replacement: str, when: str = "", kinds: tuple[type, ...] = ()) -> None:
    def edited(text: str) -> str:
        return re.sub(pattern, replacement, text) if when in text and "fingerprint" in text else text

    for kind in kinds or (Offer, Answer):
        server.texts(kind, edited)


@fault(
    "MEDIA-1",
    collateral={"OFFER-4": EXACT, "ANSWER-1": EXACT, "MEDIA-*": EXACT, "CALL-12": EXACT},
)
def hides_addresses(server: Variant) -> None:
    """A filter takes private addresses out of descriptions, for privacy."""
    _edit(server, r"a=candidate:[^\\]*\\r\\n", "")


@fault(
    "MEDIA-2",
    collateral={"OFFER-4": EXACT, "ANSWER-1": EXACT, "MEDIA-*": EXACT, "ICE-10": EXACT, "CALL-12": EXACT},
)
def puts_its_own_fingerprint(server: Variant) -> None:
    """A gateway terminates DTLS and says so in both descriptions."""
    _edit(server, r"sha-256 [0-9A-F:]{95}", "sha-256 " + ":".join(["AA"] * 32))


@fault(
    "MEDIA-3",
    collateral={"OFFER-1": "it is the re-offer that does not come", "MEDIA-*": "renegotiation"},
)
def swallows_renegotiations(server: Variant) -> None:
    """A description that comes again from the same peer connection is taken for a repetition."""
    seen: set[str] = set()

    def effects(_: Facts, request: Offer, effects: Effects) -> Effects:
        peer = FINGERPRINT.search(request.offer)
        if peer is None:
            return effects
        if peer[0] in seen:
            return ()
        seen.add(peer[0])
        return effects

    server.effects(Offer, effects)


@fault(
    "MEDIA-4",
    collateral={"OFFER-4": EXACT, "ANSWER-1": EXACT, "MEDIA-*": EXACT},
)
def remembers_ice_credentials(server: Variant) -> None:
    """A cache of descriptions keeps the first ICE credentials of a peer."""
    first: dict[str, str] = {}

    def kept(text: str) -> str:
        peer, credentials = FINGERPRINT.search(text), re.search(r"a=ice-ufrag:([^\\]*)", text)
        if peer is None or credentials is None:
            return text
        return text.replace(credentials[1], first.setdefault(peer[0], credentials[1]))

    server.texts(Offer, kept)


@fault(
    "MEDIA-5",
    collateral={
        "OFFER-4": EXACT,
        "MEDIA-*": EXACT,
        "OFFER-*": "offers at one moment",
        "ICE-10": EXACT,
        "CALL-12": EXACT,
    },
)
def mixes_descriptions_up(server: Variant) -> None:
    """Descriptions are kept in a variable of the module while a request is served."""
    held: list[str] = []

    def mixed(text: str) -> str:
        if "fingerprint" not in text:
            return text
        held.append(text)
        return held[-2] if len(held) > 1 and len(held) % 3 == 0 else text

    server.texts(Offer, mixed)


@fault(
    "MEDIA-6",
    collateral={"OFFER-4": EXACT, "ANSWER-1": "the answer is lost"},
)
def loses_answers_of_tablets(server: Variant) -> None:
    """Where a user has two devices, the answer of the second goes to the first."""

    def effects(facts: Facts, request: Answer, effects: Effects) -> Effects:
        return () if len(facts.mine) == 2 and "fingerprint" in request.answer else effects

    server.effects(Answer, effects)


@fault(
    "ICE-10",
    collateral={"ICE-1": EXACT, "ICE-2": "the candidate does not come", "CALL-12": EXACT},
)
def touches_ports_of_candidates(server: Variant) -> None:
    """An application-level gateway rewrites the ports that it sees."""

    def moved(text: str) -> str:
        try:
            line = json.loads(text)["candidate"]
        except (ValueError, KeyError, TypeError):
            return text
        parts = str(line).split(" ")
        if len(parts) < 8 or ("192.0.2." in str(line) and int(parts[5]) >= 20000):
            return text
        return text.replace(f" {parts[5]} ", " 9 ")

    server.texts(Candidate, moved)
