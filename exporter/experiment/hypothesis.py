"""What an experiment is to show: what is steady, and at what cost it becomes so again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.slo.durations import format_duration
from exporter.slo.figures import percent, written


@dataclass(frozen=True, slots=True)
class Target:
    """An SLO (`service/slo`), and which of its groups: those with these values of its labels."""

    slo: str
    groups: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        listed = ", ".join(f"{name}={value}" for name, value in self.groups.items())
        return f"{self.slo} ({listed})" if listed else self.slo


@dataclass(frozen=True, slots=True)
class SliBound:
    """In every window of so many seconds, at most this part (a ratio) of an SLO's events is bad."""

    target: Target
    at_most: float
    window: int

    def __str__(self) -> str:
        over = format_duration(self.window)
        return f"{self.target}: error ratio at most {percent(self.at_most)} over {over}"


@dataclass(frozen=True, slots=True)
class QueryBound:
    """Every value of a PromQL expression is within bounds, either of which may be None."""

    query: str
    datasource: str
    at_least: float | None = None
    at_most: float | None = None
    name: str | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or self.query

    def holds(self, value: float) -> bool:
        """Whether a value is within the bounds; NaN is not."""
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most) and not math.isnan(value)

    def __str__(self) -> str:
        bounds = [
            f"{word} {written(bound)}"
            for word, bound in (("at least", self.at_least), ("at most", self.at_most))
            if bound is not None
        ]
        return f"{self.title}: {' and '.join(bounds)}"


SteadyLine = SliBound | QueryBound


@dataclass(frozen=True, slots=True)
class Impact:
    """What the whole experiment may cost an SLO, one of the three.

    `budget` is a share of a period's error budget, `events` a number of bad events, and
    `error_ratio` what no single slot is above.
    """

    target: Target
    budget: float | None = None
    events: float | None = None
    error_ratio: float | None = None

    def __str__(self) -> str:
        if self.budget is not None:
            return f"{self.target}: at most {percent(self.budget)} of a period's budget lost"
        if self.events is not None:
            return f"{self.target}: at most {written(self.events)} bad events"
        return f"{self.target}: peak error ratio at most {percent(self.error_ratio or 0.0)}"


class Since(StrEnum):
    """What a recovery is counted from."""

    ONSET = "onset"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Recovery:
    """All is steady again within so many seconds, of the onset or of the end of the rollback."""

    within: int
    since: Since = Since.ONSET

    def __str__(self) -> str:
        return f"steady again within {format_duration(self.within)} of the {self.since}"


@dataclass(frozen=True, slots=True)
class Detection:
    """A burn-rate condition of a severity holds within so many seconds of the onset."""

    target: Target
    within: int
    severity: str

    def __str__(self) -> str:
        within = format_duration(self.within)
        return f"{self.target}: a {self.severity} condition holds within {within} of the onset"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What is to be shown: what is steady, and at what cost it becomes so again."""

    steady: tuple[SteadyLine, ...]
    impact: tuple[Impact, ...] = ()
    recovery: Recovery | None = None
    detection: tuple[Detection, ...] = ()
