"""How long replies and deliveries took in a run."""

from __future__ import annotations

from collections.abc import Sequence

from signalproof.reports.shape import Timing
from signalproof.run.result import Result

__all__ = ["timings"]


def timings(results: Sequence[Result]) -> list[Timing]:
    """Give how long each reply and each accepted delivery took, from when its request was sent."""
    times: dict[tuple[str, str], list[float]] = {}
    for result in results:
        for posting in result.cast.postings:
            if posting.reply is None or not posting.reply.status:
                continue
            times.setdefault(("reply", f"POST {posting.kind.path}"), []).append(posting.replied_at - posting.sent_at)
            if posting.accepted:
                key = ("delivery", posting.kind.event)
                for received in posting.heard:
                    times.setdefault(key, []).append(max(received.at - posting.sent_at, 0.0))
    return [
        {"kind": kind, "what": what, "ms": sorted(round(seconds * 1000, 1) for seconds in values)}
        for (kind, what), values in sorted(times.items())
    ]
