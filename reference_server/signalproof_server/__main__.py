"""`python -m signalproof_server`."""

from signalproof_server.cli import main

if __name__ == "__main__":
    main(prog_name="signalproof-server")
