"""Samples that come days later, of series that are there already: told by checksums of six hours.

What was counted is known from the checksums of the finest slots, summed up as these leave. The same
sums are asked for again a day later, and a week later. It takes each sample once at a time.
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

AGES = (DAY, 7 * DAY)
"""How old blocks are when they are looked at, in seconds."""

MISSED = DAY
"""Seconds that a look may be late by, as after an outage."""

PAUSE = HOUR
"""Seconds until it is tried again where nobody tells."""

ROUNDED = 1e-12
"""The share by which sums of large numbers may differ for the order in which they are added."""


@dataclass(slots=True)
class _Looks:
    """At how many of the ages each block of a datasource was looked at; -1 for none.

    Blocks that are not noted and begin at `since` or later have their sums from the ledger.
    """

    since: int
    retry_at: int = 0
    all_at: int = 0
    passed: dict[int, int] = field(default_factory=dict)

    def of(self, start: int) -> int:
        return self.passed.get(start, 0 if start >= self.since else -1)


@dataclass(slots=True)
class PastSamples:
    """The checksums of past blocks, and when they are looked at again.

    Args:
        ledger: has the sums of what was counted.
        longest: how far back each SLO's slots are needed, in seconds.
        asked: how many blocks were looked at.
    """

    ledger: Ledger
    longest: Sequence[int]
    asked: int = 0
    _noted: dict[int, Floats] = field(default_factory=dict)
    _looks: dict[str, _Looks] = field(default_factory=dict)

    def due(self, datasource: str, slo_indices: Collection[SloIndex]) -> Requests:
        """Which block is looked at next, of which of a datasource's SLOs."""
        end = self.ledger.end
        self._take_sums()
        looks = self._looks.setdefault(datasource, _Looks(since=end))
        if end < looks.retry_at <= end + PAUSE:
            return {}
        oldest = end - AGES[-1] - MISSED
        self._forget(oldest - BLOCK)
        for until in range((end - FINE_HORIZON) // BLOCK * BLOCK, oldest, -BLOCK):
            start = until - BLOCK
            due = sum(until <= end - age for age in AGES)
            done = looks.of(start)
            if done >= due or (done < 0 and due == len(AGES)):
                continue  # nothing to compare with now, or later
            looks.passed[start] = due
            those = [s for s in sorted(slo_indices) if end - self.longest[s] < until]
            if those:
                self.asked += 1
                return {SlotRange(start, until, BLOCK): those}
        return {}

    def _take_sums(self) -> None:
        for start, sums in self.ledger.checksums.take_sums().items():
            self._noted[start] = np.fmax(self._of(start), sums)

    def _forget(self, oldest: int) -> None:
        self._noted = {at: each for at, each in self._noted.items() if at >= oldest}
        for looks in self._looks.values():
            looks.passed = {at: each for at, each in looks.passed.items() if at >= oldest}

    def look_at_all(self, datasource: str) -> None:
        """Look at all blocks again, as something has come; once a day at the most."""
        end, looks = self.ledger.end, self._looks.get(datasource)
        if looks is not None and not end < looks.all_at <= end + DAY:
            looks.passed, looks.since, looks.all_at = {}, end, end + DAY

    def compare(
        self, datasource: str, span: SlotRange, found: Mapping[SloIndex, Floats | None]
    ) -> list[SloIndex]:
        """Compare the checksums of a block's samples with those of what was counted.

        Args:
            datasource: who was asked.
            span: the block.
            found: the checksum of each SLO; NaN where it is not told. None for SLOs that have none.

        Returns:
            The SLOs of which there are more samples. Fewer are no reason: Prometheus forgets.
        """
        told = {s: float(of[0]) for s, of in found.items() if of is not None and of[0] >= 0}
        if not told and any(of is not None for of in found.values()):
            looks = self._looks[datasource]
            looks.passed[span.start], looks.retry_at = -1, self.ledger.end + PAUSE
        noted = self._of(span.start)
        more = [s for s, sums in told.items() if sums > noted[s] * (1 + ROUNDED)]
        for slo_index, sums in told.items():
            noted[slo_index] = np.fmax(noted[slo_index], sums)
        return more

    def read_again(self, slo_index: SloIndex, start: int, end: int) -> None:
        """Note that slots in (start, end] are counted again: the next look begins with these."""
        for block in range(start, end, BLOCK):
            self._of(block)[slo_index] = np.nan

    def _of(self, start: int) -> Floats:
        unknown = np.full(len(self.longest), np.nan, dtype=np.float64)
        return self._noted.setdefault(start, unknown)

    def follow(self, slo_index: SloIndex, old: PastSamples, before: SloIndex) -> None:
        """Go on with what another state knew of an SLO, which was `before` there."""
        old._take_sums()
        for start, sums in old._noted.items():
            self._of(start)[slo_index] = sums[before]
        self._looks = {**old._looks, **self._looks}
