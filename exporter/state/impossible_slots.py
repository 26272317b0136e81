"""The finest slots whose counts cannot be, taken out of the ledger as it fills.

Counters of different metrics may be read a scrape apart, so one slot proves nothing. The slots of
a whole middle slot (five minutes) do: if together they cannot be, none of them is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import middle_slot
from exporter.slo.durations import format_duration
from exporter.slo.plausible import impossible, in_words
from exporter.slo.types import Bools, Group, SeriesIndex, SloIndex
from exporter.slo.windows import WindowSums


class ImpossibleSlots:
    """Takes them out, and remembers the newest of each group."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._block = middle_slot(ledger.interval)
        self._newest: dict[tuple[SloIndex, Group], tuple[int, str]] = {}

    def take_out(
        self,
        slo_index: SloIndex,
        series: Mapping[Group, SeriesIndex],
        span: SlotRange,
        slack: float,
    ) -> None:
        """Judge the middle slots that a span of the finest slots has filled or changed."""
        at = np.array(list(series.values()), dtype=np.intp)
        owners = [(slo_index, group) for group in series]
        for start in self._filled(span):
            sums = self._ledger.between(start, start + self._block, series_indices=at)
            length = self._block * float(sums.known.max(initial=0.0))
            cannot_be = impossible(sums.bad, sums.total, length, slack)
            self._erase(owners, at, start, sums, cannot_be)

    def take_out_all(
        self,
        slo_indices: Sequence[SloIndex],
        series_indices: Sequence[SeriesIndex],
        span: SlotRange,
        slack_of: Callable[[SloIndex], float],
    ) -> None:
        """The same for many SLOs that have one series each; those without slack are left out."""
        starts = self._filled(span)
        if not starts:
            return
        slack = np.array([slack_of(slo_index) for slo_index in slo_indices], dtype=np.float64)
        chosen = np.flatnonzero(slack > 0)
        if not chosen.size:
            return
        at, slack = np.asarray(series_indices, dtype=np.intp)[chosen], slack[chosen]
        owners: list[tuple[SloIndex, Group]] = [(slo_indices[i], ()) for i in chosen.tolist()]
        for start in starts:
            sums = self._ledger.between(start, start + self._block, series_indices=at)
            cannot_be = impossible(sums.bad, sums.total, self._block * sums.known, slack)
            self._erase(owners, at, start, sums, cannot_be)

    def _filled(self, span: SlotRange) -> range:
        """Where the middle slots begin that a span has filled or changed."""
        block, low = self._block, self._ledger.cover(0)[0]
        first = max(span.start - span.start % block, low - low % -block)
        return range(first, span.end - block + 1, block)

    def _erase(
        self,
        owners: Sequence[tuple[SloIndex, Group]],
        series_indices: NDArray[np.intp],
        start: int,
        sums: WindowSums,
        cannot_be: Bools,
    ) -> None:
        end = start + self._block
        for i in np.flatnonzero(cannot_be).tolist():
            series_index = SeriesIndex(int(series_indices[i]))
            self._ledger.erase(owners[i][0], series_index, start, end)
            words = in_words(sums.bad[i], sums.total[i], format_duration(self._block))
            self._newest[owners[i]] = max(self._newest.get(owners[i], (0, "")), (end, words))

    def newest(self, since: float) -> dict[SloIndex, dict[Group, str]]:
        """What could not be about each group's newest that ended after `since` (Unix seconds)."""
        found: dict[SloIndex, dict[Group, str]] = defaultdict(dict)
        for (slo_index, group), (end, words) in self._newest.items():
            if end > since:
                found[slo_index][group] = words
        return dict(found)
