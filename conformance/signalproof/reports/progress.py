"""How far a run is, on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column

from signalproof.run.result import Check, Result
from signalproof.text.node_id import case_of

__all__ = ["Progress"]


class Progress:
    """A progress bar on a terminal, with what is running now; silent elsewhere."""

    def __init__(self, total: int) -> None:
        self._bar = Bar(
            TextColumn("checking"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=Console(stderr=True),
            expand=True,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("checks", total=total, now="")
        self._running: dict[str, None] = {}

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def __call__(self, what: Check | Result) -> None:
        """Take a check that begins or a result that came in."""
        if isinstance(what, Check):
            self._running[case_of(what.name)] = None
            advance = 0
        else:
            self._running.pop(case_of(what.check.name), None)
            advance = 1
        now = next(iter(self._running), "waiting for late events")
        self._bar.update(self._task, advance=advance, now=now)
