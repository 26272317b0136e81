"""What the log says of datasources: that one does not answer, or is slow, and when that is over."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from exporter.prometheus.pace import Pace
from exporter.slo.durations import format_duration

TELL_CHANGES_EVERY = 60.0
"""Seconds between two log lines on trouble that goes on but reads differently: some errors never
read the same twice."""

NEWEST, HISTORY = "newest slots", "history"
"""What a datasource is asked for; trouble with one is none with the other."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    began: float
    text: str
    told: float


class DatasourceLog:
    """Tells of each thing once when it begins or changes, and when it is over.

    `clock` gives Unix seconds; `interval` (seconds) is what polls have to be done within.
    """

    def __init__(self, interval: int, clock: Callable[[], float]) -> None:
        self._interval = interval
        self._clock = clock
        self._log = structlog.get_logger()
        self._trouble: dict[tuple[str, str], _Trouble] = {}
        self._slow: dict[str, float] = {}

    def in_trouble(self, name: str) -> bool:
        """Whether a datasource has not answered the newest question for the newest slots."""
        return (name, NEWEST) in self._trouble

    def fails(self, name: str, asking: str, error: str) -> None:
        """Note that a datasource does not answer."""
        before, now = self._trouble.get((name, asking)), self._clock()
        if before is not None and _same(error, before.text):
            return
        if before is None or abs(now - before.told) >= TELL_CHANGES_EVERY:
            self._log.warning(
                "Prometheus does not answer", datasource=name, asking=asking, error=error
            )
            began = now if before is None else before.began
            self._trouble[name, asking] = _Trouble(began, error, now)

    def answers(self, name: str, asking: str) -> None:
        """Note that a datasource has answered."""
        trouble = self._trouble.pop((name, asking), None)
        if trouble is not None:
            self._log.info(
                "Prometheus answers again",
                datasource=name,
                asking=asking,
                lasted=self._since(trouble.began),
            )

    def slow(self, name: str, waited: float, pace: Pace) -> None:
        """Note that a poll has taken so many seconds and goes on, though questions are answered.

        Where no query was under way for most of it, it is this process that is slow.
        """
        if name not in self._slow and pace.busy >= waited / 2:
            self._slow[name] = self._clock()
            self._log.warning(
                "Prometheus is slow: polls are not done after half of the interval",
                datasource=name,
                waited=_seconds(waited),
                interval=format_duration(self._interval),
                queries=pace.queries,
                slowest_query=_seconds(pace.slowest),
            )

    def polled(self, name: str, took: float, pace: Pace) -> None:
        """Note that a poll is done, after so many seconds.

        It is slow no more once it takes less than a quarter of the interval: between that and half
        of it, the log would tell of every poll.
        """
        if name in self._slow and took < self._interval / 4:
            self._log.info(
                "Prometheus is no longer slow",
                datasource=name,
                took=_seconds(took),
                queries=pace.queries,
                slowest_query=_seconds(pace.slowest),
                lasted=self._since(self._slow.pop(name)),
            )

    def _since(self, began: float) -> str:
        return format_duration(max(0, round(self._clock() - began)))


def _same(one: str, other: str) -> bool:
    """Whether two errors say the same, however long one had waited."""
    return _without_wait(one) == _without_wait(other)


def _without_wait(error: str) -> str:
    return re.sub(r"within [\d.]+ s", "in time", error)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}s"
