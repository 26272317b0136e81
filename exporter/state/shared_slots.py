"""Slots that others know who share the store: which are looked for there, and which are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from exporter.ledger.history import History, put_together
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import CHUNK
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.model import Slo
from exporter.slo.types import Bools, SeriesIndex, SloIndex, slos_where
from exporter.state.carry_over import Restoring
from exporter.state.series_table import SeriesTable

LATE = 2
"""Intervals that an answer may take: only what is later than that is looked for."""


class SharedSlots:
    """What a ledger takes from others. What it knows itself stays: they know the same of it.

    `units` are what each SLO's spans are made of, and `settle` is how long slots take to settle, in
    seconds.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        ledger: Ledger,
        series: SeriesTable,
        restoring: Restoring,
        *,
        units: Sequence[int],
        settle: float,
    ) -> None:
        self._slos = slos
        self._ledger = ledger
        self._series = series
        self._restoring = restoring
        self._units = units
        self._settle = settle

    def wanted(self) -> dict[SloIndex, list[int]]:
        """The newest two chunks of each SLO (their numbers), if slots in them are overdue.

        Older ones are Prometheus's business: a daemon that starts has read all that is stored.
        """
        ledger = self._ledger
        slot, length = ledger.interval, ledger.interval * CHUNK
        newest = int(ledger.end - self._settle) - LATE * slot
        first = max(ledger.cover(0)[0], (ledger.end // length - 1) * length)
        count = (newest - first) // slot
        if count <= 0:
            return {}
        start = (first - ledger.cover(0)[0]) // slot
        missing = ledger.asked(0)[:, start : start + count] != SlotStatus.SETTLED
        numbers = (first + np.arange(count) * slot) // length
        found: dict[SloIndex, list[int]] = {}
        for slo_index in slos_where(missing.any(axis=1)):
            found[slo_index] = np.unique(numbers[missing[slo_index]]).tolist()
        return found

    def take(self, histories: Mapping[SloIndex, History]) -> None:
        """Take slots that have settled elsewhere, and of which less is known here."""
        for slo_index, history in histories.items():
            slo = self._slos[slo_index]
            if slo.group_by:
                self._series.make_room(slo_index, history.groups)
            reexcluded = self._restoring.reexcluded
            stretches = tuple(
                reexcluded(stretch, slo.maintenance, self._units[slo_index])
                for stretch in history.stretches
            )
            self._take(
                slo_index,
                self._series.indices(slo_index),
                replace(history, stretches=stretches).of_groups(self._series.groups(slo_index)),
            )

    def _take(
        self, slo_index: SloIndex, series_indices: Sequence[SeriesIndex], history: History
    ) -> None:
        ledger = self._ledger
        for level, each in enumerate(ledger.levels):
            own_cut = tuple(one for one in history.stretches if one.slot == each.slot)
            low, high = ledger.cover(level)
            if not own_cut or low >= high or not series_indices:
                continue
            theirs = put_together(replace(history, stretches=own_cut), low, high, each.slot)
            asked = ledger.asked(level, of=slo_index)
            held = ledger.held(level, series_indices, low, len(asked))
            settled = theirs.asked == SlotStatus.SETTLED
            take = settled & (theirs.slots.known > 0) & ~(held & (asked == SlotStatus.SETTLED))
            if take.any():
                self._withdraw(level, slo_index, series_indices, take.any(axis=0))
                asked = ledger.asked(level, of=slo_index)
                slots = replace(theirs.slots, known=np.where(take, theirs.slots.known, 0))
                ledger.write(level, series_indices, low, slots, theirs.excluded)
                chosen = take.any(axis=0)
                statuses = np.where(chosen, np.uint8(SlotStatus.SETTLED), asked)
                ledger.mark(level, slo_index, low, statuses)

    def _withdraw(
        self,
        level: int,
        slo_index: SloIndex,
        series_indices: Sequence[SeriesIndex],
        taken: Bools,
    ) -> None:
        """Take away what stands in for slots that are taken from others."""
        of_slo = np.array([slo_index]), np.array(series_indices[:1])
        stands_in = self._ledger.asked(level, of=slo_index) == SlotStatus.STAND_IN
        low, slot = self._ledger.cover(level)[0], self._ledger.levels[level].slot
        for i in np.flatnonzero(stands_in & taken).tolist():
            self._ledger.stand_ins.withdraw(level, *of_slo, low + i * slot, 1)
