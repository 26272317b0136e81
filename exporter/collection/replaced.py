"""Samples that are replaced after they were counted, by those of a replica that lags behind.

A store that deduplicates replicas keeps one sample of them per interval. While one replica lags,
the newest samples are the other's, and some of them are replaced later. A slot that was counted
before that ends with a sample that the next one, counted after it, does not begin with: the events
in between are lost until both have settled. So all unsettled slots of such an SLO are counted at
every evaluation, in one view of the samples.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from exporter.slo.types import Bools, Floats, SloIndex

REMEMBERED = 900
"""Seconds after a replacement until no further ones are expected."""

MARGIN = 60
"""Seconds by which slots settle later than samples were seen to be replaced."""


class Replacements:
    """Of which SLOs samples were replaced of late, and how old they were. Pure.

    Times are Unix seconds.
    """

    def __init__(self, slo_count: int, settle: float) -> None:
        """Begin with none.

        Args:
            slo_count: how many SLOs there are.
            settle: seconds until a slot settles whose samples are not replaced.
        """
        self._settle = settle
        self._began = np.full(slo_count, math.inf)
        self._last = np.full(slo_count, -math.inf)
        self._oldest = np.zeros(slo_count)
        self._oldest_at = np.full(slo_count, -math.inf)

    def begin(self, slo_indices: NDArray[np.intp], now: float) -> None:
        """Note that SLOs were counted."""
        self._began[slo_indices] = np.minimum(self._began[slo_indices], now)

    def note(self, slo_index: SloIndex, age: float, now: float) -> None:
        """Note that a sample was replaced since it was counted, `age` seconds after its slot."""
        self._last[slo_index] = now
        if age >= self._oldest[slo_index] or now - self._oldest_at[slo_index] > REMEMBERED:
            self._oldest[slo_index], self._oldest_at[slo_index] = age, now

    def expected(self, now: float) -> Bools:
        """Of which SLOs further ones are."""
        return np.asarray(now - self._last <= REMEMBERED)

    def looked_for(self, now: float) -> Bools:
        """Of which SLOs it is not known yet whether there are any: they began lately."""
        new = (self._began <= now) & (now <= self._began + 2 * self._settle)
        return np.asarray(new & ~self.expected(now))

    def settling(self, now: float) -> Floats:
        """How many seconds later than others each SLO's slots settle."""
        later = np.maximum(0.0, self._oldest + MARGIN - self._settle)
        return np.where(now - self._last > REMEMBERED, 0.0, later)
