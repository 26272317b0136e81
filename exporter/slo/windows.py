"""The windows that burn rates are computed over, and the alert conditions that watch them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.slo.durations import format_duration
from exporter.slo.figures import percent
from exporter.slo.period import CalendarPeriod, Period
from exporter.slo.types import DAY, HOUR, MINUTE

WINDOWS = (5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY)
"""Seconds; those of an SLO's own conditions, and the period itself, come on top."""


@dataclass(frozen=True, slots=True)
class WindowSums:
    """Sums over one window, an element per SLO; `known` is the known share of the window."""

    bad: NDArray[np.float64]
    total: NDArray[np.float64]
    known: NDArray[np.float64]

    def without(self, part: WindowSums) -> WindowSums:
        """The sums less a part of them."""
        return WindowSums(self.bad - part.bad, self.total - part.total, self.known - part.known)

    def with_part(self, at: NDArray[np.intp], part: WindowSums) -> WindowSums:
        """The sums with others in the places `at`."""
        bad, total, known = self.bad.copy(), self.total.copy(), self.known.copy()
        bad[at], total[at], known[at] = part.bad, part.total, part.known
        return WindowSums(bad, total, known)


@dataclass(frozen=True, slots=True)
class BurnRateCondition:
    """One step of multi-window burn-rate alerting.

    It stands for "this share of the period's budget was spent within the long window"; the
    short window ends the alert soon after the burning does. Windows are in seconds.
    """

    severity: str
    budget_spent: float
    long: int
    short: int

    def threshold(self, period: int) -> float:
        """The burn rate above which the condition holds."""
        return self.budget_spent * period / self.long

    def can_fire(self, period: int, error_budget: float) -> bool:
        """Whether an error ratio of at most 1 exceeds the threshold at all."""
        return self.threshold(period) * error_budget < 1

    def __str__(self) -> str:
        return condition_name(self.severity, self.long, self.short)


def condition_name(severity: str, long: int, short: int) -> str:
    """What a condition is called, from its windows in seconds: `page 1h/5m`."""
    return f"{severity} {format_duration(long)}/{format_duration(short)}"


CONDITIONS = (
    BurnRateCondition("page", 0.02, HOUR, 5 * MINUTE),
    BurnRateCondition("page", 0.05, 6 * HOUR, 30 * MINUTE),
    BurnRateCondition("ticket", 0.10, DAY, 2 * HOUR),
    BurnRateCondition("ticket", 0.10, 3 * DAY, 6 * HOUR),
)
"""Source: Google, The Site Reliability Workbook, chapter 5 "Alerting on SLOs", table 5-8; the
1d/2h condition is the field's addition (Sloth, Pyrra)."""


def windows(
    period: Period, at: int, lengths: Iterable[int] = WINDOWS
) -> tuple[tuple[str, int], ...]:
    """The windows of an SLO at a moment: name and seconds, shortest first, the period last.

    `lengths` are those that burn rates are computed over, in seconds, ascending.
    """
    own = (period.label, period.span(at).elapsed)
    if isinstance(period, CalendarPeriod):
        # Burn rates look across the calendar's boundary: a bad midnight is one incident.
        return (*_named(length for length in lengths if length <= period.shortest), own)
    return (*_named(length for length in lengths if length < period.seconds), own)


def _named(lengths: Iterable[int]) -> Iterator[tuple[str, int]]:
    return ((format_duration(length), length) for length in lengths)


def cannot_hold(
    condition: BurnRateCondition,
    period: Period,
    length: int,
    error_budget: float,
    slice_: int | None = None,
) -> str | None:
    """Why a condition can never hold for an SLO, in words; None if it can.

    Args:
        condition: the condition.
        period: the SLO's.
        length: of the period now, in seconds.
        error_budget: a ratio.
        slice_: the seconds that the budget is counted in, if it is counted in slices.
    """
    if condition.long > period.shortest:
        return (
            f"its window {format_duration(condition.long)} is longer than the period "
            f"({period.label})"
        )
    if not condition.can_fire(length, error_budget):
        needed = condition.threshold(length) * error_budget
        return f"{percent(needed)} of events would have to fail, and more"
    if slice_ is not None and condition.short < slice_:
        return (
            f"its window {format_duration(condition.short)} is shorter than a slice of the budget "
            f"({format_duration(slice_)})"
        )
    return None
