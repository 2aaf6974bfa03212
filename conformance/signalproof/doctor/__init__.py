"""What must work before any check can say something: quietly before a run, and at length as `signalproof doctor`."""

from __future__ import annotations

from signalproof.doctor.consultation import consult
from signalproof.doctor.observations import Mark, Observation
from signalproof.doctor.preflight import complete, discover, examine, require_interface

__all__ = ["Mark", "Observation", "clock", "complete", "consult", "discover", "examine", "require_interface"]
