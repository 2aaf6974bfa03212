"""Which steps fail everywhere, so that they say nothing of what a check is about."""

from __future__ import annotations

import pytest

from signalproof.judge.steps import PLAIN, Steps


@pytest.mark.parametrize(
    ("plain", "succeeded", "failed", "everywhere"),
    [
        (None, 0, 1, False),
        (None, 0, 3, True),
        (None, 3, 3, True),
        (None, 4, 3, False),
        (False, 0, 0, True),
        (False, 2, 0, False),
        (False, 2, 1, True),
        (True, 0, 9, False),
        (True, 0, 10, True),
        (True, 10, 10, False),
    ],
)
def test_a_step_fails_everywhere_or_here_and_there(
    plain: bool | None, succeeded: int, failed: int, everywhere: bool
) -> None:
    """One that fails in the plain exchange does; one that works there has to fail in very many checks."""
    steps = Steps()
    if plain is not None:
        steps.count("raises sender_offer", PLAIN, failed=not plain)
    for number in range(succeeded):
        steps.count("raises sender_offer", 100 + number, failed=False)
    for number in range(failed):
        steps.count("raises sender_offer", 200 + number, failed=True)
    assert steps.fails_everywhere("raises sender_offer") is everywhere
    assert not steps.fails_everywhere("another step")


def test_a_check_counts_once_however_often_it_tries() -> None:
    """Hundreds of offers in one check are no more than one."""
    steps = Steps()
    for _ in range(100):
        steps.count("accepts the offer", 1, failed=True)
    assert not steps.fails_everywhere("accepts the offer")
