"""Checksums of the samples behind the finest slots, as they were when these were counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.levels import FINE_HORIZON
from exporter.ledger.rings import Rings
from exporter.slo.types import HOUR, Bools, Floats, SloIndex

BLOCK = 6 * HOUR
"""Seconds of which the checksums of slots are summed up as these become older than is looked at."""

UNSURE = -1.0
"""A checksum that any other is above: it is not known which samples were counted."""


class NotedChecksums:
    """A checksum for each of the finest slots of each SLO; NaN where there is none.

    Of those that are older than `FINE_HORIZON` there are sums, by block.
    """

    def __init__(self, time: Rings, slo_count: int) -> None:
        self._time = time
        self._checksums = np.full((slo_count, time.rings[0].columns), np.nan)
        self._sums: dict[int, Floats] = {}
        self._summed_until = time.end - FINE_HORIZON

    def advance(self, end: int) -> None:
        """Prepare for time to go on to `end`: sum up what becomes old, and make room for the new.

        To be called before the rings advance.
        """
        ring, before = self._time.rings[0], self._time.end
        end -= end % ring.slot
        if end <= before:
            return
        self._sum_up(end - FINE_HORIZON)
        # A column that comes round again has the checksum of a slot that is long gone.
        new = max(before, end - ring.columns * ring.slot)
        self._checksums[:, ring.at(new, end)] = np.nan

    def _sum_up(self, end: int) -> None:
        """Sum up the slots before `end` that are not yet."""
        low, newest = self._time.cover(0)
        start, until = max(self._summed_until, low), min(end, newest)
        if start > self._summed_until:
            self._drop_begun()
        for block in range(start // BLOCK * BLOCK, until, BLOCK):
            first, last = max(block, start), min(block + BLOCK, until)
            if first == block:
                self._sums[block] = np.zeros(len(self._checksums))
            if block in self._sums:
                noted = self._checksums[:, self._time.rings[0].at(first, last)]
                self._sums[block] += np.where(noted == UNSURE, np.nan, noted).sum(axis=1)
        self._summed_until = max(self._summed_until, until)
        if until < end:
            self._drop_begun()
            self._summed_until = end

    def _drop_begun(self) -> None:
        """Drop sums that some slot will never be added to."""
        self._sums = {b: each for b, each in self._sums.items() if b + BLOCK <= self._summed_until}

    def take_sums(self) -> dict[int, Floats]:
        """The sums of the blocks that are whole by now, by when these begin (Unix seconds).

        Each is told once: a sum for each SLO, NaN where some of it is not known.
        """
        whole = [block for block in self._sums if block + BLOCK <= self._summed_until]
        return {block: self._sums.pop(block) for block in whole}

    def follow(self, slo_index: SloIndex, old: NotedChecksums, before: SloIndex) -> None:
        """Go on with what another ledger noted of an SLO, which was `before` there.

        Both have slots of the same length.
        """
        old._sum_up(self._summed_until)
        self._summed_until = old._summed_until
        start = max(self._time.cover(0)[0], old._time.cover(0)[0])
        end = min(self._time.end, old._time.end)
        if start < end:
            self.note(np.array([slo_index]), start, old.of(np.array([before]), start, end))
        for block, sums in old._sums.items():
            unknown = np.full(len(self._checksums), np.nan)
            self._sums.setdefault(block, unknown)[slo_index] = sums[before]

    def note(self, slo_indices: NDArray[np.intp], start: int, checksums: Floats) -> None:
        """Note those of the slots that follow `start` (Unix seconds): SLOs x slots."""
        at, inside = self._time.inside(0, start, checksums.shape[1])
        self._checksums[np.ix_(slo_indices, at)] = checksums[:, inside]

    def forget_uncounted(self, slo_indices: NDArray[np.intp], start: int, known: Bools) -> None:
        """Forget those of samples that were not counted: they were seen, and nothing is `known`.

        What was answered in between was empty. So they count as new when they are seen again.
        """
        if known.all():
            return
        at, inside = self._time.inside(0, start, known.shape[1])
        cells = np.ix_(slo_indices, at)
        noted = self._checksums[cells]
        self._checksums[cells] = np.where(~known[:, inside] & (noted > 0), np.nan, noted)

    def of(self, slo_indices: NDArray[np.intp], start: int, end: int) -> Floats:
        """Those noted of the slots in (start, end]: SLOs x slots."""
        found: Floats = self._checksums[np.ix_(slo_indices, self._time.rings[0].at(start, end))]
        return found
