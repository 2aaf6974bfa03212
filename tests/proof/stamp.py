"""When, where and from which sources something was measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["ROOT", "stamp"]

ROOT: Final = Path(__file__).parents[2]


def stamp() -> dict[str, str | int]:
    """Give the date, the commit and the machine; a commit with `+` had changes that were not committed."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": _commit(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _commit() -> str:
    """Name the commit; what the measurements themselves write does not count as a change."""
    head = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--", ".", ":!tests/proof/*.json", ":!tests/proof/*.md")
    return (head or "unknown") + ("+" if changed else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
