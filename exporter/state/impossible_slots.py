"""The finest slots whose counts cannot be, taken out of the ledger as it fills.

Counters of different metrics may be read a scrape apart, so one slot proves nothing. The slots of
a whole middle slot (five minutes) do: if together they cannot be, none of them is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import middle_slot
from exporter.slo.durations import format_duration
from exporter.slo.plausible import impossible, in_words
from exporter.slo.types import Group, SeriesIndex, SloIndex


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
        block, low = self._block, self._ledger.cover(0)[0]
        first = max(span.start - span.start % block, low - low % -block)
        for start in range(first, span.end - block + 1, block):
            self._judge(slo_index, series, start, slack)

    def _judge(
        self, slo_index: SloIndex, series: Mapping[Group, SeriesIndex], start: int, slack: float
    ) -> None:
        end, groups = start + self._block, list(series)
        at = np.array(list(series.values()), dtype=np.intp)
        sums = self._ledger.between(start, end, series_indices=at)
        length = self._block * float(sums.known.max(initial=0.0))
        for i in np.flatnonzero(impossible(sums.bad, sums.total, length, slack)).tolist():
            self._ledger.erase(slo_index, series[groups[i]], start, end)
            words = in_words(sums.bad[i], sums.total[i], format_duration(self._block))
            key = slo_index, groups[i]
            self._newest[key] = max(self._newest.get(key, (0, "")), (end, words))

    def newest(self, since: float) -> dict[SloIndex, dict[Group, str]]:
        """What could not be about each group's newest that ended after `since` (Unix seconds)."""
        found: dict[SloIndex, dict[Group, str]] = defaultdict(dict)
        for (slo_index, group), (end, words) in self._newest.items():
            if end > since:
                found[slo_index][group] = words
        return dict(found)
