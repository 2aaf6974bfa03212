"""What all connections of one check share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from signalproof.config.target import Target
from signalproof.judge.expectations import Expectations
from signalproof.judge.ledger import Ledger
from signalproof.judge.posting import Posting
from signalproof.judge.transcript import Transcript
from signalproof.net.http import Http

if TYPE_CHECKING:
    from signalproof.cast.connection import Connection

__all__ = ["Stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """The target, the records of the run and of the check, and who is here; `who` names a user by login."""

    target: Target
    http: Http
    ledger: Ledger
    transcript: Transcript
    expectations: Expectations
    connections: Sequence[Connection]
    postings: list[Posting]
    check: int
    who: Callable[[str], str]
