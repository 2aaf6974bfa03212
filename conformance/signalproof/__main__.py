"""`python -m signalproof`."""

from signalproof.cli import main

main()
