"""Expectations that name a requirement, and the two rules that keep a pass honest.

A breach of a MUST ends the check; a breach of a SHOULD is kept as a warning and the check goes on.
A check passes only with evidence: it has to have received an event that it caused itself. And whoever
expects a refusal has to show, in the same check, that the same endpoint accepts the sound request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from signalproof.errors import KitError, NonConformance, Step
from signalproof.judge import hints
from signalproof.judge.diagnosis import is_unknown_sid
from signalproof.judge.posting import Posting
from signalproof.judge.reply import Outcome, Reply
from signalproof.judge.transcript import Transcript
from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.schemas import violation

__all__ = ["STAYS", "Expectations", "Foundation"]

T = TypeVar("T")
STAYS = Step("stays connected", "LOGIN-11")
"""What a connection has to do by itself, which no check need ask for."""
_CASE: ContextVar[tuple[object, str]] = ContextVar("case", default=(None, ""))
"""Who is in which case: each task has its own, so that cases can go side by side."""


@dataclass(slots=True)
class Foundation:
    """What the verdict of a check stands on, together with its scenes.

    `refusals` are the kinds of request of which a refusal was expected, `controls` those that were accepted when they
    were sound; `noted` are breaches past which the check went on, by
    requirements and case, and `unsettled` the requirements of which it could
    not tell whether they are kept; `late` says what did not come in time while other checks were under way.
    """

    refusals: set[str] = field(default_factory=set)
    controls: set[str] = field(default_factory=set)
    noted: dict[tuple[tuple[str, ...], str], NonConformance] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)
    late: str = ""


class Expectations:
    """What one check expects, what it found, and whether its verdict has a foundation.

    `in_baseline` says whether the baseline lists a breach, `crowded` that other checks are under way too; `transcript`
    is what was sent and received meanwhile.
    """

    def __init__(
        self,
        requirements: Sequence[str],
        foundation: Foundation | None = None,
        in_baseline: Callable[[NonConformance], bool] = lambda _: False,
        *,
        crowded: bool = False,
    ) -> None:
        self.requirements = tuple(requirements)
        self.foundation = foundation or Foundation()
        self.in_baseline = in_baseline
        self.crowded = crowded
        self.warnings: list[NonConformance] = []
        self.evidence = 0
        self.transcript = Transcript(case=lambda: self.case)

    @property
    def case(self) -> str:
        """The case in which this task is, or an empty string."""
        whose, name = _CASE.get()
        return name if whose is self else ""

    def locate(self, found: NonConformance) -> None:
        """Lay a breach that is about no message in particular to what came last."""
        if found.at is None:
            found.at = self.transcript.moment

    def breach(self, found: NonConformance) -> None:
        """Take a breach: raise it when it concerns a MUST, else keep it as a warning."""
        if not self.concerns(found):
            return
        self.locate(found)
        if self.case:
            found.expected += f" (case: {self.case})"
        for requirement in found.requirements:
            if requirement not in catalogue():
                raise KitError(f"{requirement} is cited, but the specification has no such requirement")
        if all(catalogue()[requirement].level is Level.SHOULD for requirement in found.requirements):
            self.warnings.append(found)
        else:
            raise found

    def note(self, found: NonConformance) -> None:
        """Take a breach past which the check goes on; the same one counts once in each case."""
        if not self.concerns(found):
            return
        self.locate(found)
        if self.case and "(case: " not in found.expected:
            found.expected += f" (case: {self.case})"
        if all(catalogue()[requirement].level is Level.SHOULD for requirement in found.requirements):
            self.warnings.append(found)
        else:
            self.foundation.noted.setdefault((found.requirements, self.case), found)

    def pass_over(self, found: NonConformance) -> bool:
        """Note a breach that the baseline expects, where the check can go on; false when it is no such breach."""
        if not self.in_baseline(found):
            return False
        self.note(found)
        return True

    def came(self, reply: Reply, *, at: float | None = None, hint: str | None = None) -> None:
        """Take a reply: one that is wrong by itself is noted, whatever it was expected to say; `hint` may say why.

        `at` is when it came, a `perf_counter` reading.

        One that is late in a crowd is not: whether it is late alone too shows when the check is repeated.
        """
        if reply.late and self.crowded:
            self.foundation.late = reply.text
        elif reply.broken:
            self.note(
                NonConformance(
                    reply.broken,
                    expected="a reply that accepts or refuses, as spec/errors.md says",
                    received=reply.describe(),
                    hint=hint or hints.for_broken(reply.status, reply.text, reply.title, reply.problem or ""),
                    at=at,
                )
            )

    def concerns(self, found: NonConformance) -> bool:
        """Whether a breach counts."""
        return True

    def cases(self, named: Mapping[str, T]) -> Iterator[T]:
        """Go through the cases of a check; a breach says in which one it was found."""
        for name, case in named.items():
            _CASE.set((self, name))
            yield case
        _CASE.set((self, ""))

    @contextmanager
    def in_case(self, name: str) -> Iterator[None]:
        """Let breaches say what was particular about a request, where the ladder does not show it."""
        _CASE.set((self, name))
        try:
            yield
        finally:
            _CASE.set((self, ""))

    def expect(self, requirement: str, kept: bool, *, expected: str, received: str, hint: str | None = None) -> None:
        """Expect that `requirement` is kept; otherwise it is breached with these words."""
        if not kept:
            self.breach(NonConformance(requirement, expected=expected, received=received, hint=hint))

    def accepted(self, posting: Posting, requirement: str | None = None, *, hint: str | None = None) -> Posting:
        """Expect that the target accepted a request, under the check's first requirement by default.

        `hint` is the likely cause if it did not, where the check knows more than the request shows.
        """
        reply = _replied(posting)
        if reply.outcome is not Outcome.ACCEPTED and posting.author.lost:
            self.breach(
                NonConformance(
                    *filter(None, (requirement, "LOGIN-11")),
                    expected=f"{posting.author.name} to stay connected, and the {posting.kind.name} to be accepted",
                    received=f"{posting.author.lost}; then {reply.describe()}",
                    step=STAYS,
                    at=posting.replied_at or None,
                )
            )
        unbound = is_unknown_sid(reply) or posting.why_not == hints.ACKNOWLEDGED_EARLY
        own = reply.broken or ("LOGIN-2" if unbound else posting.kind.once)
        step = self.step(posting, Step(f"accepts the {posting.kind.name}", own), failed=not posting.accepted)
        if reply.outcome is not Outcome.ACCEPTED:
            self.breach(
                NonConformance(
                    requirement or self.requirements[0],
                    expected=f"the {posting.kind.name} of {posting.author.name} to be accepted",
                    received=reply.describe(),
                    hint=hint
                    or posting.why_not
                    or hints.for_missing(posting.kind.path, reply.status, well_formed=reply.broken is None)
                    or hints.for_reply(reply.status, reply.text, reply.title),
                    step=step,
                    late=reply.late,
                    at=posting.replied_at or None,
                )
            )
        if not posting.kind.event:
            self.foundation.controls.add(posting.kind.name)
        return posting

    def refused(
        self, posting: Posting, requirement: str, *, client_error: bool = False, goes_on: bool = False
    ) -> Reply:
        """Expect a refusal and no event; `client_error` asks for HTTP 4xx as well.

        With `goes_on` the check does so after an acceptance, of which it knows what may have changed.
        """
        posting.refusal = requirement
        self.foundation.refusals.add(posting.kind.name)
        reply = _replied(posting)
        if reply.outcome is Outcome.UNCLEAR:
            # What is wrong with the reply is noted. A requirement that asks for no reply of a kind is about what came
            # of the request, and that shows.
            if "refus" in catalogue()[requirement].sentence or (client_error and not reply.client_error):
                self.foundation.unsettled.add(requirement)
        elif reply.outcome is Outcome.ACCEPTED or (client_error and not reply.client_error):
            found = NonConformance(
                requirement,
                expected=f"a refusal{' with HTTP 4xx' if client_error else ''} of the {posting.kind.name} "
                f"by {posting.author.name}",
                received=reply.describe(),
                hint=posting.why if reply.outcome is Outcome.ACCEPTED else hints.for_refusal(reply.status),
                at=posting.replied_at or None,
            )
            if reply.outcome is Outcome.ACCEPTED and not goes_on:
                self.breach(found)
            else:
                self.note(found)
        return reply

    def step(self, posting: Posting, step: Step, *, failed: bool) -> Step | None:
        """Count how a step went, and give it; by default nobody counts."""
        return None

    def refused_ack(self, requirement: str, ack: tuple[object, ...]) -> None:
        """Expect an acknowledgement that refuses."""
        problem = violation("Failure", ack[0]) if len(ack) == 1 else f"{len(ack)} arguments"
        self.expect(
            requirement,
            problem is None,
            expected="a refusal as acknowledgement, such as {'status': 1, 'message': …}",
            received=f"{ack!r} ({problem})",
        )

    def proven(self, posting: Posting) -> None:
        """Count an event that was received as it should be: evidence, and a control for its endpoint."""
        self.evidence += 1
        if posting.accepted:
            self.foundation.controls.add(posting.kind.name)

    def require_foundation(self) -> None:
        """Raise `KitError` when a verdict `passed` would stand on nothing."""
        if self.evidence == 0:
            raise KitError("this check received no event that it caused, so it cannot pass")
        if missing := self.foundation.refusals - self.foundation.controls:
            raise KitError(f"this check expects refusals without a control: {', '.join(sorted(missing))}")


def _replied(posting: Posting) -> Reply:
    if posting.reply is None:
        raise KitError(f"the {posting.kind.name} was judged before it was sent")
    return posting.reply
