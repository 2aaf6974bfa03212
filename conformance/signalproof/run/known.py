"""The baselines of one session: the one that its verdict is held against, and the one that it writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from signalproof.config.options import Options
from signalproof.errors import InvalidTarget, NonConformance
from signalproof.protocol.coverage import checks_by_requirement
from signalproof.run.baseline import Assessment, Baseline, plain_name
from signalproof.run.runner import Result

__all__ = ["Known"]


@dataclass(slots=True)
class Known:
    """What `--baseline` and `--write-baseline` ask for; without them it does nothing.

    `previous` is what the written baseline builds upon: the file itself, if there is one, or else `--baseline`.
    """

    baseline: Baseline | None = None
    written: Path | None = None
    previous: Baseline | None = None
    _selected: frozenset[str] = field(default_factory=frozenset)
    _whole: bool = False

    @classmethod
    def of(cls, options: Options) -> Known:
        """Read the options; raises `InvalidTarget`."""
        baseline = Baseline.load(Path(options.baseline)) if options.baseline else None
        if not options.write_baseline:
            return cls(baseline)
        written = Path(options.write_baseline)
        _require_writable(written)
        previous = Baseline.load(written, "--write-baseline") if written.exists() else baseline
        return cls(baseline, written, previous)

    def collected(self, checks: Collection[str], selected: Collection[str]) -> None:
        """Take the node ids of all checks that were found, and of those that the profiles ask for.

        Raises `InvalidTarget` for an entry about a check with a parameter that it does not have.
        """
        if self.baseline is None and self.previous is None:
            return
        suite = {name for names in checks_by_requirement().values() for name in names}
        found = {_in_module(node_id) for node_id in checks}
        self._whole = suite <= found
        self._selected = frozenset(map(plain_name, selected))
        for baseline in (self.baseline, self.previous):
            if baseline is not None and self._whole:
                baseline.require_cases([plain_name(node_id) for node_id in checks])

    def expects(self, found: NonConformance, check: str) -> bool:
        """Whether a finding in a check, given by its node id, is expected."""
        return self.baseline is not None and self.baseline.expects(found, plain_name(check))

    def mark(self, results: Iterable[Result]) -> None:
        """Note in judged results what is expected."""
        if self.baseline is not None:
            for result in results:
                self.baseline.mark(result)

    def reason(self, result: Result) -> str:
        """Say why what was found in a check is expected."""
        if self.baseline is None:
            return ""
        name = plain_name(result.check.name)
        entries = [self.baseline.entry(identifier, name) for identifier in sorted(result.violated)]
        return "; ".join(dict.fromkeys(f"{entry.requirement}: {entry.reason}" for entry in entries if entry))

    def assess(self, results: Sequence[Result]) -> Assessment | None:
        """Hold a run against the baseline."""
        return self._assess(self.baseline, results)

    def assess_previous(self, results: Sequence[Result]) -> Assessment | None:
        """Hold a run against what the written baseline builds upon."""
        return self._assess(self.previous, results)

    def _assess(self, baseline: Baseline | None, results: Sequence[Result]) -> Assessment | None:
        return baseline.assess(results, selected=self._selected, whole=self._whole) if baseline else None


def _require_writable(path: Path) -> None:
    """Raise `InvalidTarget` when no baseline can be written to `path`, before a run and not after it."""
    problem = "is a folder" if path.is_dir() else None if path.absolute().parent.is_dir() else "is in no folder"
    if problem:
        raise InvalidTarget(f"--write-baseline {path} {problem}: name a file, such as known.toml")


def _in_module(node_id: str) -> str:
    """Give a node id as `module::function`."""
    path, _, name = node_id.partition("::")
    return f"{Path(path).stem}::{name.partition('[')[0]}"
