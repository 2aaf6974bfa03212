"""The requests that random scenes make, and their fields, as the schemas say."""

from __future__ import annotations

from signalproof.protocol.schemas import definitions
from signalproof.protocol.wire import ANSWER, CALL, CANDIDATE, DECLINE, OFFER, REFRESH, STATUS

__all__ = ["optional_fields", "request_kinds", "required_fields"]

_KINDS = {kind.name: kind for kind in (OFFER, ANSWER, CANDIDATE, CALL, DECLINE, STATUS, REFRESH)}
_ABILITIES = {"offer": "core", "answer": "core", "candidate": "ice"}


def request_kinds(abilities: frozenset[str]) -> list[str]:
    """Give the names of the requests that a target with these abilities (profiles) takes."""
    return [kind for kind in _KINDS if _ABILITIES.get(kind, "call") in abilities]


def required_fields(kind: str) -> tuple[str, ...]:
    """Give the required fields of a request."""
    return tuple(definitions()[_KINDS[kind].request_schema]["required"])


def optional_fields(kind: str) -> frozenset[str]:
    """Give the fields of a request that may be left out."""
    return frozenset(definitions()[_KINDS[kind].request_schema]["properties"]) - frozenset(required_fields(kind))
