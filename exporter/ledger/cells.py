"""Single slots as they are held, and which of those that somebody watches have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.rings import Rings
from exporter.ledger.slots import Slots
from exporter.slo.types import SeriesIndex, SloIndex

Columns = NDArray[np.intp]


class Cells:
    """The slots of a ledger. What becomes of `watched` series is noted until it is forgotten."""

    def __init__(self, time: Rings) -> None:
        self._time = time
        self.watched: frozenset[SeriesIndex] = frozenset()
        self._changed: dict[tuple[int, SeriesIndex], list[Columns]] = defaultdict(list)

    def statuses(
        self, level: int, slo_indices: Sequence[SloIndex], start: int, end: int
    ) -> NDArray[np.uint8]:
        """A `SlotStatus` for each of the slots in (start, end] of a level: SLOs x slots."""
        ring = self._time.rings[level]
        at = np.ix_(np.asarray(slo_indices, dtype=np.intp), ring.at(start, end))
        found: NDArray[np.uint8] = ring.asked[at]
        return found

    def slots(
        self, level: int, series_indices: Sequence[SeriesIndex], start: int, end: int
    ) -> Slots:
        """The slots in (start, end] of a level with all of their events: series x slots."""
        ring = self._time.rings[level]
        at = np.ix_(np.asarray(series_indices, dtype=np.intp), ring.at(start, end))
        return Slots(*(array.get(*at).astype(np.float64) for array in ring.counts.arrays()))

    def note(
        self, level: int, series_indices: Sequence[SeriesIndex], at: Columns, slots: Slots
    ) -> None:
        """Note what differs in slots that are about to be written: series x slots."""
        if self.watched.isdisjoint(series_indices) or not at.size:
            return
        rows = [row for row, i in enumerate(series_indices) if i in self.watched]
        cells = np.ix_(np.array([series_indices[row] for row in rows], dtype=np.intp), at)
        differs = np.zeros((len(rows), len(at)), dtype=np.bool_)
        held = self._time.rings[level].counts
        for before, new in zip(held.arrays(), slots.arrays(), strict=True):
            differs |= before.get(*cells) != new[rows]
        for own, row in zip(differs, rows, strict=True):
            if own.any():
                self._changed[level, series_indices[row]].append(at[own])

    def note_erased(self, series_index: SeriesIndex, start: int, end: int) -> None:
        """Note that nothing is known any more of the finest slots in (start, end]."""
        if series_index in self.watched:
            ring = self._time.rings[0]
            self._changed[0, series_index].append(ring.at(start, end))

    def changed(self, level: int, series_indices: Collection[SeriesIndex]) -> NDArray[np.bool_]:
        """Which of the slots that a level covers have changed, of any of some series."""
        ring, cover = self._time.rings[level], self._time.cover(level)
        columns = np.zeros(ring.columns, dtype=np.bool_)
        for series_index in series_indices:
            for at in self._changed.get((level, series_index), ()):
                columns[at] = True
        found: NDArray[np.bool_] = columns[ring.at(*cover)]
        return found

    def forget(self, watched: frozenset[SeriesIndex] | None = None) -> None:
        """Begin again with no changes; from now on of other series, if they are given."""
        self._changed.clear()
        if watched is not None:
            self.watched = watched
