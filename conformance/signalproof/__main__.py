"""`python -m signalproof`."""

from signalproof.cli import run

run()
