"""The formulas: error ratio, burn rate, budget, exhaustion. Ratios throughout, seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from exporter.slo.model import Objective
from exporter.slo.plausible import possible


@dataclass(frozen=True, slots=True)
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


FAR_BELOW = 0.5
"""A 5-minute rate below this part of the hour's tells that the burning is over, or nearly so."""


def holding_rate(newest: float | None, hour: float | None) -> float | None:
    """The burn rate that holds now.

    It is that of the newest 5 minutes while these burn faster than the hour, as at the beginning of
    an outage, or far slower, as after its end; otherwise the hour's, which is steadier.
    """
    if newest is None or hour is None:
        return hour
    return newest if newest > hour or newest < FAR_BELOW * hour else hour


@dataclass(frozen=True, slots=True)
class Horizon:
    """How a budget grows with the period's traffic, in seconds.

    `known` is the part of the period that the traffic so far is of; more is added for `growing`,
    the time until the period is full. Then a calendar period `ends`, and a rolling one moves on.
    """

    known: float
    growing: float
    ends: bool


def exhaustion(remaining: float, burn_rate: float, horizon: Horizon) -> float:
    """Seconds until the budget is spent at this burn rate if traffic goes on as it was.

    0 once it is spent; infinite at a rate that does not spend it, or not before the period ends.
    """
    if remaining <= 0:
        return 0.0
    if burn_rate <= 1:
        return math.inf
    seconds = remaining * horizon.known / (burn_rate - 1)
    if seconds <= horizon.growing:
        return seconds
    if horizon.ends:
        return math.inf
    return (horizon.growing + remaining * horizon.known) / burn_rate
