"""How many connections this process may hold at once: as many as the machine lets it."""

from __future__ import annotations

import contextlib

__all__ = ["ENOUGH", "raise_limit"]

ENOUGH = 4_096
"""More than a run ever opens at once."""


def raise_limit() -> None:
    """Raise the soft limit of open files, which is 256 or 1,024 in many shells, towards the hard one."""
    try:
        import resource
    except ImportError:  # Windows, where sockets are no files
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
