"""What histograms have observed, computed from their stored samples in plain Python.

Shares no code with the exporter and knows no PromQL. A sample is what a process showed at a scrape:
how many observations lie in each bucket since it began to count, by the bucket's upper bound. Which
form Prometheus stores it in (classic series, exponential or custom buckets) is all the same.

Over consecutive samples of a series the differences count; they belong to the later one. It was
reset if its count falls, or if fewer observations lie between two bounds that both samples have:
then the later sample counts whole. A series that begins while its target is scraped counts from
zero; its first count is assumed to be small enough to need no proof (docs/exactness.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf

from tests.oracle import REACH, Samples

Buckets = Mapping[float, int]
"""Observations by the upper bound of their bucket; the last one's is infinite."""


def up_to(buckets: Buckets, bound: float) -> int:
    """How many observations lie at or below a bound of a bucket."""
    return sum(count for upper, count in buckets.items() if upper <= bound)


def reset(before: Buckets, after: Buckets) -> bool:
    """Whether a process began to count from zero between two of its samples."""
    shared = [-inf, *sorted(before.keys() & after.keys())]
    return up_to(after, inf) < up_to(before, inf) or any(
        up_to(after, high) - up_to(after, low) < up_to(before, high) - up_to(before, low)
        for low, high in pairwise(shared)
    )


def scraped_before(up: Samples, t: float) -> bool:
    """Whether a scrape of the target in the hours before `t` succeeded."""
    earlier = up[bisect_left(up, (t - REACH,)) : bisect_left(up, (t,))]
    return any(value == 1 for _, value in earlier)


class Observed:
    """The observations of any number of histograms, each with the scrapes of its target."""

    def __init__(
        self, series: Sequence[tuple[Sequence[tuple[float, Buckets]], Samples]], bound: float
    ) -> None:
        """Count `series`; those above `bound` are bad."""
        found = []
        for samples, up in series:
            before: Buckets | None = None
            for t, after in samples:
                base: Buckets = {}
                if before is None:
                    base = {} if scraped_before(up, t) else after
                elif not reset(before, after):
                    base = before
                total = up_to(after, inf) - up_to(base, inf)
                found.append((t, total - up_to(after, bound) + up_to(base, bound), total))
                before = after
        found.sort()
        self._times = [t for t, _, _ in found]
        self._bad, self._total = [0], [0]
        for _, bad, total in found:
            self._bad.append(self._bad[-1] + bad)
            self._total.append(self._total[-1] + total)

    def bad(self, start: float, end: float) -> float:
        """The observations above the bound in (start, end]."""
        return self._between(self._bad, start, end)

    def total(self, start: float, end: float) -> float:
        """All observations in (start, end]."""
        return self._between(self._total, start, end)

    def _between(self, sums: Sequence[int], start: float, end: float) -> float:
        return sums[bisect_right(self._times, end)] - sums[bisect_right(self._times, start)]
