"""Two reports compared: what broke, what was mended, what stayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from signalproof.reports.plot import Distribution, distributions
from signalproof.reports.shape import CheckRow, Report
from signalproof.run.outcomes import CheckOutcome, Verdict

__all__ = ["WORSE", "Change", "Changes", "compare"]


class Change(StrEnum):
    """What became of a check from one report to the next, in words; the worst first."""

    NEWLY_BROKEN = "newly broken"
    BREAKS_MORE = "breaks more than before"
    NEWLY_NOT_FOLLOWED = "newly not followed"
    NO_VERDICT_ANY_MORE = "no verdict any more"
    STILL_BROKEN = "still broken"
    STILL_WITHOUT_VERDICT = "still without a verdict"
    STILL_NOT_FOLLOWED = "still not followed"
    MENDED = "mended"
    NEWLY_CHECKED = "newly checked"
    NO_LONGER_CHECKED = "no longer checked"


WORSE = (Change.NEWLY_BROKEN, Change.BREAKS_MORE, Change.NEWLY_NOT_FOLLOWED, Change.NO_VERDICT_ANY_MORE)
_RANKS = {CheckOutcome.PASSED: 0, CheckOutcome.WARNED: 1, CheckOutcome.FAILED: 2, CheckOutcome.ERROR: 3}
_STILL = {
    CheckOutcome.FAILED: Change.STILL_BROKEN,
    CheckOutcome.ERROR: Change.STILL_WITHOUT_VERDICT,
    CheckOutcome.WARNED: Change.STILL_NOT_FOLLOWED,
}
_NOW = {
    CheckOutcome.PASSED: Change.NEWLY_CHECKED,
    CheckOutcome.FAILED: Change.NEWLY_BROKEN,
    CheckOutcome.ERROR: Change.NO_VERDICT_ANY_MORE,
    CheckOutcome.WARNED: Change.NEWLY_NOT_FOLLOWED,
}
_JUDGED = {Verdict.CONFORMANT, Verdict.NONCONFORMANT}
_ENOUGH_TIMES = 20
"""Times are compared where there are at least so many on both sides."""
_CLEAR_FACTOR = 1.5
_NOTICEABLE_MS = 5.0
"""Milliseconds by which a median has to change, beside the factor, to be worth a word."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from the old report to the new one.

    `checks` are the new rows (the old ones of those that are gone) by what became of them; `worse` and `notes`
    are about the run as a whole; `times` says which became slower or faster.
    """

    old: Report
    new: Report
    checks: dict[Change, list[CheckRow]] = field(default_factory=dict)
    worse: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)

    @property
    def got_worse(self) -> bool:
        """Whether anything got worse; times do not count, for they change from run to run."""
        return bool(self.worse) or any(self.checks.get(change) for change in WORSE)


def compare(old: Report, new: Report) -> Changes:
    """Compare two reports, check by check."""
    found = Changes(old, new)
    before, after = _rows(old), _rows(new)
    for name, row in after.items():
        if kind := _change(before.get(name), row):
            found.checks.setdefault(kind, []).append(row)
    for name, row in before.items():
        if name not in after and row["outcome"] != CheckOutcome.SKIPPED:
            found.checks.setdefault(Change.NO_LONGER_CHECKED, []).append(row)
    found.worse.extend(_worse_as_a_whole(old, new))
    found.notes.extend(_notes(old, new))
    found.times.extend(_times(old, new))
    return found


def _rows(report: Report) -> Mapping[str, CheckRow]:
    """Give the rows by name; the folder in front depends on where the kit is installed."""
    return {row["check"].rpartition("/")[2]: row for row in report["results"]}


def _change(old: CheckRow | None, new: CheckRow) -> Change | None:
    """Say what became of a check, or None where there is nothing to say."""
    before, after = old["outcome"] if old else CheckOutcome.SKIPPED, new["outcome"]
    if before == after:
        if old and after == CheckOutcome.FAILED and not set(new["violated"]) <= set(old["violated"]):
            return Change.BREAKS_MORE
        return _STILL.get(after)
    if after == CheckOutcome.SKIPPED:
        return Change.NO_LONGER_CHECKED
    if before != CheckOutcome.SKIPPED and _RANKS[after] < _RANKS[before]:
        return Change.MENDED
    return _NOW.get(after)


def _worse_as_a_whole(old: Report, new: Report) -> Iterator[str]:
    if old["verdict"] in _JUDGED and new["verdict"] not in _JUDGED:
        yield f"there is no verdict any more: {new.get('problem', new['verdict'])}"
    elif gone := [name for name in old["profiles"] if name not in new["profiles"]]:
        yield f"no longer checked, because not claimed or not named: profile {', '.join(gone)}"


def _notes(old: Report, new: Report) -> Iterator[str]:
    if added := [name for name in new["profiles"] if name not in old["profiles"]]:
        yield f"newly checked: profile {', '.join(added)}"
    for key, name in (("target", "target"), ("spec_version", "specification")):
        if old[key] != new[key]:  # type: ignore[literal-required]
            yield f"another {name}: {old[key]} before, {new[key]} now"  # type: ignore[literal-required]
    if old["kit"] != new["kit"]:
        yield f"another kit: {old['kit']['version']} before, {new['kit']['version']} now"


def _times(old: Report, new: Report) -> Iterator[str]:
    for kind, noun in (("reply", "HTTP reply"), ("delivery", "delivery")):
        before = {one.what: one for one in distributions(old["timings"], kind)}
        for now in distributions(new["timings"], kind):
            then = before.get(now.what)
            if then is not None and (word := _slower(then, now)):
                yield (
                    f"{word} {noun} of {now.what}: median {then.median:.1f} → {now.median:.1f} ms, "
                    f"95th percentile {then.p95:.1f} → {now.p95:.1f} ms"
                )


def _slower(then: Distribution, now: Distribution) -> str | None:
    if min(len(then.values), len(now.values)) < _ENOUGH_TIMES or abs(now.median - then.median) < _NOTICEABLE_MS:
        return None
    if now.median > then.median * _CLEAR_FACTOR:
        return "slower"
    return "faster" if now.median * _CLEAR_FACTOR < then.median else None
