"""Run, settle, judge: all checks at once in one event loop, one shared tail window, then the verdicts.

A check is finished when its coroutine returns, but "nobody else received it" is only provisional then.
All sockets stay open and recorded until every check has finished and the tail window has passed; late
and stray events are laid to the check that caused them. Checks marked `alone` run after the others;
those marked `early` begin first, and those that wait for a limit of the target wait while all others run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

from signalproof.cast.cast import Cast
from signalproof.cast.plain_exchange import plain_exchange
from signalproof.cast.setting import Setting
from signalproof.cast.settling import settle
from signalproof.config.identity import Identities
from signalproof.config.target import Target
from signalproof.errors import InvalidTarget, NonConformance, NotTestable, TooBusy
from signalproof.judge.ledger import Ledger
from signalproof.judge.posting import DELIVERY_SECONDS
from signalproof.judge.steps import PLAIN
from signalproof.net.failures import own_trouble
from signalproof.net.http import Http
from signalproof.pause import pause
from signalproof.run.gate import Gate
from signalproof.run.loop_lag import LoopLag
from signalproof.run.pulse import Pulse
from signalproof.run.result import Check, Result

__all__ = ["Run"]

REPEATING_SECONDS = 20.0
"""Seconds for which checks that were late among others are tried again alone."""


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from running for the few seconds of a run.

    With the modules of aiortc, aiohttp and pytest alive, its passes take a third of the run, and each of
    them stops the event loop, which shows in measured delays.
    """
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


class Run:
    """All checks of one session against one target. Use it inside one event loop; close it at the end.

    `in_baseline` says whether the baseline lists a breach of a check, given by name, so that the check goes on where
    it can.
    """

    def __init__(
        self,
        target: Target,
        http: Http,
        identities: Identities,
        in_baseline: Callable[[NonConformance, str], bool] = lambda *_: False,
    ) -> None:
        self.target = target
        self._in_baseline = in_baseline
        self.http = http
        self.identities = identities
        self.results: dict[str, Result] = {}
        self.loop_lag = LoopLag()
        self._ledger = Ledger()
        self._number = 0
        self._plain: Cast | None = None
        self._superseded: list[Result] = []
        self.gate = Gate(1)
        self._pulse = Pulse(http)
        self._quiet_since = 0.0

    async def run_all(self, checks: Sequence[Check], progress: Callable[[Result | Check], None]) -> None:
        """Run the checks concurrently, those marked `alone` one by one after them, and judge all of them.

        `progress` is told each check as it begins and each result as it ends.
        """
        self.gate = gate = Gate(self.target.concurrency if self.identities.invents else 1)

        async def bounded(check: Check) -> None:
            async with gate.entered():
                progress(check)
                result = await self._execute(check, crowded=not check.alone)
                if result.late:
                    gate.narrow()
                progress(result)

        async def all_that_wait_for_nothing() -> None:
            active = sorted((c for c in checks if c.waits_for is None), key=lambda check: not check.early)
            await asyncio.gather(*(bounded(check) for check in active if not check.alone))
            for check in active:
                if check.alone:
                    await bounded(check)
            self._quiet_since = perf_counter()

        await self._pulse.begin()
        waiting = (bounded(check) for check in checks if check.waits_for is not None)
        with _collector_paused(), self.loop_lag.measured():
            await asyncio.gather(*waiting, all_that_wait_for_nothing(), self._try_the_plain_exchange())
            await self._repeat_alone()
        await self.settle(self.results.values())

    async def _repeat_alone(self) -> None:
        """Try again, one by one, what was late while other checks were under way.

        What is in time then was late for want of room, here or at the target: that is said, and breaks nothing.
        """
        late = [result for result in self.results.values() if result.late and not self._pulse.stopped]
        deadline = perf_counter() + REPEATING_SECONDS
        for result in late:
            if perf_counter() > deadline:
                result.left_undecided(f"{result.late}, with {self.gate.widest} checks at once; not tried again alone")
                continue
            again = await self._execute(result.check)
            self._superseded.append(result)
            again.late_in_a_crowd = result.late
        self._quiet_since = perf_counter()

    @property
    def crowding(self) -> str | None:
        """What to say of checks that were late in a crowd, if there were any."""
        late = [result for result in self.results.values() if result.late_in_a_crowd]
        if not late:
            return None
        alone = sum(result.error is None for result in late)
        gentler = max(self.gate.limit // 2, 1)
        return (
            f"{len(late)} checks were late with {self.gate.widest} at once; tried again alone, {alone} of them were in "
            f"time. The target, or this machine, does not keep up: --concurrency {gentler} is gentler."
        )

    async def _try_the_plain_exchange(self) -> None:
        """See once whether the ordinary steps work; with fixed accounts the checks alone have to show it."""
        if self._plain is None and self.identities.invents:
            self._plain = Cast(self._setting(PLAIN, ("OFFER-1",)))
            await plain_exchange(self._plain)

    async def run_one(self, check: Check) -> Result:
        """Run one check by itself, with a tail window of its own."""
        if not self.results:
            await self._pulse.begin()
        with self.loop_lag.measured():
            await self._try_the_plain_exchange()
            result = await self._execute(check)
        self._quiet_since = perf_counter()
        await self.settle([result])
        await result.cast.close()
        return result

    async def settle(self, results: Iterable[Result]) -> None:
        """Let the tail window pass, then judge every delivery of these checks.

        It begins with the last request that may raise an event, and not before the checks have ended; one that
        only waits for a limit of the target does not hold it up.
        """
        results = list(results)
        began = max(self._quiet_since, self._ledger.last_posting_at)
        await pause(began + self.target.tail + self.target.round_trip - perf_counter())
        if self.target.timeout < DELIVERY_SECONDS:
            await self._wait_as_long_as_the_specification(results)
        sids = frozenset(
            sid
            for result in self.results.values()
            for connection in result.cast.everybody
            for sid in (connection.sid, connection.engine_sid)
            if sid
        )
        for result in results:
            if self._pulse.stopped and self._judged_at_the_end(result):
                continue
            if isinstance(ending := result.error, NonConformance):
                result.error = self._attributed(ending)
                result.breaches[:] = [result.error]
                self._forgive_impatience(result, ending)
                # A kit that is kept from answering pings loses its connections, too.
                lost = any(connection.lost for connection in result.cast.everybody)
                if (ending.late or lost) and (busy := self.loop_lag.sentence()):
                    result.error = TooBusy(busy)
                    result.breaches.clear()
            for found in (*map(self._attributed, result.cast.foundation.noted.values()), *settle(result.cast, sids)):
                same = (one for one in result.breaches if one.received == found.received or found.is_of(one.awaited))
                if not set(found.requirements) <= {i for one in same for i in one.requirements}:
                    result.breaches.append(found)
            if result.breaches and result.skipped is not None:
                # What it could not decide is open still, but what it caused is seen.
                result.error, result.skipped = NotTestable(result.skipped), None
            result.judged = True
            result.cast.transcript.closed = True

    def _judged_at_the_end(self, result: Result) -> bool:
        """Judge a check that ended the target, or that could not go on without it; say whether it is such a one."""
        if (ending := result.ended_the_target) is not None:
            result.error, result.skipped, result.unjudged = ending, None, False
            result.breaches[:] = [ending] if isinstance(ending, NonConformance) else []
        elif result.skipped != self._pulse.stopped:
            return False
        result.judged = True
        result.cast.transcript.closed = True
        return True

    async def _wait_as_long_as_the_specification(self, results: Sequence[Result]) -> None:
        """Give events that were waited for in vain the time that ORDER-3 gives them."""
        ended = perf_counter()
        missing = [r.error.awaited for r in results if isinstance(r.error, NonConformance) and r.error.awaited]
        until = ended + DELIVERY_SECONDS - self.target.timeout
        while perf_counter() < until and any(event.delay() is None for event in missing):
            await pause(0.05)

    def _forgive_impatience(self, result: Result, ending: NonConformance) -> None:
        """Leave a check undecided whose event came after the time limit, but within that of ORDER-3."""
        delay = ending.awaited.delay() if ending.awaited else None
        if delay is None:
            return
        result.breaches.clear()
        if delay <= DELIVERY_SECONDS + self.target.round_trip:
            result.left_undecided(
                f"an event came {delay:.1f} s after the reply, as ORDER-3 allows, "
                f"and --timeout {self.target.timeout:g} does not wait for that"
            )
            return
        result.error = NonConformance(
            "ORDER-3",
            expected=ending.expected,
            received=f"the event {delay:.1f} s after the reply",
            hint=ending.hint,
            at=ending.awaited.moment() if ending.awaited else None,
        )
        result.breaches.append(result.error)

    def _attributed(self, found: NonConformance) -> NonConformance:
        """Lay an ordinary step that fails everywhere to what it is about by itself, not to what the check is about."""
        step = found.step
        return found.alone() if step is not None and self._ledger.steps.fails_everywhere(step.name) else found

    def _setting(self, number: int, requirements: Sequence[str]) -> Setting:
        return Setting(
            number=number,
            requirements=requirements,
            target=self.target,
            http=self.http,
            ledger=self._ledger,
            identities=self.identities,
        )

    def _is_listed(self, check: str, found: NonConformance) -> bool:
        return self._in_baseline(found, check)

    async def _execute(self, check: Check, *, crowded: bool = False) -> Result:
        self._number += 1
        setting = self._setting(self._number, check.requirements)
        in_baseline = partial(self._is_listed, check.name)
        cast = Cast(replace(setting, crowded=crowded, in_baseline=in_baseline))
        result = self.results[check.name] = Result(check, cast)
        if not self._can_be_run(result):
            result.complete = True
            return result
        began = perf_counter()
        try:
            await check.body(cast)
            cast.require_foundation()
        except NonConformance as found:
            cast.locate(found)
            result.error = found
            result.breaches.append(found)
        except InvalidTarget:
            raise
        except NotTestable as reason:
            result.skipped = str(reason)
        except Exception as error:  # noqa: BLE001 - whatever a check raises is its result
            result.error = own_trouble(error) or error
        finally:
            result.duration = perf_counter() - began
            await cast.quiet()
            if not self.identities.invents:
                await cast.vacate()
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError
        await self._see_whether_it_was_the_last(result)
        result.complete = True
        return result

    def _can_be_run(self, result: Result) -> bool:
        """Whether there is a target still, and time for what the check waits for; if not, it is skipped."""
        if self._pulse.stopped:
            result.left_undecided(self._pulse.stopped)
        elif result.check.waits_for is not None:
            result.skipped = self.target.reason_to_skip(result.check.waits_for)
        return result.skipped is None

    async def _see_whether_it_was_the_last(self, result: Result) -> None:
        """Leave a check undecided that failed because the target has stopped answering."""
        if result.error is not None or result.cast.foundation.noted:
            unjudged = [one for one in self.results.values() if not one.judged]
            if await self._pulse.has_stopped(result, unjudged):
                result.left_undecided(self._pulse.stopped)

    def cut_off(self) -> None:
        """Leave it at what is known after an interrupt: late events were not waited for, and count for nothing."""
        for result in self.results.values():
            if not result.complete:
                # What a library makes of the cancellation is nobody's breach.
                result.error, result.skipped = None, "the run was interrupted before it ended"
                result.breaches.clear()
            result.judged = True
            result.cast.transcript.closed = True

    async def close(self) -> None:
        """Disconnect everybody and close the HTTP client."""
        casts = [result.cast for result in (*self._superseded, *self.results.values())]
        await asyncio.gather(*(cast.close() for cast in (*casts, *filter(None, [self._plain]))))
        await self.http.close()
