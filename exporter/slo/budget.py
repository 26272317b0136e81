"""The formulas: error ratio, burn rate, budget. Ratios throughout, seconds."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.slo.model import Objective
from exporter.slo.plausible import possible


@dataclass(slots=True)  # not frozen: there are many, and they are made in half of the time
class Window:
    """What happened in one window. `known` is the share of it that is known.

    The ratio and the rate are None while nothing of the window is known. Bad events that counters
    read a scrape apart make too few or too many are taken as none or all.
    """

    bad: float
    total: float
    known: float
    error_ratio: float | None
    burn_rate: float | None

    @classmethod
    def of(cls, bad: float, total: float, known: float, error_budget: float) -> Window:
        """Compute the ratio and the burn rate from the counts."""
        bad = possible(bad, total)
        if known <= 0:
            return cls(bad, total, known, None, None)
        ratio = bad / total if total > 0 else 0.0
        return cls(bad, total, known, ratio, ratio / error_budget)


@dataclass(frozen=True, slots=True)
class Budget:
    """The error budget that remains of a period.

    `remaining` is a ratio (1 is untouched, below 0 overspent), `remaining_events` how many
    more bad events the traffic so far allows, `remaining_seconds` the same as full downtime.
    """

    remaining: float
    remaining_events: float
    remaining_seconds: float

    @classmethod
    def of(cls, bad: float, total: float, objective: Objective, period: int) -> Budget:
        """Compute what remains after `bad` of `total` events in the period (seconds)."""
        bad, allowed = possible(bad, total), objective.error_budget * total
        remaining = 1 - bad / allowed if total > 0 else 1.0
        return cls(
            remaining=remaining,
            remaining_events=allowed - bad,
            remaining_seconds=remaining * objective.error_budget * period,
        )
