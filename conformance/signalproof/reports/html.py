"""The run as one HTML page that needs nothing besides itself: no network, and no script but its own."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from signalproof.judge.ladder import MARK
from signalproof.judge.story import mark
from signalproof.reports import diagram, plot
from signalproof.reports.digest import OUTCOMES, breached, by_profile, verdict_sentence
from signalproof.reports.shape import CheckRow, Report
from signalproof.run.outcomes import CheckOutcome
from signalproof.text.node_id import case_of

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

__all__ = ["render", "template"]

_TEMPLATES = Path(__file__).with_name("templates")
_PLOTS = {
    "reply": ("HTTP replies", "from sending a request until its reply was there"),
    "delivery": ("Deliveries", "from sending a request until its event was at the other connection"),
}


def render(report: Report) -> bytes:
    """Write the page. Whatever came from the target is escaped, and the policy of the page runs no foreign script."""
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    found = breached(report)
    shown: dict[str, str] = {}
    for one in found:
        shown.setdefault(one.checks[0]["check"], one.requirement["id"])
    plots = []
    for kind, (title, meaning) in _PLOTS.items():
        if rows := plot.distributions(report["timings"], kind):
            plots.append({"title": title, "meaning": meaning, "rows": rows, "svg": _own(plot.draw(rows, title))})
    page = template().render(
        report=report,
        sentence=verdict_sentence(report),
        profiles=by_profile(report),
        outcomes=OUTCOMES,
        breached=found,
        shown=shown,
        faults=[row for row in report["results"] if row["outcome"] == CheckOutcome.ERROR],
        skipped=[row for row in report["results"] if row["outcome"] == CheckOutcome.SKIPPED],
        checks=_checks(report),
        plots=plots,
        style=_own(style),
        script=_own(script),
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
    )
    return page.encode("utf-8", "backslashreplace")


@cache
def template() -> Template:
    """Compile the template: that takes longer than to fill it in."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"case": case_of, "parts": _parts, "transcript": _transcript, "prose": _prose}
    return environment.get_template("report.html.j2")


def _checks(report: Report) -> dict[str, list[CheckRow]]:
    """Give the checks that decide each requirement."""
    found: dict[str, list[CheckRow]] = {row["id"]: [] for row in report["requirements"]}
    for row in report["results"]:
        for identifier in row["requirements"]:
            found.setdefault(identifier, []).append(row)
    return found


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _own(markup: str) -> Markup:
    """Take a text for markup: our own files, and drawings, which escape what they quote."""
    from markupsafe import Markup

    return Markup(markup)  # noqa: S704


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a check's messages as a drawing; `words` say what it is, where it is folded."""

    drawing: Markup
    words: str


def _marks(row: CheckRow) -> dict[int, str]:
    """Say what some of the messages of a check break, by their places."""
    broken: dict[int, list[str]] = {}
    for finding in row.get("findings", []):
        if "message" in finding:
            broken.setdefault(finding["message"], []).extend(finding["requirements"])
    return {place: mark(identifiers) for place, identifiers in sorted(broken.items())}


def _parts(row: CheckRow) -> list[_Part]:
    """Draw what is needed to understand a check, and apart from it what is folded."""
    messages, marks = row.get("messages", []), _marks(row)
    spans: list[tuple[int, int, str]] = []
    end = 0
    for fold in row.get("folded", []):
        spans += [(end, fold["first"], ""), (fold["first"], fold["first"] + fold["messages"], fold["what"])]
        end = fold["first"] + fold["messages"]
    spans = [span for span in (*spans, (end, len(messages), "")) if span[0] < span[1]]
    shown = [message for first, last, words in spans if not words for message in messages[first:last]]
    return [
        _Part(
            _own(
                diagram.draw(
                    messages[first:last],
                    among=shown,
                    marks={place - first: told for place, told in marks.items() if first <= place < last},
                )
            ),
            words,
        )
        for first, last, words in spans
    ]


def _prose(text: str) -> Markup:
    """Show the code spans of a sentence of the specification as such."""
    from markupsafe import Markup, escape

    parts = re.split("`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if position % 2 else escape(part) for position, part in enumerate(parts)
    )


def _transcript(row: CheckRow) -> str:
    """Write all messages with their contents."""
    lines, marks = [], _marks(row)
    for place, (at, source, destination, channel, text, content) in enumerate(row.get("messages", [])):
        way = source if source == destination else f"{source} → {destination}"
        told = f"  {marks[place]}" if place in marks else ""
        lines.append(f"{MARK if told else '':2}{at:9.1f} ms  {way}  [{channel}]  {text}{told}")
        if content and content not in text:
            lines.append(f"{'':16}{content}")
    return "\n".join(lines)
