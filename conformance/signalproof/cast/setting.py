"""What a company is given before it comes on stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from signalproof.config.identity import Identities
from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.expectations import Foundation
from signalproof.judge.ledger import Ledger
from signalproof.net.http import Http

__all__ = ["Setting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The number and requirements of a check, and what the run shares.

    `in_baseline` says whether the baseline lists a breach; `crowded` says that other checks are under way
    too, and `foundation` is what the verdict stands on.
    """

    number: int
    requirements: Sequence[str]
    target: Target
    http: Http
    ledger: Ledger
    identities: Identities
    in_baseline: Callable[[NonConformance], bool] = lambda _: False
    crowded: bool = False
    foundation: Foundation = field(default_factory=Foundation)
