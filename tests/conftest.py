"""Whatever happens to a test run, the processes that it has started end with it."""

from __future__ import annotations

import signal

import pytest
from tests.nursery import end_with_parent
from tests.processes import end_all


def pytest_configure(config: pytest.Config) -> None:
    """Let the workers of a run be interrupted when that is killed, so that they put away what they have taken out."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a script
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):
        end_with_parent(signal.SIGINT)


def pytest_unconfigure() -> None:
    """End what is left."""
    end_all()
