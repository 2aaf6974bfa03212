"""Trims offers in every third of its lives: `python now_and_then.py COUNTER [--auth-secret-file FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.serve import main

if __name__ == "__main__":
    counter = Path(sys.argv.pop(1))
    number = len(counter.read_bytes()) if counter.exists() else 0
    counter.write_bytes(b"x" * (number + 1))
    sys.argv.insert(1, "trims_offers" if number % 3 == 2 else "none")
    main()
