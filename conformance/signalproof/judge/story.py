"""What a check has to tell: its messages in order, which of them a breach is about, and which nobody needs to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from signalproof.errors import NonConformance
from signalproof.judge.transcript import Entry, Transcript
from signalproof.protocol.requirements import Level, catalogue

__all__ = ["Part", "Story", "mark", "tell"]

FEWEST = 2
"""Messages from which on folding them saves a line."""
MOST_UP_TO = 30
"""Messages that are shown, the last of them the one that the first breach is about."""
MOST_WITHOUT = 48
"""Messages that are shown, the last ones, where no breach is about any of them."""


@dataclass(frozen=True, slots=True)
class Part:
    """Messages `first` and following of a story; `words` say what is folded, and are empty for what is shown."""

    first: int
    entries: tuple[Entry, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The messages of one check in the order of their times, and for each breach the place of the one it is about."""

    entries: tuple[Entry, ...]
    places: tuple[int | None, ...]

    def parts(self) -> list[Part]:
        """Fold what the first breach can be understood without: what came after it, and what went well before."""
        guilty = next((place for place in self.places if place is not None), None)
        folds = list(self._folds(guilty))
        parts: list[Part] = []
        for fold, run in groupby(range(len(self.entries)), key=folds.__getitem__):
            places = list(run)
            entries = tuple(self.entries[place] for place in places)
            words = _words(fold, entries) if fold and len(entries) >= FEWEST else ""
            if words or not parts or parts[-1].words:
                parts.append(Part(places[0], entries, words))
            else:
                parts[-1] = replace(parts[-1], entries=(*parts[-1].entries, *entries))
        return parts

    def _folds(self, guilty: int | None) -> Iterator[str]:
        """Say of each message why it is folded, or nothing."""
        last = len(self.entries) - 1 if guilty is None else guilty
        marked = {entry.case for entry in self.entries if entry.mark}
        folds = ["" if guilty is None or entry.case in {"", *marked} else "cases" for entry in self.entries[: last + 1]]
        before = [place for place, fold in enumerate(folds) if not fold]
        for place in before[: -MOST_WITHOUT if guilty is None else -MOST_UP_TO]:
            folds[place] = "earlier"
        yield from folds
        yield from ["later"] * (len(self.entries) - len(folds))


def tell(transcript: Transcript, breaches: Sequence[NonConformance]) -> Story:
    """Put the messages of a check in order, and mark those that a breach is about.

    A breach is about the message of its own moment; of another scene, it is about none.
    """
    entries = sorted(transcript.entries, key=lambda entry: entry.at)
    at = {entry.at: place for place, entry in enumerate(entries)}
    places = tuple(None if breach.at is None else at.get(breach.at - transcript.began) for breach in breaches)
    broken: dict[int, list[str]] = {}
    for place, breach in zip(places, breaches, strict=True):
        if place is not None:
            broken.setdefault(place, []).extend(breach.requirements)
    for place, identifiers in broken.items():
        entries[place] = replace(entries[place], mark=mark(identifiers))
    return Story(tuple(entries), places)


def mark(identifiers: Sequence[str]) -> str:
    """Say what a message breaks."""
    must = any(identifier in catalogue() and catalogue()[identifier].level is Level.MUST for identifier in identifiers)
    return f"{'breaks' if must else 'does not follow'} {', '.join(dict.fromkeys(identifiers))}"


def _words(fold: str, entries: Sequence[Entry]) -> str:
    number = f"{len(entries)} messages"
    if fold == "cases":
        cases = len({entry.case for entry in entries})
        return f"{cases} case{'' if cases == 1 else 's'} passed: {number}"
    wrong = sum(bool(entry.mark) for entry in entries)
    return f"{len(entries)} {fold} messages{f', {wrong} of them marked too' if wrong else ''}"
