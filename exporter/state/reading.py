"""How far the past has been read, what is read next, and long slots that stand in meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from exporter.collection import pending
from exporter.collection.blocks import LongSlots
from exporter.collection.reading_order import OddBlocks, Step, Wanted, next_step
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.model import Slo
from exporter.slo.types import Bools, SloIndex
from exporter.slo.windows import windows
from exporter.state.series_table import SeriesTable
from exporter.state.settling import Settling

LEAST_REACH = 600
"""Seconds back that slots are polled at the least: the shortest window and what settles."""


def reach_of(ledger: Ledger, slo_count: int, most_fine: int) -> int | None:
    """How many seconds back slots are polled, if a poll asks for so many slots of all SLOs.

    None if that is all of the finest slots.
    """
    finest = ledger.levels[0]
    seconds = most_fine // max(1, slo_count) * finest.slot
    return None if seconds >= finest.horizon else max(LEAST_REACH, seconds, 2 * finest.slot)


class Reading:
    """The history of some SLOs.

    Args:
        slos: the SLOs.
        ledger: where the slots are; `series` tells whose each series is.
        series: the series of each SLO.
        settling: tells which of the finest slots are history.
        longest: how far back each SLO goes, in seconds.
        in_long: whether longer slots stand in for others, where they can.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        ledger: Ledger,
        series: SeriesTable,
        settling: Settling,
        *,
        longest: Sequence[int],
        in_long: bool,
    ) -> None:
        self._slos = slos
        self._ledger = ledger
        self._series = series
        self._settling = settling
        self._longest = longest
        # What composites are made of is read in slots that can be put together.
        parts = {part.name for slo in slos for part in slo.parts}
        plain = [
            not (slo.group_by or slo.timeslices or slo.maintenance or slo.full_name in parts)
            for slo in slos
        ]
        self._long = np.array(plain, dtype=np.bool_) & in_long
        self._odd = OddBlocks(len(slos))
        self._kinds = {(slo.period, slo.alerting.windows) for slo in slos}

    def next(self, left_out: Collection[SloIndex]) -> Step | None:
        """What to ask for next, but for SLOs that are `left_out`; None if nothing is missing."""
        at = self._ledger.end
        edges = {
            at - length
            for period, lengths in self._kinds
            for _, length in windows(period, at, lengths)
        }
        wanted = Wanted(self._longest, self._settling.begin(), left_out, self._long, edges)
        return next_step(self._ledger, wanted, self._odd)

    def progress(self) -> float:
        """The share of the history wanted that was asked for: 1 when nothing is missing."""
        return pending.progress(self._ledger, self._longest, self._settling.begin())

    def unread(self, longest: Sequence[int] | None = None) -> Bools:
        """Which SLOs miss slots of their period, or of the last so many seconds."""
        return pending.unread(self._ledger, longest or self._longest, self._settling.begin())

    def record_long(
        self,
        level: int,
        span: SlotRange,
        asked: Sequence[SloIndex],
        found: Sequence[LongSlots],
    ) -> None:
        """Let the slots of a span stand in for those of a level.

        Those that cannot, of all SLOs that were `asked`, are noted: they are not tried again.
        """
        all_asked = np.array(asked, dtype=np.intp)
        series = np.array([self._series.indices(s)[0] for s in asked], dtype=np.intp)
        self._ledger.stand_ins.withdraw_runs(level, all_asked, series, span.start, span.end)
        for each in found:
            at = np.array(each.slo_indices, dtype=np.intp)
            series = np.array([self._series.indices(s)[0] for s in each.slo_indices], dtype=np.intp)
            known = ~np.isnan(each.total)
            slots = Slots(
                np.where(known, each.bad, 0.0),
                np.where(known, each.total, 0.0),
                known.astype(np.float64),
            )
            self._ledger.stand_ins.put(
                level, at, series, span.start, slots, chosen=~each.odd, length=span.slot
            )
        self._odd.forget_before(self._ledger)
        low, high = self._ledger.cover(level)
        slots_asked, slot = self._ledger.asked(level)[list(asked)], self._ledger.levels[level].slot
        for start in range(span.start, span.end, span.slot):
            if low <= start and start + span.slot <= high:
                first = slots_asked[:, (start - low) // slot]
                self._odd.note(level, start, span.slot, first != SlotStatus.STAND_IN, asked)
