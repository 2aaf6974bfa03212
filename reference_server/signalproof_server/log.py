"""Structured logs: one JSON object per line on standard error.

A log line holds no sid, no login, no session description and no candidate. Exceptions are logged by type
and place: their texts quote data.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Protocol, TextIO

import structlog

__all__ = ["LEVELS", "Logger", "forward_library_logs", "make_logger", "where"]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
LIBRARIES = ("uvicorn", "asyncio", "websockets")


class Logger(Protocol):
    """The part of structlog's loggers that the server uses."""

    def info(self, event: str, **fields: object) -> object:
        """Log what is ordinary."""

    def warning(self, event: str, **fields: object) -> object:
        """Log what an operator may want to look at."""

    def error(self, event: str, **fields: object) -> object:
        """Log what must not happen."""


class Sink:
    """Write lines to a stream; one that nobody reads any more must not fail requests."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line."""
        stream = self._stream or sys.stderr
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):
            return

    info = warning = error = debug = msg


def make_logger(level: str = "info", stream: TextIO | None = None) -> Logger:
    """Make a logger of its own, apart from structlog's global configuration; the default stream is stderr."""
    logger: Logger = structlog.wrap_logger(
        Sink(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        cache_logger_on_first_use=True,
    )
    return logger


def where(error: BaseException) -> list[str]:
    """Say where an exception came from, innermost last, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-5:]]


class _Forward(logging.Handler):
    """Pass a library's warnings on, without their arguments and tracebacks."""

    def __init__(self, log: Logger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        fields: dict[str, object] = {"library": record.name, "text": str(record.msg).partition("\n")[0]}
        if error is not None:
            fields |= {"error": type(error).__name__, "where": where(error)}
        self._log.warning("library", **fields)


def forward_library_logs(log: Logger) -> None:
    """Send the warnings of the libraries through this logger; for the process that owns the server."""
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers = [_Forward(log)]
        library.propagate = False
