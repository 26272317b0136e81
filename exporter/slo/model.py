"""What an SLO is: the objective, its period, what is measured, and the policy it falls under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from exporter.slo.alerting import (
    DEFAULT_ALERTING,
    LABELS_AS_ANNOTATIONS,
    LABELS_SHOWN,
    Alerting,
)
from exporter.slo.combining import Method, OnUnknown
from exporter.slo.durations import format_duration
from exporter.slo.maintenance import MaintenanceWindow
from exporter.slo.period import Period, RollingPeriod
from exporter.slo.policy import DEFAULT_POLICY, Policy
from exporter.slo.types import DAY, MINUTE
from exporter.slo.windows import BurnRateCondition, cannot_hold


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


TIME_UNITS = {"s": Decimal(1), "ms": Decimal("0.001"), "us": Decimal("0.000001")}
"""Units of bucket bounds, in seconds."""

NO_UNIT = "none"


@dataclass(frozen=True, slots=True)
class LatencySli:
    """Requests faster than a threshold, counted by a classic histogram.

    `histogram` is a vector selector with the histogram's base name (no `_bucket`);
    `threshold` is in the unit of the bucket bounds and must be one of them: `unit` is one of
    `TIME_UNITS`, or `none` for what is no time.
    """

    histogram: str
    threshold: float
    unit: str | None = None

    @property
    def limit(self) -> str:
        """The threshold as people write it: `250ms`, `1m30s`, `4096`."""
        if self.unit == NO_UNIT:
            return f"{self.threshold:.15g}"
        seconds = Decimal(repr(self.threshold)) * TIME_UNITS[self.unit or "s"]
        if seconds >= MINUTE and seconds == int(seconds):
            return format_duration(int(seconds))
        for unit, length in TIME_UNITS.items():
            if seconds >= length:
                return f"{float(seconds / length):.15g}{unit}"
        return f"{float(seconds / TIME_UNITS['us']):.15g}us"


@dataclass(frozen=True, slots=True)
class QuerySli:
    """Free PromQL in which `$window` stands for the rate window (seconds).

    `unit` (`per_second` or `per_window`) tells what the values are where their functions do not.
    """

    total: str
    bad: str | None = None
    good: str | None = None
    window: int = 120
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class RatioSli:
    """PromQL whose value already is a ratio between 0 and 1; weighed by time.

    One of `error` and `success` is set.
    """

    error: str | None = None
    success: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeSli:
    """A gauge of 1 for success and 0 for failure; every sample is an event."""

    selector: str


@dataclass(frozen=True, slots=True)
class ThresholdSli:
    """PromQL whose value must keep a bound; weighed by time.

    `op` is what a good value does: `<`, `<=`, `>`, `>=` to `bound`.
    """

    query: str
    op: str
    bound: float


@dataclass(frozen=True, slots=True)
class Part:
    """An SLO that a composite is made of; `weight` counts where the composite is weighted.

    `name` is `service/slo`. Equal parts name the same SLO, whatever has become of it.
    """

    name: str
    slo: Slo = field(compare=False, repr=False)
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class CompositeSli:
    """What other SLOs have measured, put together slot by slot; weighed by time.

    docs/design/composites.md has the formulas.
    """

    method: Method
    parts: tuple[Part, ...]
    on_unknown: OnUnknown = OnUnknown.UNKNOWN


Sli = EventsSli | LatencySli | QuerySli | RatioSli | ProbeSli | ThresholdSli | CompositeSli


@dataclass(frozen=True, slots=True)
class Timeslices:
    """Budget counted in slices of time (seconds), after OpenSLO.

    With a `target` (`timeslices`) a slice is good if its ratio of good events reaches it;
    without one (`ratio_timeslices`) it weighs by its ratio.
    """

    slice: int
    target: float | None


@dataclass(frozen=True, slots=True)
class LowTraffic:
    """What a condition's long window must contain before it may fire."""

    min_events: float = 0
    min_bad_events: float = 0


THIRTY_DAYS = RollingPeriod(30 * DAY)


DEFAULT_DATASOURCE = "prometheus"
"""The datasource of the SLOs that name none."""

NO_DATASOURCE = ""
"""That of composites: nothing is asked for them."""


@dataclass(frozen=True, slots=True)
class Slo:
    """One entry of the configuration; with `group_by` it stands for one SLO per value found.

    `group_as` are the names that its `group_by` labels have here, where those are others.
    Without `timeslices` the budget counts occurrences. `labels` are the user's own (`owner`,
    ...) and appear on `slo_info` alone. `datasource` names the Prometheus that is asked.
    `description` (lines of text), `criticality` (a line) and `reviewed` are for people; they are
    empty or None where the file does not say.
    """

    service: str
    name: str
    objective: Objective
    sli: Sli
    period: Period = THIRTY_DAYS
    timeslices: Timeslices | None = None
    group_by: tuple[str, ...] = ()
    group_as: tuple[str, ...] = ()
    max_groups: int = 100
    labels: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = DEFAULT_POLICY
    alerting: Alerting = DEFAULT_ALERTING
    low_traffic: LowTraffic = LowTraffic()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    datasource: str = DEFAULT_DATASOURCE
    description: str = ""
    criticality: str = ""
    reviewed: date | None = None

    @property
    def full_name(self) -> str:
        """What it is called in files: `service/slo`."""
        return f"{self.service}/{self.name}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of, if it is a composite."""
        return self.sli.parts if isinstance(self.sli, CompositeSli) else ()

    @property
    def measured_by(self) -> tuple[Slo, ...]:
        """The SLOs that are asked for it: itself, or those that a composite comes down to."""
        return tuple(i for part in self.parts for i in part.slo.measured_by) or (self,)

    @property
    def shown_groups(self) -> tuple[str, ...]:
        """The names of its groups' labels here."""
        return self.group_as or self.group_by

    def groups(self, values: Iterable[str]) -> dict[str, str]:
        """The labels of one group, from the values of its `group_by` labels."""
        return dict(zip(self.shown_groups, values, strict=False))

    def alert_labels(self, severity: str) -> dict[str, str]:
        """The labels that its burn-rate alerts of a severity carry beside the usual ones."""
        labels = {name: self.labels[name] for name in LABELS_SHOWN if self.labels.get(name)}
        labels.update(self.alerting.of(severity).labels)
        return {name: value for name, value in labels.items() if name not in self.shown_groups}

    def alert_annotations(self, severity: str) -> dict[str, str]:
        """The annotations that its alerts of a severity carry in place of those that all have."""
        own = {
            annotation: value
            for name, annotation in LABELS_AS_ANNOTATIONS.items()
            if (value := self.labels.get(name)) and value.startswith(("http://", "https://"))
        }
        return own | dict(self.alerting.of(severity).annotations)

    def conditions(self, length: int) -> tuple[BurnRateCondition, ...]:
        """The burn-rate conditions that can hold, in a period of `length` seconds."""
        slice_ = self.timeslices.slice if self.timeslices else None
        return _possible(
            self.alerting.enabled, self.period, length, self.objective.error_budget, slice_
        )

    def cannot_hold(self, condition: BurnRateCondition, length: int) -> str | None:
        """Why a condition can never hold in a period of `length` seconds; None if it can."""
        slice_ = self.timeslices.slice if self.timeslices else None
        return cannot_hold(condition, self.period, length, self.objective.error_budget, slice_)


@lru_cache(1_024)  # most SLOs have those of many others
def _possible(
    conditions: tuple[BurnRateCondition, ...],
    period: Period,
    length: int,
    error_budget: float,
    slice_: int | None,
) -> tuple[BurnRateCondition, ...]:
    return tuple(
        each
        for each in conditions
        if cannot_hold(each, period, length, error_budget, slice_) is None
    )
