"""Sums over windows that end at many boundaries, from the slots of one SLO."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from exporter.slo.event_history import EventHistory
from exporter.slo.types import Floats, Times
from exporter.slo.windows import WindowSums


class HistoryWindows:
    """`WindowsOverTime` of several series with the same events, which are those of a history."""

    def __init__(self, history: EventHistory, count: int) -> None:
        self._history = history
        self._count = count

    def between(self, start: int, end: int) -> WindowSums:
        """The sums over (start, end], an element per series; nothing where it ends before."""
        sums = self._sums(np.array([min(start, end)]), np.array([end]), self._count)
        return WindowSums(sums.bad[0], sums.total[0], sums.known[0])

    def recent(self, ends: Times, length: int) -> Floats:
        """The known share of the last `length` seconds at each boundary: boundaries x series."""
        return self._sums(ends - length, ends, self._count).known

    def bounds(self, first: int, last: int, length: int) -> tuple[Floats, Floats]:
        """The most bad events and the fewest events of a window at any boundary of a span."""
        return self.between(first - length, last).bad, self.between(last - length, first).total

    def along(self, ends: Times, starts: Sequence[int]) -> WindowSums:
        """The sums over (start, end] of every pair: boundaries x series."""
        return self._sums(np.asarray(starts, dtype=np.int64), ends, self._count)

    def windows(
        self, places: Sequence[int], ends: Times, lengths: Iterable[int]
    ) -> dict[int, WindowSums]:
        """The sums over windows of several lengths (seconds) at every boundary."""
        return {length: self._sums(ends - length, ends, len(places)) for length in lengths}

    def _sums(self, starts: Times, ends: Times, count: int) -> WindowSums:
        sums = self._history.sums_over(starts, ends)
        shape = len(ends), count
        return WindowSums(
            *(np.broadcast_to(each[:, None], shape) for each in (sums.bad, sums.total, sums.known))
        )
