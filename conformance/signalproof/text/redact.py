"""Puts pseudonyms in place of what a report must not tell: addresses, ICE credentials, fingerprints, sids, tokens.

The same secret has the same name in the whole run (`ip#1`, `ufrag#2`), so that ladders still read. A secret is
known again inside JSON strings, form bodies and HTML, however deep: a text is searched as it is and once more
for each layer of escapes that can be taken off, while it is noted where each character came from.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv6Address, ip_address

__all__ = ["Pseudonyms", "Redactor", "conceal", "cut"]

LONG = 12
"""Secrets of at least this many characters are known again wherever they stand, as a word of its own."""
LEARNT = 20_000
"""How many characters of a description are searched for what may be quoted elsewhere."""
_LAYERS = 6
_VALUE = r"""([^\s"'\\<>,;&]{1,256})"""
_MARKER = re.compile(r"sp-[0-9a-z]{4}-\d{5,}")
_ESCAPE = re.compile(
    r"""%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\["'\\/bfnrt]"""
    r"|&#(?:x[0-9A-Fa-f]{1,6}|[0-9]{1,7});|&(?:amp|quot|apos|lt|gt);"
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_FORM = re.compile(r"""[^\s"'<>]*%[0-9A-Fa-f]{2}[^\s"'<>]*""")
_WORDS = tuple(
    re.compile(rf"[{characters}]{{{LONG},}}=*")
    for characters in (r"A-Za-z0-9_\-", r"A-Za-z0-9+/", r"A-Za-z0-9_\-.", r"A-Za-z0-9_\-.~+/", r"A-Za-z0-9:")
)
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{1,4})?(?![0-9A-Za-z])"
)
_PATTERNS = tuple(
    (kind, needle, re.compile(pattern))
    for kind, needle, pattern in (
        ("fingerprint", ":", r"((?:[0-9A-Fa-f]{2}:){15,}[0-9A-Fa-f]{2})"),
        ("fingerprint", "fingerprint", r"fingerprint:[\w-]{1,16}\s+([0-9A-Fa-f:]{8,})"),
        ("ufrag", "ufrag", rf"""\bufrag["']?\s*[:=]\s*["']?{_VALUE}"""),
        ("ufrag", "ufrag", rf"\btyp\s[^\r\n]*?\sufrag\s+{_VALUE}"),
        ("ufrag", "Fragment", rf"""\busernameFragment["']?\s*[:=]\s*["']?{_VALUE}"""),
        ("pwd", "pwd", rf"""\bpwd["']?\s*[:=]\s*["']?{_VALUE}"""),
        ("key", "inline:", rf"\binline:{_VALUE}"),
        ("token", "eyJ", r"\b(eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]{4,})"),
        ("token", "earer", r"\b[Bb]earer\s+([A-Za-z0-9._~+/-]{16,}=*)"),
        ("mdns", ".local", r"(?<![\w-])([\w-]{1,63}\.local)(?![\w-])"),
        ("ip", ".", r"(?<![0-9])((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?![0-9])"),
    )
)


@dataclass(slots=True)
class Pseudonyms:
    """The names that stand in for the secrets of one run."""

    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str, value: str) -> str:
        """Give the name of a secret, such as `ip#2`; a new one when it is new."""
        value = _normal(kind, value)
        if (kind, value) not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = self._names[kind, value] = f"{kind}#{self._counts[kind]}"
            if len(value) >= LONG:
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

    `known` gives secrets with the names that they have in this check, such as the sids of its participants;
    `shown` are texts that stay, such as the address of the target, which heads every report.
    """

    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)
    known: Callable[[], Mapping[str, str]] = dict
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
        # A secret may hold what looks like escapes, and loses them with the layer that it is searched in.
        known = {spelling: name for secret, name in self.known().items() for spelling, _ in _layers(secret) if spelling}
        for depth, (layer, origin) in enumerate(_layers(text)):
            for secret, name in known.items():
                start = layer.find(secret)
                while start >= 0:
                    yield _Span(origin[start], origin[start + len(secret)], depth + _LAYERS, partial(str, name))
                    start = layer.find(secret, start + len(secret))
            for pattern in _WORDS if self.pseudonyms else ():
                for match in pattern.finditer(layer):
                    if (named := self.pseudonyms.found(match[0])) is not None:
                        yield _Span(origin[match.start()], origin[match.end()], depth, partial(str, named))
            for kind, value, start, end in _secrets(layer):
                yield _Span(origin[start], origin[end], depth, _Name(self.pseudonyms, kind, value))

    def learn(self, text: str) -> None:
        """Name the secrets of a session description, so that they are known again where nothing says what they are."""
        if "ice-pwd" in text:
            self(text[:LEARNT])

    def settled(self) -> Redactor:
        """Give a redactor for a check to which no more participants come; it is faster."""
        known = dict(self.known())
        return Redactor(self.pseudonyms, lambda: known, self.shown)


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


def conceal(text: str) -> str:
    """Put a dot in place of every character of a secret, for excerpts by position: the length stays."""
    characters = list(text)
    for layer, origin in _layers(text):
        for _, _, start, end in _secrets(layer):
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


def _secrets(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Find what can be told by its form or by what stands before it: kind, value, start, end."""
    for kind, needle, pattern in _PATTERNS:
        if needle in text:
            for match in pattern.finditer(text):
                if not _MARKER.fullmatch(match[1]):
                    yield kind, match[1], match.start(1), match.end(1)
    if text.count(":") > 1:
        for match in _IPV6.finditer(text):
            address = _address(match[0])
            if address:
                yield "ip", address, match.start(), match.start() + len(address)


def _address(text: str) -> str:
    """Give the longest beginning of a text that is an IPv6 address and says more than `::`, or nothing."""
    for end in range(len(text), 2, -1):
        try:
            IPv6Address(text[:end])
        except ValueError:
            continue
        return text[:end]
    return ""


def _normal(kind: str, value: str) -> str:
    """Bring the spellings of one thing together."""
    if kind == "fingerprint":
        return value.upper()
    if kind == "mdns":
        return value.lower()
    if kind == "ip":
        try:
            return str(ip_address(value))
        except ValueError:
            return value
    return value


def _layers(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Give a text as it is, then with one layer of escapes less each time, with the origin of each character."""
    origin: Sequence[int] = range(len(text) + 1)
    yield text, origin
    for _ in range(_LAYERS):
        if not _ESCAPE.search(text):
            return
        text, origin = _peeled(text, origin)
        yield text, origin


def _peeled(text: str, origin: Sequence[int]) -> tuple[str, Sequence[int]]:
    if "%" in text:
        text = _FORM.sub(lambda run: run[0].replace("+", " "), text)
    pieces: list[str] = []
    places: list[int] = []
    position = 0
    for match in _ESCAPE.finditer(text):
        character = _character(match[0])
        pieces += [text[position : match.start()], character]
        places += origin[position : match.start()]
        places += [origin[match.start()]] * len(character)
        position = match.end()
    pieces.append(text[position:])
    places += origin[position:]
    return "".join(pieces), places


def _character(escape: str) -> str:
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[1] in "ux":
        digits = escape[2:]
        return chr(int(digits, 16))
    return _CONTROLS.get(escape[1], escape[1])
