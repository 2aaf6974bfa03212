"""`--dry-run`: says what would run, and leaves the target alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signalproof.pytest_plugin.selection import requirements_of
from signalproof.text.node_id import topic_of

__all__ = ["DryRun"]


class DryRun:
    """Lists the selected checks in place of running them."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Print one line a check."""
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        for line in self._lines(session.items):
            reporter.write_line(line)
        return True

    def _lines(self, items: list[pytest.Item]) -> Iterator[str]:
        topic = ""
        for item in items:
            if topic_of(item.nodeid) != topic:
                topic = topic_of(item.nodeid)
                yield f"{topic}:"
            waits = "".join(f" (waits {_for(mark.args[0])})" for mark in item.iter_markers("slow"))
            yield f"  {item.name}: {', '.join(requirements_of(item))}{waits}"
        yield f"dry run: {len(items)} checks would run; no user was logged in, and nothing was posted"


def _for(limit: str | float) -> str:
    """Say what a check waits for."""
    return f"for {limit}" if isinstance(limit, str) else f"{limit:g} s"
