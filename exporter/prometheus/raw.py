"""Events counted from raw samples: the definition itself, for the slots that PromQL cannot do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

Sample = tuple[float, float]
SeriesKey = tuple[tuple[str, str], ...]

SURGE = 10
"""How many times more than usual a counter may have counted since the scrape before, when it begins
or restarts."""

FEW, MANY = 10, 100
"""Values after a fall that prove nothing; and from which on less of a rest is suspicious."""


def series_key(labels: Mapping[str, str]) -> SeriesKey:
    """What identifies a series, whichever way Prometheus spells its bucket bound.

    Prometheus 3 rewrites `le="1"` to `le="1.0"`: after an upgrade the same counter goes on
    under another name, and must not count as born.
    """
    if "le" not in labels:
        return tuple(sorted(labels.items()))
    return tuple(
        sorted(
            (name, repr(float(value)) if name == "le" and is_number(value) else value)
            for name, value in labels.items()
        )
    )


def is_number(text: str) -> bool:
    """Whether a label's value reads as a number, as those of `le` should."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def target(labels: Mapping[str, str]) -> tuple[str, str] | None:
    """The scrape target (job, instance) that a series came from, if it tells."""
    if "job" in labels and "instance" in labels:
        return labels["job"], labels["instance"]
    return None


def count_events(
    samples: Sequence[Sample], start: float, end: float, *, before: float | None
) -> float:
    """Count one series's events in (start, end].

    The sum of the positive differences of consecutive samples; where the value falls, the
    counter was reset and its new value counts whole.

    Args:
        samples: (Unix seconds, value) in order; those at or before `start` tell where it stood.
        start: the slot's start.
        end: the slot's end.
        before: the value that it counts from, where no sample tells: its last one from further
            back, 0 for a counter that was born, None where counting begins with its first sample.
    """
    events = 0.0
    last = None if before is None or math.isnan(before) else before
    for at, value in samples:
        if math.isnan(value) or at > end:
            continue
        if at > start and last is not None:
            events += value - last if value >= last else value
        last = value
    return events


def impossible_fall(
    samples: Sequence[Sample], start: float, end: float
) -> tuple[Sample, Sample] | None:
    """The first fall of a series in (start, end] that no restart of a counter explains, if any.

    After a restart a counter stands at what it has counted since. A value that is not far below
    the one before, and far above what the counter counts at other times, is something else: a
    gauge, a sum of counters of which one went away, a counter that was restored.

    Args:
        samples: (Unix seconds, value) in order, from before the slot as well.
        start: the slot's start.
        end: the slot's end.
    """
    pairs = [
        (one, two)
        for one, two in pairwise([each for each in samples if math.isfinite(each[1])])
        if two[0] <= end
    ]
    rate = max((_per_second(one, two) for one, two in pairs), default=0.0)
    for one, two in pairs:
        value, before = two[1], one[1]
        if two[0] <= start or value >= before or value <= SURGE * rate * (two[0] - one[0]):
            continue
        if (value > FEW and value > before / 2) or (value > MANY and value > before / 100):
            return one, two
    return None


def _per_second(one: Sample, two: Sample) -> float:
    return max(0.0, two[1] - one[1]) / max(two[0] - one[0], 1e-3)
