"""Checksums of the samples behind the finest slots, as they were when these were counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.rings import Rings
from exporter.slo.types import Floats


class NotedChecksums:
    """A checksum for each of the finest slots of each SLO; NaN where there is none."""

    def __init__(self, time: Rings, slo_count: int) -> None:
        self._time = time
        self._checksums = np.full((slo_count, time.rings[0].columns), np.nan)

    def note(self, slo_indices: NDArray[np.intp], start: int, checksums: Floats) -> None:
        """Note those of the slots that follow `start` (Unix seconds): SLOs x slots."""
        at, inside = self._time.inside(0, start, checksums.shape[1])
        self._checksums[np.ix_(slo_indices, at)] = checksums[:, inside]

    def of(self, slo_indices: NDArray[np.intp], start: int, end: int) -> Floats:
        """Those noted of the slots in (start, end]: SLOs x slots."""
        found: Floats = self._checksums[np.ix_(slo_indices, self._time.rings[0].at(start, end))]
        return found
