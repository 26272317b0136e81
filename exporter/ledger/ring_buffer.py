"""The ring buffers of one level of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.slo.types import Floats, SeriesIndex

STANDS_IN = 1.5
"""A known share above this is that of several slots: see `exporter.ledger.stand_ins`."""


@dataclass(slots=True)
class Slots:
    """Counts of series x slots; `known` is the share of each slot that is known, 0 to 1.

    One that stands in for several has all of their counts, and their shares added up.
    """

    bad: NDArray[np.floating]
    total: NDArray[np.floating]
    known: NDArray[np.floating]

    def arrays(self) -> Iterator[NDArray[np.floating]]:
        """Bad, total and known, in this order."""
        return iter((self.bad, self.total, self.known))

    def part(self, slots: slice) -> Slots:
        """Some of the slots, of all series."""
        return Slots(*(array[:, slots] for array in self.arrays()))

    @classmethod
    def none(cls, series: int, slots: int) -> Slots:
        """Nothing known. The known shares are kept short: they need few digits."""
        shape = (series, slots)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.float32))


def stacked(parts: Sequence[Slots]) -> Slots:
    """Several series as one block."""
    if len(parts) == 1:
        return parts[0]
    return Slots(
        *(np.concatenate(arrays) for arrays in zip(*(part.arrays() for part in parts), strict=True))
    )


class RingBuffer:
    """Slots of one length. Slot number `end / slot` lives in column `number % columns`.

    `excluded` holds the part of the counts that lies in maintenance windows; it takes memory
    only once there is any.
    """

    def __init__(self, slot: int, columns: int, slo_count: int) -> None:
        self.slot = slot
        self.columns = columns
        self.counts = Slots.none(0, columns)
        self.excluded: Slots | None = None
        self.asked = np.zeros((slo_count, columns), dtype=np.uint8)

    def _held(self) -> list[Slots]:
        return [self.counts] if self.excluded is None else [self.counts, self.excluded]

    @property
    def bytes(self) -> int:
        """The memory that the slots take."""
        return self.asked.nbytes + sum(
            array.nbytes for slots in self._held() for array in slots.arrays()
        )

    def at(self, start: int, end: int) -> NDArray[np.intp]:
        """The columns of the slots that lie in (start, end], oldest first; both on boundaries."""
        return np.arange(start // self.slot + 1, end // self.slot + 1) % self.columns

    def sum(
        self,
        array: NDArray[np.floating],
        start: int,
        end: int,
        series_indices: slice | NDArray[np.intp],
    ) -> Floats:
        """Add up an array's slots in (start, end] for each of some series."""
        first, last = start // self.slot + 1, end // self.slot + 1
        low, count = first % self.columns, last - first
        # Slices, at most two, as the ring wraps: picking columns one by one would copy them.
        until = min(low + count, self.columns)
        total: Floats = array[series_indices, low:until].sum(axis=1, dtype=np.float64)
        wrapped = low + count - self.columns
        if wrapped > 0:
            total += array[series_indices, :wrapped].sum(axis=1, dtype=np.float64)
        return total

    def sums(
        self,
        start: int,
        end: int,
        series_indices: slice | NDArray[np.intp],
        count: int,
        *,
        excluded: bool,
    ) -> Floats | None:
        """The sums over (start, end], Unix seconds, whose edges may lie inside of slots.

        A slot that an edge lies in gives its share; one that stands in for several gives nothing.

        Returns:
            Bad events, all events and known seconds of each of the `count` series; None if there
            are none.
        """
        counts = self.excluded if excluded else self.counts
        if start >= end or counts is None:
            return None
        slot = self.slot
        first, last = -(-start // slot) * slot, end // slot * slot
        edges = [(first, (first - start) / slot), (last + slot, (end - last) / slot)]
        if first > last:  # both edges are in one slot
            edges = [(first, (end - start) / slot)]
        shares = [
            (column, share * (self.counts.known[series_indices, column] < STANDS_IN))
            for slot_end, share in edges
            if share
            for column in self.at(slot_end - slot, slot_end)
        ]
        sums = np.zeros((3, count))
        for i, array in enumerate(counts.arrays()):
            if first < last:
                sums[i] = self.sum(array, first, last, series_indices)
            for column, share in shares:
                sums[i] += share * array[series_indices, column]
        sums[2] *= slot
        return sums

    def net(
        self, series_indices: NDArray[np.intp], start: int, end: int
    ) -> tuple[Floats, Floats, Floats]:
        """Bad events, all events and known shares of the slots in (start, end]: series x slots.

        What lies in maintenance windows is not counted.
        """
        cells = np.ix_(series_indices, self.at(start, end))
        bad, total, known = (
            array[cells].astype(np.float64, copy=False) for array in self.counts.arrays()
        )
        if self.excluded is not None:
            bad, total = bad - self.excluded.bad[cells], total - self.excluded.total[cells]
        return bad, total, known

    def newest_known(self, start: int, end: int, series: int) -> NDArray[np.int64]:
        """The end of the newest known slot in (start, end] of each of so many series; 0 without."""
        known = self.counts.known[:series, self.at(start, end)][:, ::-1] > 0
        ends = end - known.argmax(axis=1) * self.slot if known.size else np.zeros(series)
        return np.where(known.any(axis=1), ends, 0).astype(np.int64)

    def clear(self, start: int, end: int) -> None:
        """Forget the slots in (start, end]."""
        if (end - start) // self.slot >= self.columns:
            start = end - self.columns * self.slot
        at = self.at(start, end)
        self.asked[:, at] = 0
        for slots in self._held():
            for array in slots.arrays():
                array[:, at] = 0

    def erase(self, series_index: SeriesIndex, start: int, end: int) -> None:
        """Have nothing known of a series in (start, end]."""
        for slots in self._held():
            for array in slots.arrays():
                array[series_index, self.at(start, end)] = 0

    def clear_series(self, series_index: SeriesIndex) -> None:
        """Forget a series's counts."""
        for slots in self._held():
            for array in slots.arrays():
                array[series_index] = 0

    def grow(self, series: int) -> None:
        """Make room for at least so many series."""
        held = len(self.counts.bad)
        if series <= held:
            return
        room = max(series, held + held // 4)
        self.counts = _grown(self.counts, room)
        if self.excluded is not None:
            self.excluded = _grown(self.excluded, room)

    def merge(self, fine: RingBuffer, start: int, end: int) -> None:
        """Take over a finer ring's slots in (start, end], added up."""
        from_ = fine.at(start, end).reshape(-1, self.slot // fine.slot)
        at = self.at(start, end)
        pairs = [(fine.counts, self.counts)]
        if fine.excluded is not None:
            pairs.append((fine.excluded, self.make_excluded()))
        for old, new in pairs:
            new.bad[:, at] = old.bad[:, from_].sum(axis=2)
            new.total[:, at] = old.total[:, from_].sum(axis=2)
            new.known[:, at] = old.known[:, from_].mean(axis=2)
        # What stood in for more than this is not known of it.
        rows, columns = np.nonzero(self.counts.known[:, at] > STANDS_IN)
        for _, new in pairs:
            for array in new.arrays():
                array[rows, at[columns]] = 0

    def write(
        self,
        series_indices: Sequence[SeriesIndex],
        at: NDArray[np.intp],
        slots: Slots,
        excluded: Slots | None,
    ) -> None:
        """Put slots into the columns `at`; what they tell nothing of keeps what it has."""
        cells = np.ix_(np.asarray(series_indices), at)
        keep = (slots.known <= 0) & (self.counts.known[cells] > 0)
        _put(self.counts, cells, slots, keep)
        if excluded is not None:
            _put(self.make_excluded(), cells, excluded, keep)
        elif self.excluded is not None:
            _put(self.excluded, cells, Slots.none(*keep.shape), keep)

    def make_excluded(self) -> Slots:
        """The part in maintenance windows, made now if there was none."""
        if self.excluded is None:
            self.excluded = Slots.none(len(self.counts.bad), self.columns)
        return self.excluded


def _put(
    target: Slots, cells: tuple[NDArray[np.intp], ...], slots: Slots, keep: NDArray[np.bool_]
) -> None:
    kept = keep.any()
    for array, new in zip(target.arrays(), slots.arrays(), strict=True):
        array[cells] = np.where(keep, array[cells], new) if kept else new


def _grown(slots: Slots, series: int) -> Slots:
    new = Slots.none(series, slots.bad.shape[1])
    for target, old in zip(new.arrays(), slots.arrays(), strict=True):
        target[: len(old)] = old
    return new
