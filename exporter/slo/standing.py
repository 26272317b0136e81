"""How burn-rate conditions stand: what fires, what is held, and what is not known.

Thousands of SLOs have the same conditions, and most of these stand as others do: each way in which
one may stand is made once, and is the same object ever after.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from exporter.slo.budget import Window
from exporter.slo.durations import format_duration
from exporter.slo.model import Slo
from exporter.slo.snapshot import Alert
from exporter.slo.windows import BurnRateCondition


class _Step:
    """A condition in a period of so many seconds, and the ways in which it may stand."""

    __slots__ = ("firing", "held", "long", "quiet", "short", "threshold", "unknown")

    def __init__(self, condition: BurnRateCondition, period: int) -> None:
        self.long, self.short = format_duration(condition.long), format_duration(condition.short)
        self.threshold = condition.threshold(period)
        self.unknown, self.quiet, self.firing, self.held = (
            Alert(condition, self.threshold, firing=firing, held=held)
            for firing, held in ((None, False), (False, False), (True, False), (False, True))
        )


@lru_cache(1_024)
def _steps(conditions: tuple[BurnRateCondition, ...], period: int) -> tuple[_Step, ...]:
    return tuple(_Step(each, period) for each in conditions)


class Standing:
    """Finds how the conditions of SLOs stand, for one evaluation."""

    def __init__(self) -> None:
        # By the identities of what they come from, which is there as long as the SLOs are: a
        # look at them costs a tenth of computing what they are equal to.
        self._of: dict[tuple[int, int, int, float, int | None], tuple[_Step, ...]] = {}

    def alerts(self, slo: Slo, period: int, shown: Mapping[str, Window]) -> tuple[Alert, ...]:
        """Each condition of an SLO that can hold in a period (seconds), by the windows shown."""
        slice_ = slo.timeslices.slice if slo.timeslices else None
        budget = slo.objective.error_budget
        key = id(slo.alerting), id(slo.period), period, budget, slice_
        steps = self._of.get(key)
        if steps is None:
            steps = self._of[key] = _steps(slo.conditions(period), period)
        found = []
        for step in steps:
            long, short = shown.get(step.long), shown.get(step.short)
            if long is None or short is None or long.burn_rate is None or short.burn_rate is None:
                found.append(step.unknown)
            elif long.burn_rate > step.threshold and short.burn_rate > step.threshold:
                least = slo.low_traffic
                enough = long.total >= least.min_events and long.bad >= least.min_bad_events
                found.append(step.firing if enough else step.held)
            else:
                found.append(step.quiet)
        return tuple(found)
