"""What an SLO is: the objective, its period, what is measured, and the policy it falls under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from exporter.slo.policy import DEFAULT_POLICY, Policy

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Objective:
    """The share of events that must be good.

    Both figures are held, each rounded once from the decimal that the user wrote: deriving
    one from the other in binary would turn 0.001 into 0.0010000000000000009.
    """

    ratio: float
    error_budget: float

    @classmethod
    def from_percent(cls, percent: Decimal) -> Objective:
        """Make an objective from a percentage.

        Raises:
            ValueError: the percentage is not between 0 and 100, both excluded.
        """
        if not 0 < percent < 100:
            raise ValueError(f"must be a percentage above 0 and below 100, not {percent}")
        ratio = percent / 100
        return cls(ratio=float(ratio), error_budget=float(1 - ratio))


@dataclass(frozen=True, slots=True)
class EventsSli:
    """Events counted by counters: PromQL vector selectors, of which `bad` or `good` is set."""

    total: str
    bad: str | None = None
    good: str | None = None


@dataclass(frozen=True, slots=True)
class LatencySli:
    """Requests faster than a threshold, counted by a classic histogram.

    `histogram` is a vector selector with the histogram's base name (no `_bucket`);
    `threshold` is in seconds (the unit of the bucket bounds) and must be one of the bounds.
    """

    histogram: str
    threshold: float


Sli = EventsSli | LatencySli


@dataclass(frozen=True, slots=True)
class Slo:
    """One entry of the configuration; with `group_by` it stands for one SLO per value found.

    `period` is the rolling period in seconds. `labels` are the user's own (`owner`, ...) and
    appear on `slo_info` alone.
    """

    service: str
    name: str
    objective: Objective
    sli: Sli
    period: int = 30 * DAY
    group_by: tuple[str, ...] = ()
    max_groups: int = 100
    labels: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = DEFAULT_POLICY
