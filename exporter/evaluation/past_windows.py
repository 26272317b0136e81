"""Sums over windows that ended at earlier boundaries: from a ledger, whose newest are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.ledger.slots import STANDS_IN
from exporter.slo.evaluate import Sums
from exporter.slo.types import Floats, SeriesIndex, Times
from exporter.slo.windows import WindowSums

NOTHING = 1e-6
"""Events, and seconds: what is less is left of subtracting shares of slots."""

MANY, FEW = 30, 100
"""Boundaries from which on, and series up to which, all slots are read and summed up once: window
by window, a replay of hours takes ten times as long."""


class WindowsOverTime(Protocol):
    """The sums of some series over windows that end at several boundaries (Unix seconds)."""

    def between(self, start: int, end: int) -> WindowSums:
        """The sums over (start, end], an element per series; nothing where it ends before."""

    def recent(self, ends: Times, length: int) -> Floats:
        """The known share of the last `length` seconds at each boundary: boundaries x series."""

    def bounds(self, first: int, last: int, length: int) -> tuple[Floats, Floats]:
        """The most bad events and the fewest events that a window of `length` seconds has at any
        boundary from `first` to `last`, an element per series; to within `NOTHING`."""

    def along(self, ends: Times, starts: Sequence[int]) -> WindowSums:
        """The sums over (start, end] of every pair, oldest first: boundaries x series."""

    def windows(
        self, places: Sequence[int], ends: Times, lengths: Iterable[int]
    ) -> dict[int, WindowSums]:
        """The sums over windows of several lengths (seconds) at every boundary.

        They are of the series in some `places`: boundaries x places.
        """


class PastWindowSums:
    """`WindowsOverTime` of a ledger.

    The sums of some series of a ledger over time, without what lies in maintenance windows.

    `known` is always that of everything. Sums are computed once, whoever asks for them.
    """

    def __init__(self, ledger: Ledger, sums: Sums, series_indices: Sequence[SeriesIndex]) -> None:
        self._ledger = ledger
        self._sums = sums
        self._series = np.asarray(series_indices, dtype=np.intp)
        self._found: dict[tuple[int, int], WindowSums] = {}

    def between(self, start: int, end: int) -> WindowSums:
        """The sums over (start, end], an element per series."""
        found = self._found.get((start, end))
        if found is None:
            found = self._ledger.between(start, end, series_indices=self._series)
            if self._ledger.excludes:
                out = self._ledger.between(start, end, excluded=True, series_indices=self._series)
                found = WindowSums(found.bad - out.bad, found.total - out.total, found.known)
            self._found[start, end] = found
        return found

    def recent(self, ends: Times, length: int) -> Floats:
        """The known share of the last `length` seconds at each boundary: boundaries x series."""
        upto = self._upto(ends, int(ends[0]) - length) if len(ends) else None
        if upto is not None:
            seconds = (upto(ends)[2] - upto(ends - length)[2]).T
            return np.where(seconds < NOTHING, 0.0, seconds / length)
        known = [self.between(int(end) - length, int(end)).known for end in ends]
        return np.array(known).reshape(len(ends), len(self._series))

    def bounds(self, first: int, last: int, length: int) -> tuple[Floats, Floats]:
        """The most bad events and the fewest events of a window at any boundary of a span."""
        now = self._sums.counted.get(length)
        if now is None or last != self._ledger.end or length < last - first:
            return self.between(first - length, last).bad, self.between(last - length, first).total
        # Only what the windows do not share with the newest one is read.
        before, after = self.between(first - length, last - length), self.between(first, last)
        return now.bad[self._series] + before.bad, now.total[self._series] - after.total

    def along(self, ends: Times, starts: Sequence[int]) -> WindowSums:
        """The sums over (start, end] of every pair, oldest first: boundaries x series."""
        now = self._ledger.end
        length = now - int(starts[-1]) if int(ends[-1]) == now else 0
        if length in self._sums.counted:
            counted, everything = self._sums.counted[length], self._sums.everything[length]
            at = self._series
            newest = WindowSums(counted.bad[at], counted.total[at], everything.known[at])
        else:
            newest = self.between(int(starts[-1]), int(ends[-1]))
        sums = np.zeros((3, len(ends), len(self._series)))
        upto = self._upto(ends, int(starts[0]))
        if upto is not None:
            begins = np.asarray(starts, dtype=np.int64)
            pairs = zip(upto(ends), upto(begins), strict=True)
            sums[:] = [(later - earlier).T for later, earlier in pairs]
        sums[:, -1] = newest.bad, newest.total, newest.known * (int(ends[-1]) - int(starts[-1]))
        for k in range(len(ends) - 2, -1, -1) if upto is None else ():
            (start, after), (end, later) = starts[k : k + 2], ends[k : k + 2].tolist()
            gone, come = self.between(int(start), int(after)), self.between(end, later)
            sums[:, k] = sums[:, k + 1]
            for part, sign in ((gone, 1), (come, -1)):
                length = int(after) - int(start) if sign == 1 else later - end
                sums[:, k] += sign * np.array([part.bad, part.total, part.known * length])
        sums[np.abs(sums) < NOTHING] = 0
        lengths = ends[:, None] - np.asarray(starts, dtype=np.int64)[:, None]
        return WindowSums(sums[0], sums[1], sums[2] / lengths)

    def _upto(self, ends: Times, since: int) -> UpTo | None:
        """The slots since then, summed up, where that pays and is the same as window by window."""
        if len(ends) < MANY or not 0 < len(self._series) <= FEW:
            return None
        upto = UpTo(self._ledger, self._series.tolist(), since)
        return None if upto.stand_ins else upto

    def windows(
        self, places: Sequence[int], ends: Times, lengths: Iterable[int]
    ) -> dict[int, WindowSums]:
        """The sums over windows of several lengths (seconds) at every boundary."""
        return windows_at(self._ledger, self._series[list(places)].tolist(), ends, lengths)


class UpTo:
    """Bad events, all events and known seconds of some series, from a moment on up to any other.

    All slots are read and summed up once. A moment inside of a slot has its share of that slot;
    `stand_ins` tells whether there are slots that stand in for several, which have none to give.
    """

    def __init__(self, ledger: Ledger, series_indices: Sequence[SeriesIndex], since: int) -> None:
        starts, ends, *counts = ledger.slots_since(series_indices, since)
        self.stand_ins = bool((counts[2] > STANDS_IN).any())
        self._edges = np.concatenate([starts[:1], ends])
        counts[2] = counts[2] * (ends - starts)
        self._sums = [np.pad(np.cumsum(count, axis=1), ((0, 0), (1, 0))) for count in counts]

    def __call__(self, times: Times) -> list[Floats]:
        """The three up to each of some moments (Unix seconds): series x moments."""
        after = np.clip(np.searchsorted(self._edges, times), 1, len(self._edges) - 1)
        low, high = self._edges[after - 1], self._edges[after]
        share = np.clip((times - low) / (high - low), 0.0, 1.0)
        return [
            each[:, after - 1] + share * (each[:, after] - each[:, after - 1])
            for each in self._sums
        ]


def windows_at(
    ledger: Ledger, series_indices: Sequence[SeriesIndex], ends: Times, lengths: Iterable[int]
) -> dict[int, WindowSums]:
    """The sums over windows of several lengths (seconds) at every boundary: boundaries x series.

    All slots are read and summed up once, which pays where `ends` are many or windows are. A window
    whose edge lies inside a coarse slot takes its share of that slot.
    """
    longest = max(lengths := tuple(lengths))
    at = UpTo(ledger, series_indices, int(ends[0]) - longest)
    now = at(ends)
    found = {}
    for length in lengths:
        sums = [(later - earlier).T for later, earlier in zip(now, at(ends - length), strict=True)]
        for each in sums:
            each[np.abs(each) < NOTHING] = 0
        found[length] = WindowSums(sums[0], sums[1], sums[2] / length)
    return found
