"""The days that are over: which of them are to be stored, as sums of the ledger's slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.changes import Chunk
from exporter.ledger.history import Stretch
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import CHUNK, FINE_HORIZON
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.types import DAY, SloIndex, enumerate_slos
from exporter.state.series_table import SeriesTable
from exporter.store.stored import ChunkChange


class Days:
    """Tells which days are new, or have changed since they were stored.

    A day is taken once it has left the finest slots: by then it has settled. All that the ledger
    has are taken at the beginning, so an upgrade begins with those. Days whose sums have changed
    since, as history was read or samples came late, are taken again.
    """

    def __init__(self, ledger: Ledger, series_table: SeriesTable, slo_count: int) -> None:
        self._ledger = ledger
        self._series_table = series_table
        self._slo_count = slo_count
        self._since = self._until = 0
        self._seen: NDArray[np.float64] = np.zeros((3, 0))
        self._touched = False
        self._again: set[SloIndex] = set()

    def note(self, chunks: Iterable[Chunk]) -> None:
        """Note chunks whose slots have changed."""
        self._touched |= any(
            chunk.number * CHUNK * self._ledger.levels[chunk.level].slot < self._until
            for chunk in chunks
        )

    def take(self) -> list[ChunkChange]:
        """The days to be stored: those that are new, and those whose slots have changed.

        A change is of 64 days, of which those are known that are in question.
        """
        ledger = self._ledger
        until = (ledger.end - FINE_HORIZON) // DAY * DAY
        oldest = ledger.cover(len(ledger.levels) - 1)[0] // DAY * DAY
        again = self._changed() | self._again
        self._again = set()
        found = list(self._of(sorted(again), oldest, until))
        if until > self._until:
            others = [i for i, _ in enumerate_slos(range(self._slo_count)) if i not in again]
            found += self._of(others, max(oldest, self._until), until)
            # Two days less: the oldest leave the ledger before the next day is over.
            self._since, self._until = min(oldest + 2 * DAY, until), until
            self._seen = self._totals()
        return found

    def _changed(self) -> set[SloIndex]:
        """The SLOs of which days that were taken have changed.

        Slots that merge change their chunks as well, but no sum.
        """
        if not self._touched:
            return set()
        self._touched = False
        now, seen = self._totals(), self._seen
        self._seen = now
        before = np.full_like(now, np.nan)
        before[:, : seen.shape[1]] = seen[:, : now.shape[1]]
        off = ~np.isclose(now, before, rtol=1e-9, atol=1e-6).all(axis=0)
        entries = self._series_table.entries
        return {entries[series_index].slo_index for series_index in np.flatnonzero(off).tolist()}

    def _totals(self) -> NDArray[np.float64]:
        """What is known of all days that were taken: three sums x series."""
        if self._since >= self._until:
            return np.zeros((3, self._ledger.series_count))
        sums = self._ledger.between(self._since, self._until)
        return np.stack([sums.bad, sums.total, sums.known])

    def give_back(self, changes: Sequence[ChunkChange]) -> None:
        """Note again what could not be stored."""
        self._again |= {change.slo_index for change in changes}

    def give_all_back(self) -> None:
        """Note that nothing is stored."""
        self._until = 0

    def _of(self, slo_indices: Sequence[SloIndex], start: int, until: int) -> Iterator[ChunkChange]:
        series = [self._series_table.indices(slo_index) for slo_index in slo_indices]
        flat = np.array([each for own in series for each in own], dtype=np.intp)
        if not flat.size or start >= until:
            return
        length = CHUNK * DAY
        for number in range(start // length, -(-until // length)):
            low, high = max(start, number * length), min(until, (number + 1) * length)
            slots = self._sums(flat, low, high, excluded=False)
            out = self._sums(flat, low, high, excluded=True) if self._ledger.excludes else None
            first = 0
            for slo_index, own in zip(slo_indices, series, strict=True):
                at = slice(first, first + len(own))
                first += len(own)
                stretch = _stretch(low, slots, out, at)
                if stretch is not None:
                    groups = self._series_table.groups(slo_index)
                    yield ChunkChange(slo_index, number, groups, stretch)

    def _sums(self, series: NDArray[np.intp], low: int, high: int, *, excluded: bool) -> Slots:
        """The days of (low, high] of some series: series x days."""
        sums = [
            self._ledger.between(at, at + DAY, excluded=excluded, series_indices=series)
            for at in range(low, high, DAY)
        ]
        return Slots(
            np.stack([each.bad for each in sums], axis=1),
            np.stack([each.total for each in sums], axis=1),
            np.stack([each.known for each in sums], axis=1).astype(np.float32),
        )


def _stretch(start: int, slots: Slots, out: Slots | None, at: slice) -> Stretch | None:
    """The days of one SLO; None if nothing is known of them."""
    own = Slots(*(array[at] for array in slots.arrays()))
    if not (own.known > 0).any():
        return None
    left_out = None if out is None else Slots(*(array[at] for array in out.arrays()))
    if left_out is not None and not (left_out.known > 0).any():
        left_out = None
    settled = np.full(own.bad.shape[1], SlotStatus.SETTLED, dtype=np.uint8)
    return Stretch(DAY, start, own, left_out, settled)
