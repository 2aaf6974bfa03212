"""What must work before any check can say something: quietly before a run, and at length as `signalproof doctor`."""

from __future__ import annotations

from signalproof.doctor.claims import complete, discovery_in
from signalproof.doctor.consultation import consult
from signalproof.doctor.observations import Mark, Observation
from signalproof.doctor.preflight import discover, examine, require_interface

__all__ = [
    "Mark",
    "Observation",
    "clock",
    "complete",
    "consult",
    "discover",
    "discovery_in",
    "examine",
    "require_interface",
]
