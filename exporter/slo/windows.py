"""The windows that burn rates are computed over, and the alert rungs that watch them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.slo.durations import format_duration

MINUTE = 60
HOUR = 3_600
DAY = 86_400

WINDOWS = (5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY)
"""Seconds; the period itself comes on top."""


@dataclass(frozen=True, slots=True)
class WindowSums:
    """Sums over one window, an element per SLO; `known` is the known share of the window."""

    bad: NDArray[np.float64]
    total: NDArray[np.float64]
    known: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of multi-window burn-rate alerting.

    It stands for "this share of the period's budget was spent within the long window"; the
    short window ends the alert soon after the burning does. Windows are in seconds.
    """

    severity: str
    budget_spent: float
    long: int
    short: int

    def threshold(self, period: int) -> float:
        """The burn rate above which the rung fires."""
        return self.budget_spent * period / self.long

    def can_fire(self, period: int, error_budget: float) -> bool:
        """Whether an error ratio below 1 exceeds the threshold at all, within the period."""
        return self.long <= period and self.threshold(period) * error_budget < 1

    def __str__(self) -> str:
        return f"{self.severity} {format_duration(self.long)}/{format_duration(self.short)}"


RUNGS = (
    Rung("page", 0.02, HOUR, 5 * MINUTE),
    Rung("page", 0.05, 6 * HOUR, 30 * MINUTE),
    Rung("ticket", 0.10, DAY, 2 * HOUR),
    Rung("ticket", 0.10, 3 * DAY, 6 * HOUR),
)
"""Source: Google, The Site Reliability Workbook, chapter 5 "Alerting on SLOs", table 5-8; the
1d/2h rung is the field's addition (Sloth, Pyrra)."""


def windows(period: int) -> tuple[int, ...]:
    """The windows of an SLO with this period, in seconds, shortest first, the period last."""
    return (*(window for window in WINDOWS if window < period), period)


def rungs(period: int, error_budget: float) -> tuple[Rung, ...]:
    """The rungs that can fire for an SLO."""
    return tuple(rung for rung in RUNGS if rung.can_fire(period, error_budget))
