"""Puts pseudonyms in place of what a report must not tell: addresses, ICE credentials, fingerprints, sids, tokens.

The same secret has the same name in the whole run (`ip#1`, `ufrag#2`), so that ladders still read. A secret is
known again inside JSON strings, form bodies and HTML, however deep: a text is searched as it is and once more
for each layer of escapes that can be taken off, while it is noted where each character came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

from signalproof.text.escapes import MOST_LAYERS, layers
from signalproof.text.secret_forms import normal, secrets_in

__all__ = ["Pseudonyms", "Redactor", "conceal", "cut"]

KNOWN_CHARACTERS = 12
"""Secrets of at least this many characters are known again wherever they stand, as a word of its own."""
LEARNT_CHARACTERS = 20_000
"""How many characters of a description are searched for what may be quoted elsewhere."""
_WORDS = tuple(
    re.compile(rf"[{characters}]{{{KNOWN_CHARACTERS},}}=*")
    for characters in (r"A-Za-z0-9_\-", r"A-Za-z0-9+/", r"A-Za-z0-9_\-.", r"A-Za-z0-9_\-.~+/", r"A-Za-z0-9:")
)


@dataclass(slots=True)
class Pseudonyms:
    """The names that stand in for the secrets of one run."""

    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str, value: str) -> str:
        """Give the name of a secret, such as `ip#2`; a new one when it is new."""
        value = normal(kind, value)
        if (kind, value) not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = self._names[kind, value] = f"{kind}#{self._counts[kind]}"
            if len(value) >= KNOWN_CHARACTERS:
                self._words.setdefault(value, name)
        return self._names[kind, value]

    def found(self, word: str) -> str | None:
        """Give the name of a long secret that was named before, or None."""
        return self._words.get(word)

    def __bool__(self) -> bool:
        """Whether there are long secrets."""
        return bool(self._words)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Redacts the texts of one check.

    `named` gives secrets with the names that they have in this check, such as the sids of its participants;
    `shown` are texts that stay, such as the address of the target, which heads every report.
    """

    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)
    named: Callable[[], Mapping[str, str]] = dict
    shown: tuple[str, ...] = ()

    def __call__(self, text: str) -> str:
        """Give the text with pseudonyms in it."""
        spans = list(self._spans(text))
        kept = [match.span() for word in self.shown if word in text for match in re.finditer(re.escape(word), text)]
        pieces: list[str] = []
        position = 0
        for start, end, name in _apart(spans):
            if any(low <= start and end <= high for low, high in kept):
                continue
            pieces += [text[position:start], name()]
            position = end
        return "".join([*pieces, text[position:]])

    def _spans(self, text: str) -> Iterator[_Span]:
        named = {spelling: name for secret, name in self.named().items() for spelling in _spellings(secret)}
        for depth, (layer, origin) in enumerate(layers(text)):
            for secret, name in named.items():
                start = layer.find(secret)
                while start >= 0:
                    yield _Span(origin[start], origin[start + len(secret)], depth + MOST_LAYERS, partial(str, name))
                    start = layer.find(secret, start + len(secret))
            for pattern in _WORDS if self.pseudonyms else ():
                for match in pattern.finditer(layer):
                    if (pseudonym := self.pseudonyms.found(match[0])) is not None:
                        yield _Span(origin[match.start()], origin[match.end()], depth, partial(str, pseudonym))
            for kind, value, start, end in secrets_in(layer):
                yield _Span(origin[start], origin[end], depth, _Name(self.pseudonyms, kind, value))

    def learn(self, text: str) -> None:
        """Name the secrets of a session description, so that they are known again where nothing says what they are."""
        if "ice-pwd" in text:
            self(text[:LEARNT_CHARACTERS])

    def settled(self) -> Redactor:
        """Give a redactor for a check to which no more participants come; it is faster."""
        named = dict(self.named())
        return Redactor(self.pseudonyms, lambda: named, self.shown)


@dataclass(frozen=True, slots=True)
class _Name:
    """A pseudonym that is made when it is needed, so that no number is lost to a match inside another."""

    pseudonyms: Pseudonyms
    kind: str
    value: str

    def __call__(self) -> str:
        """Give it."""
        return self.pseudonyms.of(self.kind, self.value)


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a secret stands in the text, how many layers of escapes it was found under, and its name."""

    start: int
    end: int
    depth: int
    name: Callable[[], str]


@lru_cache(4096)
def _spellings(secret: str) -> tuple[str, ...]:
    """Give a secret as it stands in each layer: it may hold what looks like escapes, and loses them with the layer."""
    return tuple(spelling for spelling, _ in layers(secret) if spelling)


def conceal(text: str) -> str:
    """Put a dot in place of every character of a secret, for excerpts by position: the length stays."""
    characters = list(text)
    for layer, origin in layers(text):
        for _, _, start, end in secrets_in(layer):
            characters[origin[start] : origin[end]] = "•" * (origin[end] - origin[start])
    return "".join(characters)


def cut(text: str, limit: int) -> str:
    """Give at most `limit` characters of a text, never a part of a word: it might be a secret that goes unknown."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    if re.match(r"[\w+/=.:%\\-]", text[limit - 1]):
        kept = re.sub(r"[\w+/=.:%\\-]+\Z", "", kept)
    return f"{kept}…"


def _apart(spans: list[_Span]) -> Iterator[tuple[int, int, Callable[[], str]]]:
    """Join spans that overlap; the deepest of them, and of these the longest, gives the name."""
    spans.sort(key=lambda span: (span.start, span.end))
    cluster: list[_Span] = []
    end = -1
    for span in [*spans, None]:
        if cluster and (span is None or span.start >= end):
            best = max(cluster, key=lambda one: (one.depth, one.end - one.start))
            yield cluster[0].start, end, best.name
            cluster = []
        if span is not None:
            cluster.append(span)
            end = max(end, span.end)
