"""Maintenance windows: times whose events count neither as good nor as bad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
"""[start, end) in Unix seconds."""


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """A maintenance window, one-off or recurring.

    `between(start, end)` gives every occurrence that overlaps a span of time, as intervals.
    `last_end` is when the last one ends (Unix seconds), None if it recurs without end.
    """

    reason: str
    between: Callable[[float, float], Sequence[Interval]] = field(repr=False)
    last_end: float | None = None

    def active(self, at: float) -> bool:
        """Whether the window is on at a moment."""
        return any(start <= at < end for start, end in self.between(at, at + 1))


def one_off(reason: str, start: float, end: float) -> MaintenanceWindow:
    """A window that happens once, from `start` to `end` (Unix seconds)."""

    def between(low: float, high: float) -> Sequence[Interval]:
        return ((start, end),) if start < high and end > low else ()

    return MaintenanceWindow(reason, between, end)


def excluded(
    windows: Sequence[MaintenanceWindow], start: int, slot: int, count: int
) -> NDArray[np.float64]:
    """How much of each of `count` slots that follow `start` lies in a maintenance window.

    0 for a slot outside, 1 for one inside, between them for one that a window cuts.
    """
    share = np.zeros(count)
    spans = sorted(
        interval for window in windows for interval in window.between(start, start + count * slot)
    )
    until = float(start)
    for low, high in spans:
        # Overlapping windows exclude a moment once.
        from_ = max(low, until)
        until = max(until, high)
        first = max(0, int((from_ - start) // slot))
        last = min(count, -int((start - high) // slot))
        for i in range(first, last):
            begin = start + i * slot
            share[i] += max(0.0, min(high, begin + slot) - max(from_, begin)) / slot
    return share
