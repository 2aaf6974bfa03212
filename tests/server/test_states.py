"""The state tables: the same as in the specification, text and diagram."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from signalproof_server.states import PAIR, RINGING, Event, RingEvent, RingState, State

SPEC = Path(__file__).parents[2] / "spec" / "state.md"

Step = tuple[str, str, str]
Table = Mapping[Any, StrEnum]  # keys are pairs of a state and an event
TABLES: list[tuple[str, Table]] = [("Per pair", PAIR), ("Per caller and callee", RINGING)]


def section(title: str) -> str:
    """The text of one section of the specification."""
    _, _, text = SPEC.read_text(encoding="utf-8").partition(f"## {title}\n")
    return text.partition("\n## ")[0]


def steps(table: Table) -> set[Step]:
    """A table as plain strings."""
    return {(str(state), str(event), str(after)) for (state, event), after in table.items()}


@pytest.mark.parametrize(("title", "table"), TABLES)
def test_a_table_is_that_of_the_specification(title: str, table: Table) -> None:
    """One fact, one source: the copies agree; leaving makes everything `idle`, which is not kept."""
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \|$", section(title), re.MULTILINE)
    arrows = re.findall(r"^ +(\w+) --> (\w+) : (\w+)$", section(title), re.MULTILINE)
    leaving = {(after, "leave", "idle") for after in map(str, table.values()) if after != "idle"}
    assert {row for row in rows if row[0] != "state"} == steps(table) | leaving
    assert {(state, event, after) for state, after, event in arrows} == steps(table) | leaving


def test_nothing_else_can_be_refused() -> None:
    """What a table lacks is what the rules refuse, what does nothing, or what cannot happen."""
    assert {step for step in product(State, Event) if step not in PAIR} == {
        (State.IDLE, Event.ANSWER),
        (State.STABLE, Event.ANSWER),
    }
    nothing = set(product((RingState.IDLE, RingState.ACCEPTED), (RingEvent.OFFER, RingEvent.EXPIRE)))
    assert {step for step in product(RingState, RingEvent) if step not in RINGING} - nothing == {
        (RingState.IDLE, RingEvent.DECLINE),
        (RingState.ACCEPTED, RingEvent.DECLINE),
    }
