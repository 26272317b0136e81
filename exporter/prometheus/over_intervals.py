"""Indicators whose expressions are free: evaluated at every interval, and added up."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.prometheus.promql import QueryContext
from exporter.prometheus.questions import OverSlices, Question, SummedOverSlices, free
from exporter.slo.durations import format_duration
from exporter.slo.types import Floats


def or_zero(values: Floats) -> Floats:
    """0 for NaN; numpy's own nan_to_num looks at infinities as well, at ten times the cost."""
    return np.where(np.isnan(values), 0.0, values)


@dataclass(frozen=True, slots=True)
class TimeWeighted:
    """Bad time: a share of each evaluation interval; events are seconds.

    A share that is not between 0 and 1 is no share (`exporter.collection.decoding`).
    """

    bad_share: str

    @property
    def selectors(self) -> Sequence[None]:
        """None: the expression is free."""
        return (None, None)

    @property
    def questions(self) -> Sequence[Question]:
        """The sum of the shares, and how many there are."""
        functions = ("sum_over_time", "count_over_time")
        return [free(OverSlices(function, self.bad_share)) for function in functions]

    @property
    def formula(self) -> Hashable:
        """The same for all."""
        return "shares"

    def combine(self, values: Sequence[Floats], context: QueryContext) -> tuple[Floats, Floats]:
        """Each share weighs one interval."""
        bad, count = values
        return or_zero(bad) * context.interval, count * context.interval


@dataclass(frozen=True, slots=True)
class FreeQuery:
    """PromQL for all and for bad (or good) events, over a rate window of `window` seconds.

    Their values count over `covered` seconds: 1 if they are rates.
    """

    total: str
    part: str
    part_is_good: bool
    window: int
    covered: float

    @property
    def selectors(self) -> Sequence[None]:
        """None: the expressions are free."""
        return (None, None)

    @property
    def questions(self) -> Sequence[Question]:
        """Both, per evaluation interval."""
        return [free(SummedOverSlices(self.text(query))) for query in (self.total, self.part)]

    @property
    def formula(self) -> Hashable:
        """What values count over, and what the part is."""
        return "query", self.covered, self.part_is_good

    def combine(self, values: Sequence[Floats], context: QueryContext) -> tuple[Floats, Floats]:
        """Rates and counts become events per interval."""
        total, part = (value * context.interval / self.covered for value in values)
        part = or_zero(part)
        return or_zero(total - part) if self.part_is_good else part, total

    def text(self, query: str) -> str:
        """One of them, as it is asked."""
        return query.replace("$window", format_duration(self.window))
