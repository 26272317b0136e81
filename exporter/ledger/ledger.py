"""The slots of all SLOs in memory, and the sums over any window of them.

Two things are kept apart. A *row* holds the counts of one SLO (with `group_by`: of one group).
A *source* is one entry of the configuration and owns one or more rows; which slots were asked
for is known per source, since one question fetches all of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.levels import Level
from exporter.slo.windows import WindowSums

Floats = NDArray[np.float64]


class Asked(IntEnum):
    """What is known about a slot of a source."""

    NO = 0
    EMPTY = 1
    """Asked before it had settled; there was nothing yet."""
    PROVISIONAL = 2
    """Asked before it had settled; late samples may still change it."""
    SETTLED = 3


class _Shelf:
    """The ring buffers of one level. Slot number `end / slot` lives in column `number % n`."""

    def __init__(self, level: Level, columns: int, sources: int) -> None:
        self.slot = level.slot
        self.columns = columns
        self.bad: Floats = np.zeros((0, columns))
        self.total: Floats = np.zeros((0, columns))
        self.known = np.zeros((0, columns), dtype=np.float32)
        self.asked = np.zeros((sources, columns), dtype=np.uint8)

    def at(self, start: int, end: int) -> NDArray[np.intp]:
        """The columns of the slots that lie in (start, end], oldest first; both on boundaries."""
        return np.arange(start // self.slot + 1, end // self.slot + 1) % self.columns

    def sums(self, start: int, end: int, rows: int) -> tuple[Floats, Floats, Floats]:
        """Bad, total and known slots in (start, end], added up per row."""
        first, last = start // self.slot + 1, end // self.slot + 1
        low, count = first % self.columns, last - first
        # Slices, at most two, as the ring wraps: picking columns one by one would copy them.
        cuts = [slice(low, min(low + count, self.columns)), slice(0, low + count - self.columns)]
        parts = [cut for cut in cuts if cut.stop > cut.start]
        bad, total, known = (
            sum(
                (array[:rows, part].sum(axis=1, dtype=np.float64) for part in parts),
                start=np.zeros(rows),
            )
            for array in (self.bad, self.total, self.known)
        )
        return bad, total, known

    def clear(self, start: int, end: int) -> None:
        if (end - start) // self.slot >= self.columns:
            start = end - self.columns * self.slot
        at = self.at(start, end)
        for array in (self.bad, self.total, self.known, self.asked):
            array[:, at] = 0

    def grow(self, rows: int) -> None:
        for name in ("bad", "total", "known"):
            old = getattr(self, name)
            new = np.zeros((rows, self.columns), dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


class Ledger:
    """Slots of every row at several levels; the finest reaches up to `end`.

    Level i covers (`fences[i]`, `fences[i - 1]`], the finest (`fences[0]`, `end`]. All times
    are Unix seconds; a slot is named by its end.
    """

    def __init__(self, levels: Sequence[Level], sources: int, end: int) -> None:
        self.levels = tuple(levels)
        self.end = end - end % levels[0].slot
        self._shelves: list[_Shelf] = []
        self._fences: list[int] = []
        for i, level in enumerate(levels):
            last = i + 1 == len(levels)
            # A fence stands on a boundary of the next coarser level, hence the slack.
            slack = level.slot if last else levels[i + 1].slot
            columns = (level.horizon + slack) // level.slot + 1
            self._shelves.append(_Shelf(level, columns, sources))
            self._fences.append(self._fence(i, self.end))
        self.rows = 0

    def _fence(self, i: int, end: int) -> int:
        unit = self.levels[min(i + 1, len(self.levels) - 1)].slot
        oldest = end - self.levels[i].horizon
        return oldest - oldest % unit

    @property
    def interval(self) -> int:
        """The length of the finest slots in seconds."""
        return self.levels[0].slot

    @property
    def slots(self) -> int:
        """How many slots all rows have together, known or not."""
        return self.rows * sum(shelf.columns for shelf in self._shelves)

    @property
    def bytes(self) -> int:
        """The memory that the slots take."""
        return sum(
            array.nbytes
            for shelf in self._shelves
            for array in (shelf.bad, shelf.total, shelf.known, shelf.asked)
        )

    def add_row(self) -> int:
        """Make room for another row and return its number."""
        row = self.rows
        self.rows += 1
        if row >= len(self._shelves[0].bad):
            for shelf in self._shelves:
                shelf.grow(max(1, row + row // 4 + 1))
        return row

    def cover(self, level: int) -> tuple[int, int]:
        """The span (start, end] that a level answers for."""
        return self._fences[level], self.end if level == 0 else self._fences[level - 1]

    def advance(self, end: int) -> None:
        """Let time go on to `end`; what becomes too old for a level merges into the next one."""
        end -= end % self.interval
        if end - self.end >= self.levels[-1].horizon:
            # Nothing held would be of use any more; stepping through it would only take time.
            for i, shelf in enumerate(self._shelves):
                shelf.clear(0, shelf.columns * shelf.slot)
                self._fences[i] = self._fence(i, end)
            self.end = end
            return
        step = self.levels[1].slot if len(self.levels) > 1 else self.interval
        while self.end < end:
            target = min(end, self.end - self.end % step + step)
            self._shelves[0].clear(self.end, target)
            self.end = target
            for i in range(len(self.levels)):
                self._move_fence(i, max(self._fences[i], self._fence(i, target)))

    def retreat(self, end: int) -> None:
        """Forget the finest slots after `end`: the clock was set back, so they never were."""
        end -= end % self.interval
        start = max(end, self._fences[0])
        if start < self.end:
            self._shelves[0].clear(start, self.end)
            self.end = start

    def _move_fence(self, i: int, fence: int) -> None:
        old, self._fences[i] = self._fences[i], fence
        if fence == old or i + 1 == len(self.levels):
            return
        fine, coarse = self._shelves[i], self._shelves[i + 1]
        coarse.clear(old, fence)
        ratio = coarse.slot // fine.slot
        source = fine.at(old, fence).reshape(-1, ratio)
        target = coarse.at(old, fence)
        coarse.bad[:, target] = fine.bad[:, source].sum(axis=2)
        coarse.total[:, target] = fine.total[:, source].sum(axis=2)
        coarse.known[:, target] = fine.known[:, source].mean(axis=2)
        settled = (fine.asked[:, source] == Asked.SETTLED).all(axis=2)
        coarse.asked[:, target] = np.where(settled, Asked.SETTLED, Asked.NO)

    def write(
        self, level: int, rows: Sequence[int], start: int, bad: Floats, total: Floats
    ) -> tuple[Floats, Floats]:
        """Put counts into the slots that follow `start`: rows x slots, NaN total for unknown.

        Slots outside the level's cover are left out: they have moved on since the question.

        Returns:
            By how much the bad and the total events of these slots have grown (rows x slots).
        """
        shelf = self._shelves[level]
        at, inside = self._inside(level, start, bad.shape[1])
        cells = np.ix_(np.asarray(rows), at)
        known = ~np.isnan(total[:, inside])
        new_bad = np.where(known, bad[:, inside], 0.0)
        new_total = np.where(known, total[:, inside], 0.0)
        grown_bad, grown_total = np.zeros_like(bad), np.zeros_like(total)
        grown_bad[:, inside] = new_bad - shelf.bad[cells]
        grown_total[:, inside] = new_total - shelf.total[cells]
        shelf.bad[cells], shelf.total[cells], shelf.known[cells] = new_bad, new_total, known
        return grown_bad, grown_total

    def mark(self, level: int, source: int, start: int, asked: NDArray[np.uint8]) -> None:
        """Note what is known (an `Asked` each) of the source's slots that follow `start`."""
        at, inside = self._inside(level, start, len(asked))
        self._shelves[level].asked[source, at] = asked[inside]

    def _inside(self, level: int, start: int, count: int) -> tuple[NDArray[np.intp], slice]:
        low, high = self.cover(level)
        slot = self.levels[level].slot
        first = max(0, (low - start) // slot)
        last = max(first, min(count, (high - start) // slot))
        return self._shelves[level].at(start + first * slot, start + last * slot), slice(
            first, last
        )

    def asked(self, level: int) -> NDArray[np.uint8]:
        """What is known of each slot of a level: sources x slots, oldest first."""
        return self._shelves[level].asked[:, self._shelves[level].at(*self.cover(level))]

    def since(self, start: int) -> tuple[Floats, Floats]:
        """Bad and total events per row in the finest slots that begin at `start` or later."""
        shelf = self._shelves[0]
        start = -(-max(start, self._fences[0]) // shelf.slot) * shelf.slot
        if start >= self.end:
            return np.zeros(self.rows), np.zeros(self.rows)
        bad, total, _ = shelf.sums(start, self.end, self.rows)
        return bad, total

    def clear_row(self, row: int) -> None:
        """Forget a row's counts, so that another group may have it."""
        for shelf in self._shelves:
            shelf.bad[row] = shelf.total[row] = shelf.known[row] = 0

    def newest_known(self) -> NDArray[np.int64]:
        """The end of every row's newest known slot of the finest level; 0 without any."""
        shelf = self._shelves[0]
        known = shelf.known[: self.rows, shelf.at(*self.cover(0))][:, ::-1] > 0
        ends = self.end - known.argmax(axis=1) * shelf.slot if known.size else np.zeros(self.rows)
        return np.where(known.any(axis=1), ends, 0).astype(np.int64)

    def read(self, level: int, row: int) -> tuple[Floats, Floats, Floats]:
        """The slots of a level, oldest first: bad, total, and the known share of each."""
        shelf = self._shelves[level]
        at = shelf.at(*self.cover(level))
        return shelf.bad[row, at], shelf.total[row, at], shelf.known[row, at].astype(np.float64)

    def window(self, length: int) -> WindowSums:
        """Sums over the window of `length` seconds that ends at `end`, for every row.

        A window whose edge falls inside a coarse slot takes its share of that slot.
        """
        rows = self.rows
        start = self.end - length
        bad, total, known = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        for level, shelf in enumerate(self._shelves):
            low, high = self.cover(level)
            low = max(low, start)
            if low >= high:
                continue
            whole = -(-low // shelf.slot) * shelf.slot
            slots = shelf.sums(whole, high, rows)
            bad += slots[0]
            total += slots[1]
            known += slots[2] * shelf.slot
            if low < whole:
                share = (whole - low) / shelf.slot
                edge = shelf.at(whole - shelf.slot, whole)[0]
                bad += share * shelf.bad[:rows, edge]
                total += share * shelf.total[:rows, edge]
                known += (whole - low) * shelf.known[:rows, edge]
        return WindowSums(bad=bad, total=total, known=known / length)
