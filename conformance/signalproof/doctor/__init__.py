"""What must work before any check can say something: quietly before a run, and at length as `signalproof doctor`."""

from __future__ import annotations

from signalproof.doctor.consultation import consult
from signalproof.doctor.findings import Finding, Mark
from signalproof.doctor.preflight import complete, discover, examine, require_interface

__all__ = ["Finding", "Mark", "clock", "complete", "consult", "discover", "examine", "require_interface"]
