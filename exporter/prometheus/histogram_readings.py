"""What a histogram of either kind showed, sample by sample, as two counters that only grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.prometheus.native_histograms import NativeHistogram
from exporter.prometheus.raw import Sample


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample of a histogram: all observations, and those within a bound.

    `native` is the sample itself where it is a native one.
    """

    total: float
    within: float
    native: NativeHistogram | None = None


def native_reading(histogram: NativeHistogram, bound: float) -> Reading:
    """What a native sample shows."""
    return Reading(histogram.count, histogram.within(bound), histogram)


def grown(before: Reading, after: Reading) -> tuple[float, float]:
    """All observations between two consecutive samples of a series, and those within the bound.

    After a reset the later sample counts whole. Count and bucket of a classic histogram are
    counters each of its own. A native histogram is reset as a whole. Where one kind follows the
    other the count alone tells a reset, since they may divide the same observations differently.
    """
    if before.native is None and after.native is None:
        return _rise(before.total, after.total), _rise(before.within, after.within)
    if before.native is not None and after.native is not None:
        reset = before.native.was_reset(after.native)
    else:
        reset = after.total < before.total
    if reset:
        return after.total, after.within
    total = after.total - before.total
    return total, min(max(after.within - before.within, 0.0), total)


def _rise(before: float, after: float) -> float:
    return after - before if after >= before else after


def as_counters(readings: Sequence[tuple[float, Reading]]) -> tuple[list[Sample], list[Sample]]:
    """A series's samples as two counters without resets: all observations, and those within.

    Both begin at what the first sample shows.
    """
    totals: list[Sample] = []
    withins: list[Sample] = []
    total = within = 0.0
    before: Reading | None = None
    for at, reading in readings:
        new = (reading.total, reading.within) if before is None else grown(before, reading)
        total, within = total + new[0], within + new[1]
        totals.append((at, total))
        withins.append((at, within))
        before = reading
    return totals, withins


def merged(
    count: Sequence[Sample],
    bucket: Sequence[Sample],
    native: Sequence[tuple[float, NativeHistogram]],
    bound: float,
) -> list[tuple[float, Reading]]:
    """One series's samples of both kinds in order; where both are there the classic one is taken.

    A classic sample needs the count and the bucket of one scrape.
    """
    found = {at: native_reading(histogram, bound) for at, histogram in native}
    withins: Mapping[float, float] = dict(bucket)
    found |= {at: Reading(total, withins[at]) for at, total in count if at in withins}
    return sorted(found.items())
