"""Slots that are older than the finest: their samples may come days after they were counted.

Blocks are backfilled, a shard comes back after days, a store is restored. Counting all samples
of a period again and again would cost more than all else. So it is asked how many series there are
at some moments of every six hours: often at few, and seldom at many. It takes a sample of each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from exporter.collection.pending import Requests
from exporter.collection.slot_range import SlotRange
from exporter.ledger.checksums import BLOCK
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import FINE_HORIZON
from exporter.slo.types import DAY, HOUR, Floats, SloIndex
from exporter.state.series_table import SeriesTable

SEEN = 300
"""Seconds that Prometheus looks back for a sample at a moment."""

USUAL = 30 * DAY
"""How far back one looks within a pass's time; further back it takes so much longer."""

WHOLE = 0.999
"""The known share of a block from which on there is no hole in it."""


@dataclass(frozen=True, slots=True)
class Pass:
    """How often one looks at all blocks, and how far apart at which moments of them, in seconds."""

    step: int
    every: int


PASSES = (Pass(step=BLOCK, every=HOUR), Pass(step=900, every=DAY))


@dataclass(slots=True)
class _Cursor:
    """Where a pass over the SLOs of one datasource is: the next day; None between two passes."""

    at: int | None = None
    begins: int = 0
    began: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class LateBlock:
    """Slots of an SLO in (start, end], Unix seconds, for which samples came after the counting."""

    slo_index: SloIndex
    start: int
    end: int


@dataclass(slots=True)
class PastDays:
    """What was seen of the past, and when one looks at it again.

    Args:
        ledger: where the slots are; `series` tells whose each series is.
        series: the series of each SLO.
        longest: how far back each SLO's slots are needed, in seconds.
    """

    ledger: Ledger
    series: SeriesTable
    longest: Sequence[int]
    _cursors: dict[tuple[str, int], _Cursor] = field(default_factory=dict)
    _seen: dict[tuple[int, int], Floats] = field(default_factory=dict)
    _tried: dict[tuple[SloIndex, int], tuple[int, int]] = field(default_factory=dict)

    def look_soon(self, datasource: str) -> None:
        """Have all blocks looked at from now on: something has come, or somebody is back."""
        for each in PASSES:
            cursor = self._cursors.get((datasource, each.step))
            if cursor is not None:
                cursor.at, cursor.begins = None, 0

    def due(self, datasource: str, slo_indices: Collection[SloIndex]) -> Requests:
        """Which moments are looked at next, of which of a datasource's SLOs: one day of a pass.

        Each slot of the span stands for the moment that it ends at.
        """
        end = self.ledger.end
        newest = (end - FINE_HORIZON) // BLOCK * BLOCK
        reach = max((self.longest[s] for s in slo_indices), default=0)
        oldest = max(self.ledger.cover(len(self.ledger.levels) - 1)[0], end - reach)
        oldest = -(-oldest // BLOCK) * BLOCK
        for each in PASSES:
            cursor = self._cursors.setdefault((datasource, each.step), _Cursor())
            if cursor.at is None or cursor.at <= oldest or cursor.at > newest:
                if cursor.at is not None and cursor.at <= oldest:
                    cursor.begins = cursor.began + each.every * max(USUAL, reach) // USUAL
                cursor.at = None
                if cursor.begins > end + each.every * max(USUAL, reach) // USUAL:
                    cursor.begins = end  # the clock was set back
                if end < cursor.begins or newest <= oldest:
                    continue
                cursor.at, cursor.began, cursor.number = newest, end, cursor.number + 1
                self._forget(oldest)
            start = max(oldest, (cursor.at - 1) // DAY * DAY)
            span = SlotRange(start, cursor.at, each.step)
            cursor.at = start
            those = [s for s in sorted(slo_indices) if end - self.longest[s] < span.end]
            if those:
                return {span: those}
        return {}

    def _forget(self, oldest: int) -> None:
        for step, start in [key for key in self._seen if key[1] < oldest]:
            del self._seen[step, start]
        for slo_index, start in [key for key in self._tried if key[1] < oldest]:
            del self._tried[slo_index, start]

    def compare(
        self, datasource: str, span: SlotRange, found: Mapping[SloIndex, Floats | None]
    ) -> list[LateBlock]:
        """Compare the series that there are now with those that there were.

        Args:
            datasource: who was asked.
            span: the moments.
            found: how many series each SLO has at each moment; NaN where it is not told. None for
                SLOs without any to tell by: their holes are read again, ever less often.

        Returns:
            The blocks for which there are more, or for which there are any though the ledger has
            nothing. Fewer are no reason: Prometheus forgets.
        """
        late = []
        own = np.array([s for s in found if self.series.indices(s)], dtype=np.intp)
        for start in range(span.start, span.end, BLOCK):
            known = self._known(own, start)
            seen = self._seen.setdefault(
                (span.slot, start), np.full(len(self.longest), np.nan, dtype=np.float64)
            )
            first = (start - span.start) // span.slot
            for slo_index, counts in found.items():
                if counts is None:
                    more = known.get(slo_index, 1.0) < WHOLE and self._tries(
                        datasource, span.slot, slo_index, start
                    )
                else:
                    there = counts[first : first + BLOCK // span.slot]
                    if np.isnan(there).any():
                        continue
                    before = float(seen[slo_index])
                    seen[slo_index] = np.nanmax([before, there.sum()])
                    if np.isnan(before):
                        # Nobody has looked: what the ledger has nothing of may be there by now.
                        hole = known.get(slo_index, 0.0) < WHOLE
                        more = hole and self._misses(slo_index, start, span.slot, there)
                    else:
                        more = bool(there.sum() > before)
                if more:
                    late.append(LateBlock(slo_index, start, start + BLOCK))
        return late

    def _misses(self, slo_index: SloIndex, start: int, step: int, there: Floats) -> bool:
        """Whether there are series at moments of which the ledger has nothing."""
        series = np.array(self.series.indices(slo_index), dtype=np.intp)
        ends = (start + step * (1 + np.flatnonzero(there))).tolist()
        return bool(ends) and not all(
            self.ledger.between(end - SEEN, end, series_indices=series).known.any() for end in ends
        )

    def _known(self, slo_indices: Collection[int], start: int) -> dict[SloIndex, float]:
        """The known share of a block, by SLO; of the group of which most is known."""
        if not len(slo_indices):
            return {}
        shares = self.ledger.between(start, start + BLOCK).known
        return {
            SloIndex(int(s)): float(shares[self.series.indices(SloIndex(int(s)))].max())
            for s in slo_indices
        }

    def _tries(self, datasource: str, step: int, slo_index: SloIndex, start: int) -> bool:
        """Whether a hole of which nothing can be told is read again in this pass."""
        series = np.array(self.series.indices(slo_index), dtype=np.intp)
        began = self.ledger.end - self.longest[slo_index]
        if step != PASSES[-1].step or not (
            self.ledger.between(began, start, series_indices=series).known.any()
        ):
            return False  # not the pass for it, or there was nothing yet
        number = self._cursors[datasource, step].number
        then, pause = self._tried.get((slo_index, start), (number, 1))
        if number < then:
            return False
        self._tried[slo_index, start] = number + pause, 2 * pause
        return True

    def follow(self, slo_index: SloIndex, old: PastDays, before: SloIndex) -> None:
        """Go on with what another state has seen of an SLO, which was `before` there."""
        for key, counts in old._seen.items():
            nothing = np.full(len(self.longest), np.nan, dtype=np.float64)
            self._seen.setdefault(key, nothing)[slo_index] = counts[before]
        self._tried |= {
            (slo_index, start): each for (s, start), each in old._tried.items() if s == before
        }
        for name, cursor in old._cursors.items():
            self._cursors.setdefault(name, cursor)
