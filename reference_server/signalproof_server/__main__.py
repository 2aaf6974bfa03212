"""`python -m signalproof_server`."""

from __future__ import annotations

from signalproof_server.cli import main

if __name__ == "__main__":
    main(prog_name="signalproof-server")
