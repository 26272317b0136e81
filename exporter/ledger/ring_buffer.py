"""The ring buffers of one level of the ledger."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.count_array import CountArray, Rows, in_a_row
from exporter.ledger.slots import STANDS_IN, HeldSlots, Slots
from exporter.slo.types import Floats, SeriesIndex, SloIndex

SUMS_KEPT = 80
"""Spans of which the sums of all series are kept, until a slot is written."""

EDGES_KEPT = 16
"""Slots of which the counts of all series are kept likewise."""

LONG_SPAN = 20
"""Slots from which on that pays."""


class RingBuffer:
    """Slots of one length. Slot number `end / slot` lives in column `number % columns`.

    `excluded` holds the part of the counts that lies in maintenance windows; it takes memory
    only once there is any. Whoever writes to either calls `changed`. `by_slot` is how numbers lie
    in memory, as in `CountArray`.
    """

    def __init__(self, slot: int, columns: int, slo_count: int, *, by_slot: bool = False) -> None:
        self.slot = slot
        self.columns = columns
        self.by_slot = by_slot
        self.counts = HeldSlots(0, columns, by_slot=by_slot)
        self.excluded: HeldSlots | None = None
        self.asked = np.zeros((slo_count, columns), dtype=np.uint8)
        self._sums: OrderedDict[tuple[int, int, bool], Floats] = OrderedDict()
        self._edges: dict[tuple[int, bool], Floats] = {}

    def changed(self) -> None:
        """Note that counts have changed: sums are no longer what they were."""
        self._sums.clear()
        self._edges.clear()

    def _held(self) -> list[HeldSlots]:
        return [self.counts] if self.excluded is None else [self.counts, self.excluded]

    @property
    def bytes(self) -> int:
        """The memory that the slots take."""
        return self.asked.nbytes + sum(
            array.bytes for slots in self._held() for array in slots.arrays()
        )

    def at(self, start: int, end: int) -> NDArray[np.intp]:
        """The columns of the slots that lie in (start, end], oldest first; both on boundaries."""
        return np.arange(start // self.slot + 1, end // self.slot + 1) % self.columns

    def pieces(self, start: int, end: int) -> list[tuple[int, int]]:
        """The same as at most two runs of columns, as the ring wraps: from, and up to."""
        first, last = start // self.slot + 1, end // self.slot + 1
        low, count = first % self.columns, last - first
        wrapped = low + count - self.columns
        if wrapped > 0:
            return [(low, self.columns), (0, wrapped)]
        return [(low, low + count)] if count > 0 else []

    def asked_between(
        self, start: int, end: int, of: SloIndex | slice = slice(None)
    ) -> NDArray[np.uint8]:
        """What is known of each slot in (start, end]: SLOs x slots, oldest first; or of one SLO."""
        # Slices: picking columns one by one takes many times as long.
        pieces = [self.asked[of, low:until] for low, until in self.pieces(start, end)]
        return np.concatenate(pieces, axis=-1) if pieces else self.asked[of, :0].copy()

    def sum(
        self, start: int, end: int, series_indices: Rows, count: int, *, excluded: bool
    ) -> Floats:
        """Bad events, all events and known shares in the whole slots of (start, end].

        Those over long spans are kept: the next evaluation asks for most of them again.

        Returns:
            3 x the `count` series; not to be changed.
        """
        counts = self.excluded if excluded and self.excluded is not None else self.counts
        key = start, end, excluded
        found = self._sums.get(key)
        if found is not None:
            self._sums.move_to_end(key)
            return found[:, series_indices]
        long = end - start >= LONG_SPAN * self.slot
        if not long or 2 * count < len(counts):
            return self._sum(counts, start, end, series_indices, count)
        found = self._sum(counts, start, end, slice(None), len(counts))
        self._sums[key] = found
        if len(self._sums) > SUMS_KEPT:
            self._sums.popitem(last=False)
        return found[:, series_indices]

    def _sum(self, counts: HeldSlots, start: int, end: int, rows: Rows, count: int) -> Floats:
        sums = np.zeros((3, count))
        for low, until in self.pieces(start, end):
            for i, array in enumerate(counts.arrays()):
                sums[i] += array.sum(rows, low, until)
        return sums

    def sums(
        self,
        start: int,
        end: int,
        series_indices: Rows,
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
        if first < last:
            sums = self.sum(first, last, series_indices, count, excluded=excluded).copy()
        else:
            sums = np.zeros((3, count))
        for slot_end, share in edges:
            if share:
                column = slot_end // slot % self.columns
                sums += share * self._edge(column, series_indices, count, excluded=excluded)
        sums[2] *= slot
        return sums

    def _edge(self, column: int, series_indices: Rows, count: int, *, excluded: bool) -> Floats:
        """The counts of a slot that only a share is taken of: 3 x series; 0 for stand-ins.

        Those of the same slot are kept: the edges of many windows lie in it.
        """
        found = self._edges.get((column, excluded))
        if found is not None:
            return found[:, series_indices]
        every = 2 * count >= len(self.counts)
        rows = slice(0, len(self.counts)) if every else series_indices
        counts = self.excluded if excluded and self.excluded is not None else self.counts
        plain = self.counts.known.column(rows, column) < STANDS_IN
        found = np.array([array.column(rows, column) * plain for array in counts.arrays()])
        if not every:
            return found
        if len(self._edges) >= EDGES_KEPT:
            self._edges.clear()
        self._edges[column, excluded] = found
        return found[:, series_indices]

    def net(
        self, series_indices: NDArray[np.intp], start: int, end: int
    ) -> tuple[Floats, Floats, Floats]:
        """Bad events, all events and known shares of the slots in (start, end]: series x slots.

        What lies in maintenance windows is not counted.
        """
        rows, pieces = in_a_row(series_indices), self.pieces(start, end)

        def read(array: CountArray) -> Floats:
            parts = [array.part(rows, low, until) for low, until in pieces]
            return np.concatenate(parts, axis=1, dtype=np.float64)

        bad, total, known = map(read, self.counts.arrays())
        if self.excluded is not None:
            bad, total = bad - read(self.excluded.bad), total - read(self.excluded.total)
        return bad, total, known

    def newest_known(self, start: int, end: int, series: int) -> NDArray[np.int64]:
        """The end of the newest known slot in (start, end] of each of so many series; 0 without."""
        newest = np.zeros(series, dtype=np.int64)
        rest = np.arange(series)
        # Mostly that is the last one.
        for slot_end in range(end, start, -self.slot):
            if not rest.size:
                break
            known = self.counts.known.column(rest, slot_end // self.slot % self.columns) > 0
            newest[rest[known]] = slot_end
            rest = rest[~known]
        return newest

    def clear(self, start: int, end: int) -> None:
        """Forget the slots in (start, end]."""
        if (end - start) // self.slot >= self.columns:
            start = end - self.columns * self.slot
        at = self.at(start, end)
        self.asked[:, at] = 0
        for slots in self._held():
            for array in slots.arrays():
                array.clear_columns(at)
        self.changed()

    def erase(self, series_index: SeriesIndex, start: int, end: int) -> None:
        """Have nothing known of a series in (start, end]."""
        for slots in self._held():
            for array in slots.arrays():
                array.clear_row(series_index, self.at(start, end))
        self.changed()

    def clear_series(self, series_index: SeriesIndex) -> None:
        """Forget a series's counts."""
        for slots in self._held():
            for array in slots.arrays():
                array.clear_row(series_index)
        self.changed()

    def grow(self, series: int) -> None:
        """Make room for at least so many series."""
        held = len(self.counts)
        if series <= held:
            return
        room = max(series, held + held // 4)
        for slots in self._held():
            for array in slots.arrays():
                array.grow(room)
        self.changed()

    def merge(self, fine: RingBuffer, start: int, end: int) -> None:
        """Take over a finer ring's slots in (start, end], added up."""
        from_ = fine.at(start, end)
        at = self.at(start, end)
        every = np.arange(len(self.counts))
        shape = len(every), len(at), self.slot // fine.slot
        pairs = [(fine.counts, self.counts)]
        if fine.excluded is not None:
            pairs.append((fine.excluded, self.make_excluded()))
        stands_in = None
        for old, new in pairs:
            slots = old.get(*np.ix_(every, from_))
            merged = Slots(
                slots.bad.reshape(shape).sum(axis=2),
                slots.total.reshape(shape).sum(axis=2),
                slots.known.reshape(shape).mean(axis=2),
            )
            if stands_in is None:
                # What stood in for more than this is not known of it.
                stands_in = merged.known > STANDS_IN
            for array in merged.arrays():
                array[stands_in] = 0
            rows, columns = np.ix_(every, at)
            new.set(rows, columns, merged)
        self.changed()

    def write(
        self,
        series_indices: Sequence[SeriesIndex],
        at: NDArray[np.intp],
        slots: Slots,
        excluded: Slots | None,
    ) -> None:
        """Put slots into the columns `at`; what they tell nothing of keeps what it has."""
        cells = np.asarray(series_indices, dtype=np.intp)[:, None], at[None, :]
        keep = (slots.known <= 0) & (self.counts.known.get(*cells) > 0)
        self.counts.put(*cells, slots, keep)
        if excluded is not None:
            self.make_excluded().put(*cells, excluded, keep)
        elif self.excluded is not None:
            self.excluded.put(*cells, Slots.none(*keep.shape), keep)
        self.changed()

    def make_excluded(self) -> HeldSlots:
        """The part in maintenance windows, made now if there was none."""
        if self.excluded is None:
            self.excluded = HeldSlots(len(self.counts), self.columns, by_slot=self.by_slot)
        return self.excluded
