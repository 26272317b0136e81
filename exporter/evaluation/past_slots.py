"""What was in rolling periods, read from the ledger for many series at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.slo.leaving import Slots
from exporter.slo.types import Floats, SeriesIndex


class PastSlots:
    """Implements `leaving.Past`; places are series. Maintenance windows are left out."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def slots(self, places: Sequence[int], since: int, length: float) -> Slots:
        """The slots that end after `since`, as far as they begin within `length` seconds."""
        series = [SeriesIndex(place) for place in places]
        starts, ends, bad, total, _ = self._ledger.slots_since(series, since, since + length)
        return Slots(starts.astype(np.float64), ends.astype(np.float64), bad, total)

    def sums(self, places: Sequence[int], edges: Floats) -> tuple[Floats, Floats]:
        """Bad and all events between neighbouring edges: series x spans."""
        at = np.asarray(places, dtype=np.intp)
        found = []
        for start, end in pairwise(edges.astype(np.int64).tolist()):
            sums = self._ledger.between(start, end, series_indices=at)
            if self._ledger.excludes:
                out = self._ledger.between(start, end, excluded=True, series_indices=at)
                sums = sums.without(out)
            found.append((sums.bad, sums.total))
        bad, total = np.array(found).transpose(1, 2, 0)
        return bad, total
