"""How much of one kind the log takes: a hundred groups that change are not a hundred lines."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import structlog
from structlog.typing import EventDict, WrappedLogger

MOST_LINES = 30
"""Of one kind, within `SPAN`."""

SPAN = 60.0
"""Seconds."""

Later = Callable[[float, Callable[[], None]], None]


def in_a_thread(seconds: float, tell: Callable[[], None]) -> None:
    """Do something later; the end of the process does not wait for it."""
    timer = threading.Timer(seconds, tell)
    timer.daemon = True
    timer.start()


class LogBounds(logging.Filter):
    """Leaves out lines beyond so many of a kind, and tells how many those were.

    Lines of structlog are of one kind if their message is the same, those of libraries if their
    logger is. Debug lines are not bounded: who asks for them wants them. `later` calls when the
    span of a kind is over.
    """

    def __init__(self, later: Later = in_a_thread) -> None:
        super().__init__()
        self._later = later
        self._lock = threading.Lock()
        self._lines: dict[str, int] = {}

    def __call__(self, _: WrappedLogger, level: str, line: EventDict) -> EventDict:
        """Let a line of structlog's pass.

        Raises:
            structlog.DropEvent: it is one too many.
        """
        if level != "debug" and not self._passes(str(line.get("event"))):
            raise structlog.DropEvent
        return line

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line of a library passes."""
        return record.levelno <= logging.DEBUG or self._passes(record.name)

    def _passes(self, kind: str) -> bool:
        with self._lock:
            lines = self._lines[kind] = self._lines.get(kind, 0) + 1
        if lines == 1:
            self._later(SPAN, lambda: self._over(kind))
        return lines <= MOST_LINES

    def _over(self, kind: str) -> None:
        with self._lock:
            left_out = self._lines.pop(kind) - MOST_LINES
        if left_out > 0:
            log = structlog.get_logger()
            log.warning("lines were left out", kind=kind, lines=left_out, within=f"{SPAN:g}s")
