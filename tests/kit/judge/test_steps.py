"""Which steps fail everywhere, so that they say nothing of what a check is about."""

from __future__ import annotations

import pytest

from signalproof.judge.steps import Steps


@pytest.mark.parametrize(
    ("succeeded", "failed", "everywhere"),
    [(0, 1, True), (0, 0, False), (1, 1, False), (1, 2, False), (1, 3, True), (3, 3, True), (4, 3, False)],
)
def test_a_step_fails_everywhere_or_here_and_there(succeeded: int, failed: int, everywhere: bool) -> None:
    """One that never succeeded does; else it takes several checks, and as many as it succeeded in."""
    steps = Steps()
    for number in range(succeeded):
        steps.count("raises sender_offer", number, failed=False)
    for number in range(failed):
        steps.count("raises sender_offer", 100 + number, failed=True)
    assert steps.fails_everywhere("raises sender_offer") is everywhere
    assert not steps.fails_everywhere("another step")


def test_a_check_counts_once_however_often_it_tries() -> None:
    """Hundreds of offers in one check are no more than one."""
    steps = Steps()
    for _ in range(100):
        steps.count("accepts the offer", 1, failed=True)
    steps.count("accepts the offer", 2, failed=False)
    assert not steps.fails_everywhere("accepts the offer")
