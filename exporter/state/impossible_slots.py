"""The finest slots whose counts cannot be, taken out of the ledger as it fills.

Counters of different metrics may be read a scrape apart, so one slot proves nothing. The slots of
a whole middle slot (five minutes) do: if together they cannot be, none of them is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import middle_slot
from exporter.slo.durations import format_duration
from exporter.slo.plausible import impossible, in_words
from exporter.slo.types import SeriesIndex, SloIndex


class ImpossibleSlots:
    """Takes them out, and remembers the newest of each SLO."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._block = middle_slot(ledger.interval)
        self._newest: dict[SloIndex, tuple[int, str]] = {}

    def take_out(
        self,
        slo_index: SloIndex,
        series_indices: Sequence[SeriesIndex],
        span: SlotRange,
        slack: float,
    ) -> None:
        """Judge the middle slots that a span of the finest slots has filled or changed."""
        block, low = self._block, self._ledger.cover(0)[0]
        first = max(span.start - span.start % block, low - low % -block)
        for start in range(first, span.end - block + 1, block):
            self._judge(slo_index, series_indices, start, slack)

    def _judge(
        self, slo_index: SloIndex, series_indices: Sequence[SeriesIndex], start: int, slack: float
    ) -> None:
        end = start + self._block
        at = np.asarray(series_indices, dtype=np.intp)
        sums = self._ledger.between(start, end, series_indices=at)
        length = self._block * float(sums.known.max(initial=0.0))
        for i in np.flatnonzero(impossible(sums.bad, sums.total, length, slack)).tolist():
            self._ledger.erase(slo_index, series_indices[i], start, end)
            words = in_words(sums.bad[i], sums.total[i], format_duration(self._block))
            self._newest[slo_index] = max(self._newest.get(slo_index, (0, "")), (end, words))

    def newest(self, since: float) -> dict[SloIndex, str]:
        """What could not be about each SLO's newest that ended after `since` (Unix seconds)."""
        return {slo: words for slo, (end, words) in self._newest.items() if end > since}
