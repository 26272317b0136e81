"""Answers on their way into the ledger: SLO by SLO, or many SLOs in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.collection.blocks import Block
from exporter.collection.lateness import Arrivals
from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots, stacked
from exporter.slo.model import Slo
from exporter.slo.types import Bools, Floats, Group, SloIndex
from exporter.state.impossible_slots import ImpossibleSlots
from exporter.state.series_table import SeriesTable
from exporter.state.settling import Settling


class GroupSlots:
    """Makes slots of answers, in the order of the series that SLOs have for their groups."""

    def __init__(self, slos: Sequence[Slo], series: SeriesTable) -> None:
        self._slos = slos
        self.series = series

    def has_more(self, slo_index: SloIndex) -> bool:
        """Whether an SLO may have more than one series, or slots that maintenance excludes."""
        return bool(self._slos[slo_index].group_by or self._slos[slo_index].maintenance)

    def of(
        self, slo_index: SloIndex, span: SlotRange, answer: Mapping[Group, Resampled]
    ) -> tuple[Slots, Slots | None]:
        """An answer as slots of all series of an SLO, and what maintenance excludes of them."""
        absent = Slots.none(1, span.count)
        parts = [answer.get(group) for group in self.series.groups(slo_index)]
        slots = stacked([part.slots if part else absent for part in parts])
        if not self._slos[slo_index].maintenance:
            return slots, None
        return slots, stacked([part.excluded or absent if part else absent for part in parts])


@dataclass(frozen=True, slots=True)
class Ages:
    """When slots settle, and until when each SLO's are `answered` for (Unix seconds)."""

    settling: Settling
    arrivals: Arrivals
    answered: Floats


class Recording:
    """Writes answers into a ledger, and notes what is known of their slots by now.

    `slack` tells how many seconds of events the counters of an SLO may be apart.
    """

    def __init__(
        self,
        ledger: Ledger,
        groups: GroupSlots,
        impossible: ImpossibleSlots,
        *,
        slack: Callable[[SloIndex], float],
        ages: Ages,
    ) -> None:
        self._ledger = ledger
        self._groups = groups
        self._impossible = impossible
        self._slack = slack
        self._ages = ages

    def record(
        self,
        level: int,
        slo_index: SloIndex,
        span: SlotRange,
        answer: Mapping[Group, Resampled],
        settled_until: float,
    ) -> str | None:
        """Write an answer down; what ended by `settled_until` (Unix seconds) is settled.

        Returns:
            What is wrong, in words for the SLO's owner, if some groups are left out.
        """
        table = self._groups.series
        left_out = table.make_room(slo_index, answer)
        series = table.indices(slo_index)
        known = np.zeros(span.count, dtype=np.bool_)
        if series:
            stand_ins = self._ledger.stand_ins
            of_slo = np.array([slo_index]), np.array(series[:1])
            stand_ins.withdraw(level, *of_slo, span.start, span.count)
            slots, excluded = self._groups.of(slo_index, span, answer)
            known = np.asarray((slots.known > 0).any(axis=0))
            self._ledger.write(level, series, span.start, slots, excluded)
            if level == 0 and self._slack(slo_index):
                of_group = dict(zip(table.groups(slo_index), series, strict=True))
                self._impossible.take_out(slo_index, of_group, span, self._slack(slo_index))
        self._mark(level, [slo_index], span, known.reshape(1, -1), settled_until)
        return left_out

    def alone(self, slo_index: SloIndex) -> bool:
        """Whether an SLO's answers are written down by themselves: it has groups, or windows."""
        return self._groups.has_more(slo_index)

    def record_all(
        self,
        level: int,
        answers: Mapping[SloIndex, Mapping[Group, Resampled]],
        span: SlotRange,
        settled_until: float,
    ) -> None:
        """Write down answers of SLOs that need not be written `alone`; as `record` does of each."""
        absent = Slots.none(1, span.count)
        slots = [answer[()].slots if answer else absent for answer in answers.values()]
        self._write_all(level, list(answers), stacked(slots), span, settled_until)

    def record_block(self, level: int, block: Block, span: SlotRange, settled_until: float) -> None:
        """The same of answers that are a block."""
        known = ~np.isnan(block.total)
        bad, total = (np.where(known, each, 0.0) for each in (block.bad, block.total))
        slots = Slots(bad, total, known.astype(np.float64))
        self._write_all(level, block.slo_indices, slots, span, settled_until)

    def _write_all(
        self,
        level: int,
        slo_indices: Sequence[SloIndex],
        slots: Slots,
        span: SlotRange,
        settled_until: float,
    ) -> None:
        table = self._groups.series
        series = [table.indices(slo_index)[0] for slo_index in slo_indices]
        of_slos = np.asarray(slo_indices, dtype=np.intp), np.asarray(series, dtype=np.intp)
        self._ledger.stand_ins.withdraw(level, *of_slos, span.start, span.count)
        self._ledger.write(level, series, span.start, slots)
        if level == 0:
            self._impossible.take_out_all(slo_indices, series, span, self._slack)
        self._mark(level, slo_indices, span, slots.known > 0, settled_until)

    def _mark(
        self,
        level: int,
        slo_indices: Sequence[SloIndex],
        span: SlotRange,
        known: Bools,
        settled_until: float,
    ) -> None:
        ends = np.arange(span.start + span.slot, span.end + 1, span.slot)
        at = np.asarray(slo_indices, dtype=np.intp)
        statuses = np.where(known, SlotStatus.PROVISIONAL, SlotStatus.EMPTY).astype(np.uint8)
        late = self._ages.settling.later()[at] if level == 0 else np.zeros(len(at))
        statuses[ends <= settled_until - late.reshape(-1, 1)] = SlotStatus.SETTLED
        self._ledger.mark_all(level, at, span.start, statuses)
        if level == 0:
            self._ledger.checksums.forget_uncounted(at, span.start, known)
            end, answered = self._ledger.end, self._ages.answered
            lags = self._ages.arrivals.lags(end)[at]
            answered[at] = np.maximum(answered[at], span.end + lags)
