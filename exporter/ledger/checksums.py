"""Checksums of the samples behind the finest slots, as they were when these were counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.rings import Rings
from exporter.slo.types import Bools, Floats


class NotedChecksums:
    """A checksum for each of the finest slots of each SLO; NaN where there is none."""

    def __init__(self, time: Rings, slo_count: int) -> None:
        self._time = time
        self._checksums = np.full((slo_count, time.rings[0].columns), np.nan)

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
