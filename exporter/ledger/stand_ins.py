"""Longer slots that stand in for several of a level until these are read.

Reading a month slot by slot takes minutes where SLOs are many, and a day of it is one slot to
Prometheus if nothing odd happened. So long slots are read first. One is kept in the first of those
that it stands in for, with all of its events, and a known share of as many slots; the others hold
nothing. So sums are exact: a window that an edge of cuts it is without it, and its coverage says
so. It goes as a whole, the moment that one of its slots is written.

Most are *blocks*, which have one length per level. A *run* is longer: it stands in for many blocks,
and goes when one of these comes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.levels import block_of
from exporter.ledger.rings import Rings
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import STANDS_IN, Slots
from exporter.slo.types import Bools


class StandIns:
    """Those of a ledger's levels; each SLO that has any has one series.

    All times are Unix seconds. `blocks` are their lengths, by level.
    """

    def __init__(self, time: Rings) -> None:
        self._time = time
        self.blocks = [block_of(time.levels, level) for level in range(len(time.levels))]
        self._runs: list[dict[tuple[int, int], Bools]] = [{} for _ in time.levels]

    def put(
        self,
        level: int,
        slo_indices: NDArray[np.intp],
        series_indices: NDArray[np.intp],
        start: int,
        slots: Slots,
        *,
        chosen: Bools,
        length: int | None = None,
    ) -> None:
        """Let the chosen ones of some long slots, which follow `start`, stand in for their slots.

        Those of which anything was asked for or is known stay as they are.

        Args:
            level: whose slots they stand in for.
            slo_indices: SLOs.
            series_indices: the only series of each.
            start: a boundary of blocks.
            slots: the counts: SLOs x long slots.
            chosen: which of them to put: SLOs x long slots.
            length: how long they are, in seconds; by default they are blocks.
        """
        block, ring = length or self.blocks[level], self._time.rings[level]
        low, high = self._time.cover(level)
        # Time has gone on since they were asked for.
        first = max(0, -((start - low) // block))
        last = min(chosen.shape[1], (high - start) // block)
        if first >= last:
            return
        inside, size = slice(first, last), block // ring.slot
        at = ring.at(start + first * block, start + last * block)
        shape = (len(slo_indices), last - first, size)
        asked = ring.asked[np.ix_(slo_indices, at)].reshape(shape)
        known = ring.counts.known.get(*np.ix_(series_indices, at)).reshape(shape)
        free = ((asked == SlotStatus.NO) & (known <= 0)).all(axis=2) & chosen[:, inside]
        rows, columns = np.nonzero(free)
        places = series_indices[rows], at[::size][columns]
        found = slots.part(inside)
        bad, total, share = (array[rows, columns] for array in found.arrays())
        ring.counts.set(*places, Slots(bad, total, share.astype(np.float32) * size))
        ring.changed()
        for i in range(size):
            ring.asked[slo_indices[rows], at[i::size][columns]] = SlotStatus.STAND_IN
        if block != self.blocks[level]:
            for column in np.unique(columns).tolist():
                begin = start + (first + column) * block
                run = self._runs[level].setdefault(
                    (begin, begin + block), np.zeros(len(ring.asked), dtype=np.bool_)
                )
                run[slo_indices[rows[columns == column]]] = True

    def in_runs(self, level: int) -> Bools:
        """For which of a level's slots a run stands in: SLOs x slots that are covered."""
        ring, (low, high) = self._time.rings[level], self._time.cover(level)
        found = np.zeros((len(ring.asked), (high - low) // ring.slot), dtype=np.bool_)
        for (start, end), slos in self._runs[level].items():
            inside = slice(max(0, start - low) // ring.slot, max(0, end - low) // ring.slot)
            found[slos, inside] = True
        if self._runs[level]:
            found &= ring.asked[:, ring.at(low, high)] == SlotStatus.STAND_IN
        return found

    def withdraw_runs(
        self,
        level: int,
        slo_indices: NDArray[np.intp],
        series_indices: NDArray[np.intp],
        start: int,
        end: int,
    ) -> None:
        """Take away the runs that stand in for anything between two moments."""
        runs, ring = self._runs[level], self._time.rings[level]
        had_any, low = bool(runs), self._time.cover(level)[0]
        for run in [run for run in runs if run[1] <= low]:  # time has gone on
            del runs[run]
        for run in [run for run in runs if run[0] < end and start < run[1]]:
            of_run = runs[run][slo_indices]
            runs[run][slo_indices] = False
            if not runs[run].any():
                del runs[run]
            if of_run.any():
                self._take_away(level, slo_indices[of_run], series_indices[of_run], *run)
        if had_any and not runs:  # their counts, and how many slots they were, are large
            ring.counts.narrow()

    def withdraw(
        self,
        level: int,
        slo_indices: NDArray[np.intp],
        series_indices: NDArray[np.intp],
        start: int,
        count: int,
    ) -> None:
        """Take away those that stand in for any of `count` slots that follow `start`.

        Their slots are as if they had never been asked for. `series_indices` are the first series
        of each SLO: others have none.
        """
        block = self.blocks[level]
        end = start + count * self._time.rings[level].slot
        self.withdraw_runs(level, slo_indices, series_indices, start, end)
        start, end = start - start % block, end - end % -block
        self._take_away(level, slo_indices, series_indices, start, end)

    def _take_away(
        self,
        level: int,
        slo_indices: NDArray[np.intp],
        series_indices: NDArray[np.intp],
        start: int,
        end: int,
    ) -> None:
        ring, (low, high) = self._time.rings[level], self._time.cover(level)
        start, end = max(low, start), min(high, end)
        if start >= end:
            return
        at = ring.at(start, end)
        stands_in = ring.asked[np.ix_(slo_indices, at)] == SlotStatus.STAND_IN
        if not stands_in.any():
            return
        rows, columns = np.nonzero(stands_in)
        ring.asked[slo_indices[rows], at[columns]] = SlotStatus.NO
        ring.counts.clear(series_indices[rows], at[columns])
        ring.changed()

    @staticmethod
    def spread(slots: Slots) -> Slots:
        """Slots of a level as a chart shows them: what stands in for several is all of them."""
        places = np.argwhere(slots.known > STANDS_IN).tolist()
        if not places:
            return slots
        spread = Slots(*(array.copy() for array in slots.arrays()))
        for series, column in places:
            size = round(float(slots.known[series, column]))
            for array in spread.arrays():
                array[series, column : column + size] = array[series, column] / size
        return spread
