"""How burn-rate conditions stand: what fires, what is held, and what is not known.

Thousands of SLOs have the same conditions, and most of these stand as others do: each way in which
one may stand is made once, and is the same object ever after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from exporter.slo.budget import Window
from exporter.slo.columns import WindowColumn
from exporter.slo.durations import format_duration
from exporter.slo.model import Slo
from exporter.slo.snapshot import Alert
from exporter.slo.types import Bools, Floats
from exporter.slo.windows import BurnRateCondition, cannot_hold


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
def _step(condition: BurnRateCondition, period: int) -> _Step:
    return _Step(condition, period)


@lru_cache(1_024)
def _steps(conditions: tuple[BurnRateCondition, ...], period: int) -> tuple[_Step, ...]:
    return tuple(_step(each, period) for each in conditions)


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


@dataclass(frozen=True, slots=True)
class Those:
    """SLOs with the same conditions, period and slices, by their `places` in the columns of
    windows: which are `answered`, their error budgets (ratios), and how many events and bad events
    the long window must have."""

    places: NDArray[np.intp]
    answered: Bools
    error_budgets: Floats
    min_events: Floats
    min_bad_events: Floats


def alerts_together(
    example: Slo, period: int, shown: Mapping[str, WindowColumn], those: Those
) -> NDArray[np.object_]:
    """`Standing.alerts` of many SLOs; `example` is one of them, `period` is in seconds."""
    conditions = example.alerting.enabled
    codes = np.zeros(len(those.places), dtype=np.int64)
    for condition in reversed(conditions):
        codes = codes * _WAYS + _codes(example, condition, period, shown, those)
    found, inverse = np.unique(codes, return_inverse=True)
    ways = np.empty(len(found), dtype=np.object_)
    for i, code in enumerate(found.tolist()):
        ways[i] = _alerts(conditions, period, code)
    return np.asarray(ways[inverse])


_WAYS = 5
_ABSENT, _UNKNOWN, _QUIET, _FIRING, _HELD = range(_WAYS)


def _codes(
    example: Slo,
    condition: BurnRateCondition,
    period: int,
    shown: Mapping[str, WindowColumn],
    those: Those,
) -> NDArray[np.int64]:
    """In which of the ways a condition stands, of each SLO."""
    step, at, slice_ = _step(condition, period), those.places, example.timeslices
    # With a budget of nothing there is none that it could not exceed: that is looked at below.
    if cannot_hold(condition, example.period, period, 0.0, slice_.slice if slice_ else None):
        return np.full(len(at), _ABSENT)
    can_fire = step.threshold * those.error_budgets < 1
    long, short = shown.get(step.long), shown.get(step.short)
    if long is None or short is None:
        return np.where(can_fire, _UNKNOWN, _ABSENT)
    burns = (long.burn_rate[at] > step.threshold) & (short.burn_rate[at] > step.threshold)
    enough = (long.total[at] >= those.min_events) & (long.bad[at] >= those.min_bad_events)
    known = those.answered & (long.known[at] > 0) & (short.known[at] > 0)
    codes = np.where(known, np.where(burns, np.where(enough, _FIRING, _HELD), _QUIET), _UNKNOWN)
    return np.where(can_fire, codes, _ABSENT)


@lru_cache(16_384)  # the same ways are the same object, so that what depends on them is kept
def _alerts(conditions: tuple[BurnRateCondition, ...], period: int, code: int) -> tuple[Alert, ...]:
    found = []
    for condition in conditions:
        code, way = divmod(code, _WAYS)
        step = _step(condition, period)
        if way != _ABSENT:
            found.append((step.unknown, step.quiet, step.firing, step.held)[way - 1])
    return tuple(found)
