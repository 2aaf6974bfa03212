"""Ends politely when asked to: SIGTERM is taken as Ctrl-C, so that both close what is open and write the report."""

from __future__ import annotations

import signal
import threading

__all__ = ["ignore_interrupts", "take_termination_as_interrupt"]


def take_termination_as_interrupt() -> None:
    """Let SIGTERM interrupt like Ctrl-C, unless somebody else already handles it."""
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    masks = hasattr(signal, "pthread_sigmask")
    if masks and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Shells start background jobs like this. Ctrl-C stays without effect, but SIGTERM needs its way in.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        if masks:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    signal.signal(signal.SIGTERM, interrupt)


def ignore_interrupts() -> None:
    """Let nothing change the exit code any more: all is said and closed."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    # CPython notes a KeyboardInterrupt that passes through code run by exec(), such as that of dataclasses, and then
    # dies of SIGINT whatever exit code is asked for, unless more such code runs afterwards.
    exec("")  # noqa: S102
