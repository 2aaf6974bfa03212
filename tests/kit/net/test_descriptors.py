"""Where this machine runs out of connections, that is said, and nothing of it is charged to the target."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from signalproof.errors import TooBusy
from signalproof.net.descriptors import ENOUGH, raise_limit
from signalproof.net.failures import own_trouble, reason_of

if TYPE_CHECKING:
    from tests.kit.conftest import Served

FEW = 220
"""Open files that are not enough for a run."""


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, which are set back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_towards_the_hard_one(limits: tuple[int, int]) -> None:
    """And left alone where it is high enough."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, limits[1]))
    raise_limit()
    raised = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raised == (min(ENOUGH, limits[1]), limits[1])
    raise_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == raised


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL])
def test_what_this_machine_lacks_is_not_the_target_s_failure(number: int) -> None:
    """However deep in other errors it is."""
    error = RuntimeError("cannot connect")
    error.__cause__ = ValueError("no transport")
    error.__cause__.__context__ = OSError(number, os.strerror(number))
    assert os.strerror(number) in str(own_trouble(error))
    with pytest.raises(TooBusy):
        reason_of(error)


def test_what_the_target_does_is_its_own() -> None:
    """A refused connection is told as ever."""
    assert own_trouble(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")) is None


def test_a_run_with_few_descriptors_is_not_judged(serve: Callable[[str], Served]) -> None:
    """Exit code 4 and one sentence, once."""
    run = subprocess.run(
        [sys.executable, "-m", "signalproof", "check", serve("Assembly").url, "--no-report"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, FEW)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 4, run.stdout
    assert run.stdout.count("This machine gives the kit no further connection (Too many open files)") == 1, run.stdout
    assert "Traceback" not in run.stdout + run.stderr
    assert "broken:" not in run.stdout
