"""Each fault is caught by the requirement that it breaks, and each requirement has a fault.

Here one fault of each requirement meets the checks of its requirements. `proof.py` takes the others too, and runs
the whole suite.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.faults import FAULTS
from tests.faults.proof import Outcome, citing
from tests.faults.registry import one_each

from signalproof.protocol.requirements import CHECKED_PROFILES, Level, catalogue


@pytest.mark.parametrize("name", one_each())
def test_the_fault_is_caught_by_name(name: str, proven: Callable[[str], Outcome]) -> None:
    """Every requirement that the fault breaks is found broken, and nothing else without a reason."""
    outcome = proven(name)
    assert outcome.proven, outcome.describe()


def test_every_requirement_of_the_checked_profiles_has_a_fault() -> None:
    """A check that was never seen to fail proves nothing."""
    broken = {identifier for fault in FAULTS.values() for identifier in fault.requirements}
    wanted = {
        requirement.id
        for requirement in catalogue().values()
        if requirement.profile in CHECKED_PROFILES and requirement.level is Level.MUST and not requirement.untestable
    }
    assert wanted <= broken, f"without a fault: {', '.join(sorted(wanted - broken))}"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_says_what_it_breaks(name: str) -> None:
    """It names requirements that exist and that a check cites, and tells how servers come to be so."""
    fault = FAULTS[name]
    assert fault.requirements
    assert set(fault.requirements) <= set(catalogue())
    assert citing(fault.requirements)
    assert fault.story.endswith(".")
    assert all(reason for reason in fault.collateral.values())
