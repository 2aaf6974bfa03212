"""Which of the collected items are run as checks: those of the selected profiles, in the order of the specification."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest

from signalproof.errors import InvalidTarget
from signalproof.protocol.requirements import catalogue
from signalproof.run.baseline import Baselines
from signalproof.run.result import Check
from signalproof.text.node_id import topic_of

__all__ = ["Selection", "requirements_of"]


def requirements_of(item: pytest.Item) -> tuple[str, ...]:
    """Give the ids that an item is marked with."""
    return tuple(str(i) for mark in item.iter_markers("requirement") for i in mark.args)


class Selection:
    """The checks of a session, by node id, once pytest has collected."""

    def __init__(self, profiles: tuple[str, ...], baselines: Baselines) -> None:
        self.checks: dict[str, Check] = {}
        self._profiles = profiles
        self._baselines = baselines

    @pytest.fixture
    def cast(self) -> None:
        """Stand in for the cast in pytest's own view; the runner brings the real one."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Deselect the checks of profiles that are not selected; order the rest as the specification is."""
        collected = list(items)
        yield
        wanted = {item.nodeid for item in collected if self._wants(item)}
        try:
            self._baselines.collected({item.nodeid for item in collected}, wanted)
        except InvalidTarget as error:
            raise pytest.UsageError(str(error)) from None
        for item in items:
            if unknown := [i for i in requirements_of(item) if i not in catalogue()]:
                pytest.exit(
                    f"{item.name} cites {unknown[0]}, which the specification does not have",
                    pytest.ExitCode.INTERNAL_ERROR,
                )
        if dropped := [item for item in items if item.nodeid not in wanted]:
            config.hook.pytest_deselected(items=dropped)
        items[:] = sorted((item for item in items if item.nodeid in wanted), key=_rank())
        # Now, before plugins for asynchronous tests of other people put wrappers around the coroutines.
        self.checks = {item.nodeid: check for item in items if (check := _check_of(item))}

    def _wants(self, item: pytest.Item) -> bool:
        """Whether the selected profiles ask for a check."""
        profiles = {catalogue()[i].profile for i in requirements_of(item) if i in catalogue()}
        profiles |= {str(mark.args[0]) for mark in item.iter_markers("profile")}
        return not self._profiles or profiles <= set(self._profiles)


def _rank() -> Callable[[pytest.Item], int]:
    topics = list(dict.fromkeys(requirement.topic for requirement in catalogue().values()))

    def rank(item: pytest.Item) -> int:
        topic = topic_of(item.nodeid)
        return topics.index(topic) if topic in topics else len(topics)

    return rank


def _check_of(item: pytest.Item) -> Check | None:
    """Give the check that an item stands for, or None for a test that is no check."""
    requirements = requirements_of(item)
    if not requirements or not isinstance(item, pytest.Function):
        return None
    if not inspect.iscoroutinefunction(item.function):
        return None
    parameters: dict[str, Any] = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    return Check(
        name=item.nodeid,
        body=partial(item.function, **parameters),
        requirements=requirements,
        alone=item.get_closest_marker("alone") is not None,
        early=item.get_closest_marker("early") is not None,
        waits_for=slow.args[0] if (slow := item.get_closest_marker("slow")) else None,
    )
