"""What a fault is, and the list of all of them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tests.faults.seams import Variant

__all__ = ["FAULTS", "Break", "Fault", "fault", "one_each"]

Break = Callable[[Variant], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to be wrong.

    `requirements` are those that it has to be caught by, each of them; `collateral` gives the reason why
    other ones, by id or pattern such as `CALL-*`, break with them; `auth` has the server ask for tokens, and `slow` the
    kit wait for long: beside few checks nothing idles for more than a moment.
    """

    name: str
    requirements: tuple[str, ...]
    story: str
    breaks: Break = field(repr=False)
    collateral: Mapping[str, str]
    auth: bool = False
    slow: bool = False

    def excuse(self, requirement: str) -> str | None:
        """Give the reason why this requirement may break too, if there is one."""
        return next((why for pattern, why in self.collateral.items() if fnmatchcase(requirement, pattern)), None)

    @property
    def fingerprint(self) -> str:
        """What tells this fault from one of the same name that was changed since."""
        return hashlib.sha256(inspect.getsource(self.breaks).encode()).hexdigest()[:12]


FAULTS: dict[str, Fault] = {}


def fault(
    *requirements: str, collateral: Mapping[str, str] | None = None, auth: bool = False, slow: bool = False
) -> Callable[[Break], Break]:
    """Enter a function that breaks a `Variant`; its docstring says how real servers come to be so."""

    def enter(breaks: Break) -> Break:
        name = breaks.__name__
        if name in FAULTS:
            raise ValueError(f"there are two faults {name}")
        story = inspect.getdoc(breaks) or ""
        FAULTS[name] = Fault(name, requirements, story, breaks, dict(collateral or {}), auth, slow)
        return breaks

    return enter


def one_each() -> list[str]:
    """Give a fault for each requirement, in their order."""
    seen: set[str] = set()
    chosen: list[str] = []
    for name, fault in FAULTS.items():
        if not set(fault.requirements) <= seen:
            seen |= set(fault.requirements)
            chosen.append(name)
    return chosen
