"""Native histograms as Prometheus's API shows them, with exponential or custom buckets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GRAIN = 1 / 256
"""Observations within a bound are rounded to this much of one.

Prometheus tells only the share of them; share times count is off by rounding, which this takes
away: whole numbers come out whole up to some 10^13. It keeps the fractions of histograms that were
recorded as rates or averages.
"""

_FINEST = 256
"""Of the exponential buckets with the highest resolution, this many double the bound (schema 8)."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many observations lie between two bounds, of which the upper one belongs to it."""

    lower: float
    upper: float
    count: float


@dataclass(frozen=True, slots=True)
class NativeHistogram:
    """All observations, and the buckets that have some, in ascending order."""

    count: float
    buckets: tuple[Bucket, ...]

    def within(self, bound: float) -> float:
        """How many observations are at most `bound` (> 0), as PromQL's histogram_fraction tells.

        Exact if no bucket reaches across the bound. Of one that does, a part is taken: by the
        logarithm in an exponential bucket, linear in a custom one.
        """
        found = 0.0
        for bucket in self.buckets:
            if bucket.upper <= bound:
                found += bucket.count
            elif bucket.lower < bound:
                exponential = _are_exponential(self.buckets)
                found += bucket.count * _share(bucket, bound, exponential=exponential)
        return math.floor(found / GRAIN + 0.5) * GRAIN

    def was_reset(self, later: NativeHistogram) -> bool:
        """Whether the histogram began from zero between this sample and a later one.

        No observation leaves the range that its bucket spans. So the histogram was reset if its
        count has fallen, or if the buckets that overlap with an earlier one hold fewer than it
        did. Other bounds or another resolution are no reset: the server can change both for a
        process that goes on.
        """
        if later.count < self.count:
            return True
        after = iter(later.buckets)
        reaching: list[Bucket] = []
        following = next(after, None)
        for bucket in self.buckets:
            while following is not None and following.lower < bucket.upper:
                reaching.append(following)
                following = next(after, None)
            reaching = [each for each in reaching if each.upper > bucket.lower]
            if sum(each.count for each in reaching) < bucket.count:
                return True
        return False


def read_histogram(item: Mapping[str, Any]) -> NativeHistogram:
    """Read a histogram of an answer.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return NativeHistogram(
        count=float(item["count"]),
        buckets=tuple(
            Bucket(float(lower), float(upper), float(count))
            for _, lower, upper, count in item.get("buckets", ())
        ),
    )


def _share(bucket: Bucket, bound: float, *, exponential: bool) -> float:
    """The part of a bucket that is at most `bound`, which lies inside of it."""
    if math.isinf(bucket.upper):
        return 0.0
    if exponential and bucket.lower > 0:
        low, high = math.log2(bucket.lower), math.log2(bucket.upper)
        return (math.log2(bound) - low) / (high - low)
    # Nothing is faster than no time: the zero bucket and the first custom one begin there.
    lower = max(bucket.lower, 0.0)
    return (bound - lower) / (bucket.upper - lower)


def _are_exponential(buckets: Sequence[Bucket]) -> bool:
    """Whether bounds are those of an exponential histogram, as the API does not say.

    All are the same power of two apart. The zero bucket may reach into the lowest.
    """
    positive = [bucket for bucket in buckets if bucket.lower > 0]
    if any(math.isinf(bucket.upper) for bucket in buckets):
        return False
    uppers = [_FINEST * math.log2(bucket.upper) for bucket in positive]
    widths = {
        round(upper - _FINEST * math.log2(bucket.lower))
        for upper, bucket in zip(uppers[1:], positive[1:], strict=True)
    }
    return len(widths) <= 1 and all(abs(upper - round(upper)) < 1e-6 for upper in uppers)
