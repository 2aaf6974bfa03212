"""`python -m signalproof`."""

from __future__ import annotations

from signalproof.cli import run

run()
