"""How long things took, as histograms in SVG over one logarithmic scale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from signalproof.reports.shape import Timing

__all__ = ["Distribution", "distributions", "draw", "quantile"]

_LEFT_MARGIN, _PLOT_WIDTH, _RIGHT_MARGIN = 170, 560, 20
_ROW_HEIGHT, _BAR_HEIGHT, _HEAD_HEIGHT = 58, 36, 10
"""All in pixels."""
_BARS_A_DECADE = 8


@dataclass(frozen=True, slots=True)
class Distribution:
    """The times of one thing, in milliseconds."""

    what: str
    values: Sequence[float]

    @property
    def median(self) -> float:
        """Half of them took less."""
        return quantile(self.values, 0.5)

    @property
    def p95(self) -> float:
        """All but one in twenty took less."""
        return quantile(self.values, 0.95)

    @property
    def slowest(self) -> float:
        """The slowest."""
        return max(self.values)


def quantile(values: Sequence[float], part: float) -> float:
    """Give the value below which `part` of the sorted values lie, by the nearest rank."""
    return values[min(int(part * len(values)), len(values) - 1)]


def distributions(timings: Sequence[Timing], kind: str) -> list[Distribution]:
    """Give the times of one kind, `reply` or `delivery`."""
    return [Distribution(one["what"], sorted(one["ms"])) for one in timings if one["kind"] == kind and one["ms"]]


def draw(rows: Sequence[Distribution], title: str) -> str:
    """Draw a histogram for each, with the median and the 95th percentile marked."""
    low = int(log10(max(min(value for row in rows for value in row.values), 0.1)) // 1)
    high = max(int(-(-log10(max(row.slowest for row in rows) + 0.1) // 1)), low + 1)
    width, height = _LEFT_MARGIN + _PLOT_WIDTH + _RIGHT_MARGIN, _HEAD_HEIGHT + _ROW_HEIGHT * len(rows) + 30
    parts = [
        f'<svg class="plot" role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}"',
        f' aria-label="{escape(title)}; the table has the numbers">',
    ]
    for power in range(low, high + 1):
        x = _place(10.0**power, low, high)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_HEAD_HEIGHT}" x2="{x:.1f}" y2="{height - 24}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 8}">{_named(10.0**power)}</text>')
    for number, row in enumerate(rows):
        parts += _histogram(row, low, high, _HEAD_HEIGHT + _ROW_HEIGHT * number + _ROW_HEIGHT - 10)
    return "".join([*parts, "</svg>"])


def _histogram(row: Distribution, low: int, high: int, base: int) -> Iterator[str]:
    yield f'<text class="what" x="{_LEFT_MARGIN - 12}" y="{base - 12}">{escape(row.what)}</text>'
    counts = Counter(int((log10(max(value, 10.0**low)) - low) * _BARS_A_DECADE) for value in row.values)
    tallest = max(counts.values())
    wide = _PLOT_WIDTH / ((high - low) * _BARS_A_DECADE)
    for position, count in sorted(counts.items()):
        tall = max(_BAR_HEIGHT * count / tallest, 1.5)
        x = _LEFT_MARGIN + position * wide
        yield f'<rect class="bar" x="{x + 0.5:.1f}" y="{base - tall:.1f}" width="{wide - 1:.1f}" height="{tall:.1f}"/>'
    yield f'<line class="base" x1="{_LEFT_MARGIN}" y1="{base}" x2="{_LEFT_MARGIN + _PLOT_WIDTH}" y2="{base}"/>'
    for name, value in (("median", row.median), ("p95", row.p95)):
        x = _place(value, low, high)
        yield f'<line class="{name}" x1="{x:.1f}" y1="{base - _BAR_HEIGHT - 6}" x2="{x:.1f}" y2="{base}"/>'


def _place(value: float, low: int, high: int) -> float:
    return _LEFT_MARGIN + _PLOT_WIDTH * (log10(max(value, 10.0**low)) - low) / (high - low)


def _named(milliseconds: float) -> str:
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"
