"""The summary on a terminal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.expectations import Foundation
from signalproof.protocol.explanation import fixes
from signalproof.protocol.requirements import Level, catalogue
from signalproof.reports.terminal import FIX, MOST_IDS, summary
from signalproof.run.result import Check, Result
from signalproof.text.redact import Redactor

if TYPE_CHECKING:
    from signalproof.cast.cast import Cast

TARGET = Target("http://127.0.0.1:1", "http://127.0.0.1:1", ("core",), "")
MUSTS = [identifier for identifier, one in catalogue().items() if one.level is Level.MUST and one.profile == "core"]


async def never(_: Cast) -> None:
    """Stand for the body of a check, which is not called here."""
    raise AssertionError


def result(name: str, *broken: str) -> Result:
    """Make one that broke requirements."""
    found = [NonConformance(identifier, expected="a", received=identifier) for identifier in broken]
    of_must = [one for one in found if catalogue()[one.requirements[0]].level is Level.MUST]
    stub = SimpleNamespace(
        warnings=[one for one in found if one not in of_must],
        redact=Redactor(),
        everybody=[],
        handshakes=0,
        foundation=Foundation(),
    )
    return Result(Check(f"test_offer.py::{name}", never, broken), cast("Cast", stub), judged=True, breaches=of_must)


def told(*results: Result) -> list[str]:
    """Summarise a run."""
    return summary(TARGET, results, 1.0, strict=False)


def test_the_usual_fix_follows_what_is_broken_once() -> None:
    """Not once for each check."""
    lines = told(result("a", "OFFER-2"), result("b", "OFFER-2"))
    (place,) = [number for number, line in enumerate(lines) if line.startswith("broken: OFFER-2, in 2 checks")]
    assert lines[place + 1].startswith("         typical fix: Emit with a target: `to=sid`")
    assert sum("typical fix:" in line for line in lines) == 1


def test_a_should_has_its_fix_too() -> None:
    """With its id, for they stand in one line."""
    assert (
        "         typical fix of HTTP-14: Put a `code` beside `status` and `message`; spec/errors.md lists them."
        in (told(result("a", "HTTP-14")))
    )


@pytest.mark.parametrize(
    ("identifier", "end"),
    [("HTTP-15", "never with an empty object or a redirect."), ("OFFER-4", "and do not escape it as HTML.")],
)
def test_of_a_long_fix_whole_sentences_are_told(identifier: str, end: str) -> None:
    """As many as fit; `signalproof explain` has the rest."""
    (line,) = [line for line in told(result("a", identifier)) if "typical fix:" in line]
    assert line.endswith(end)
    assert len(line) < len("         typical fix: ") + FIX
    assert line.partition(": ")[2] in fixes()[identifier]


def test_of_many_the_fixes_of_a_few_are_told() -> None:
    """Those that most checks met, which are those to read about next."""
    rare, often = MUSTS[: 2 * MOST_IDS], MUSTS[2 * MOST_IDS : 3 * MOST_IDS]
    lines = told(result("a", *rare, *often), result("b", *often))
    assert sum("typical fix:" in line for line in lines) == MOST_IDS
    assert f"reasons and typical fixes: signalproof explain {' '.join(often)}" in lines
