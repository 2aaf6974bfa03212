"""State (spec/state.md): what has no arrow changes nothing."""

from __future__ import annotations

import pytest

from signalproof.cast.cast import Cast
from signalproof.scenes.frames import STATES, outlasts

requirement = pytest.mark.requirement


@requirement("STATE-1")
@pytest.mark.early
@pytest.mark.parametrize(
    "state",
    [pytest.param(name, marks=pytest.mark.profile(state.profile)) for name, state in STATES.items()],
    ids=[name.replace(" ", "_") for name in STATES],
)
async def test_a_state_outlasts_all_that_does_not_concern_it(cast: Cast, state: str) -> None:
    """Devices that come and go, strangers, refusals, malformed requests: then comes the next step, as ever."""
    await outlasts(cast, state)
