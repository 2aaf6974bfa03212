"""How many checks are under way at once, and that it can become fewer."""

from __future__ import annotations

import asyncio

import pytest

from signalproof.run.gate import Gate


async def crowd(gate: Gate, entrants: int) -> int:
    """Send many through a gate, and give the most that were inside at once."""
    inside = most = 0

    async def one() -> None:
        nonlocal inside, most
        async with gate.entered():
            inside += 1
            most = max(most, inside)
            loop = asyncio.get_running_loop()
            for _ in range(5):
                turn: asyncio.Future[None] = loop.create_future()
                loop.call_soon(turn.set_result, None)
                await turn
            inside -= 1

    await asyncio.gather(*(one() for _ in range(entrants)))
    return most


@pytest.mark.parametrize("limit", [1, 3, 16])
def test_so_many_are_inside_at_once_and_no_more(limit: int) -> None:
    """All come through in the end."""
    assert asyncio.run(crowd(Gate(limit), 40)) == limit


def test_a_gate_becomes_narrower_down_to_one() -> None:
    """And is so for those who come later."""
    gate = Gate(5)
    for _ in range(4):
        gate.narrow()
    assert (gate.widest, gate.limit) == (5, 1)
    assert asyncio.run(crowd(gate, 10)) == 1


def test_one_crowd_narrows_a_gate_once() -> None:
    """Those who are inside since before are late for the same reason."""

    async def run() -> int:
        gate = Gate(4)
        async with gate.entered(), gate.entered(), gate.entered(), gate.entered():
            gate.narrow()
            gate.narrow()
        return gate.limit

    assert asyncio.run(run()) == 2


def test_whoever_fails_inside_leaves_room() -> None:
    """A check that raises does not keep its place."""

    async def run() -> int:
        gate = Gate(1)
        with pytest.raises(ValueError, match="no"):
            async with gate.entered():
                raise ValueError("no")
        return await crowd(gate, 3)

    assert asyncio.run(run()) == 1
