"""What was answered for an SLO that is read again goes into the ledger, but for what that is right
about; and tiers are replayed from what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.types import HOUR, Bools, SeriesIndex, SloIndex
from exporter.state.impossible_slots import ImpossibleSlots
from exporter.state.policy_records import PolicyRecords
from exporter.state.rebuild_work import Rebuild, Rebuilt
from exporter.state.right_slots import Answer, DeferredAnswer, right_slots
from exporter.state.series_table import SeriesTable


class RebuildWriting:
    """Writes into `ledger`, whose series `series` tells.

    Args:
        ledger: where the slots are.
        series: the series of each SLO.
        slots_of: makes slots of an answer to an SLO, and those of them that maintenance excludes.
        policy_records: what is replayed.
        impossible: takes out what cannot be.
        slack: how many seconds of events the counters of an SLO may be apart.
        lookbacks: how far each SLO's counters are looked for, in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        series: SeriesTable,
        slots_of: Callable[[SloIndex, SlotRange, Answer], tuple[Slots, Slots | None]],
        policy_records: PolicyRecords,
        impossible: ImpossibleSlots,
        *,
        slack: Callable[[SloIndex], float],
        lookbacks: Sequence[int],
    ) -> None:
        self._ledger = ledger
        self._series = series
        self._slots_of = slots_of
        self._policy_records = policy_records
        self._impossible = impossible
        self._slack = slack
        self._lookbacks = lookbacks

    def write(self, slo_index: SloIndex, rebuild: Rebuild) -> Rebuilt:
        """Write down what was answered for an SLO."""
        ledger = self._ledger
        deferred = [each for each in rebuild.answers if each.span.count > 0]
        for each in deferred:
            self._series.make_room(slo_index, each.answer)
        series = self._series.indices(slo_index)
        if not series or not deferred:
            return Rebuilt(slo_index, rebuild.since, rebuild.until, 0.0, 0.0, None)
        before = self._held(series)
        for each in deferred:
            own = np.array([slo_index]), np.array(series[:1])
            ledger.stand_ins.withdraw(each.level, *own, each.span.start, each.span.count)
        answers = [self._slots_of(slo_index, each.span, each.answer) for each in deferred]
        held = [
            ledger.held(each.level, series, each.span.start, each.span.count) for each in deferred
        ]
        right = right_slots(
            deferred, [slots for slots, _ in answers], held, self._lookbacks[slo_index]
        )
        for each, (slots, excluded), write in zip(deferred, answers, right, strict=True):
            self._write_one(slo_index, each, slots, excluded, write)
        return self._rebuilt(slo_index, rebuild, before, self._held(series))

    def _write_one(
        self,
        slo_index: SloIndex,
        of: DeferredAnswer,
        slots: Slots,
        excluded: Slots | None,
        write: Bools,
    ) -> None:
        ledger, span, table = self._ledger, of.span, self._series
        series = table.indices(slo_index)
        chosen = replace(slots, known=np.where(write, slots.known, 0))
        ledger.write(of.level, series, span.start, chosen, excluded)
        slack = self._slack(slo_index)
        if of.level == 0 and slack:
            of_group = dict(zip(table.groups(slo_index), series, strict=True))
            self._impossible.take_out(slo_index, of_group, span, slack)
        settled = np.full(span.count, SlotStatus.SETTLED, dtype=np.uint8)
        ledger.mark(of.level, slo_index, span.start, settled)

    def _held(self, series: Sequence[SeriesIndex]) -> list[Slots]:
        levels = range(len(self._ledger.levels))
        return [self._ledger.read_series(level, series)[0] for level in levels]

    def _rebuilt(
        self, slo_index: SloIndex, of: Rebuild, before: Sequence[Slots], after: Sequence[Slots]
    ) -> Rebuilt:
        ledger, first, bad, total = self._ledger, None, 0.0, 0.0
        for level, (old, new) in enumerate(zip(before, after, strict=True)):
            pairs = list(zip(old.arrays(), new.arrays(), strict=True))
            other = np.any([(was != now).any(axis=0) for was, now in pairs], axis=0)
            if other.any():
                at = ledger.cover(level)[0] + int(other.argmax()) * ledger.levels[level].slot
                first = at if first is None else min(first, at)
            bad += float((new.bad - old.bad).sum())
            total += float((new.total - old.total).sum())
        replayed = None if first is None else self._replay(slo_index, first)
        return Rebuilt(slo_index, of.since, of.until, bad, total, replayed)

    def _replay(self, slo_index: SloIndex, moment: int) -> int | None:
        """Have tiers replayed from a moment on, or from the first that there are fine slots for."""
        oldest = self._ledger.cover(0)[0]
        for at in range(max(moment, oldest), self._ledger.end + HOUR, HOUR):
            replayed = self._policy_records.go_back(slo_index, at, oldest)
            if replayed is not None:
                return replayed
        return None
