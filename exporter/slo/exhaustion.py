"""When a budget is spent if things go on as they are: the one forecast, whoever tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.slo.budget import Window
from exporter.slo.leaving import Leaving, Past, until_spent
from exporter.slo.period import CalendarPeriod, Period, PeriodBounds
from exporter.slo.types import HOUR, MINUTE, Bools, Floats

FAR_BELOW = 0.5
"""A 5-minute rate below this part of the hour's tells that the burning is over, or nearly so."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds now: the burn rate, and the traffic in events per second."""

    burn_rate: float
    traffic: float


def holding(windows: Mapping[str, Window], period: Period, span: PeriodBounds) -> Holding | None:
    """What holds now; None if it is not known.

    It is what the newest 5 minutes have while these burn faster than the hour, as at the beginning
    of an outage, or far slower, as after its end; otherwise what the hour has, which is steadier.
    """
    own = windows.get(period.label), span.elapsed
    newest, newest_length = _first((windows.get("5m"), 5 * MINUTE), own)
    hour, hour_length = _first((windows.get("1h"), HOUR), own)
    if hour is None or hour.burn_rate is None:
        return None
    if newest is None or newest.burn_rate is None:
        return _of(hour, hour.burn_rate, hour_length)
    fast, slow = newest.burn_rate, hour.burn_rate
    if fast > slow or fast < FAR_BELOW * slow:
        return _of(newest, fast, newest_length)
    return _of(hour, slow, hour_length)


def _first(*windows: tuple[Window | None, int]) -> tuple[Window | None, int]:
    return next((each for each in windows if each[0] is not None), (None, 0))


def _of(window: Window, burn_rate: float, length: int) -> Holding:
    return Holding(burn_rate, window.total / (window.known * length))


@dataclass(frozen=True, slots=True)
class SoFar:
    """The period so far: its `window`, the budget that remains, a ratio, and its bounds.

    `place` is what `Past` knows its SLO by.
    """

    window: Window
    remaining: float
    error_budget: float
    period: Period
    span: PeriodBounds
    place: int = 0


def exhaustion(
    so_far: Sequence[SoFar], now: Sequence[Holding], past: Past | None = None
) -> list[float]:
    """Seconds until each budget is spent if what holds now goes on; see `exhausted`.

    Args:
        so_far: the budgets.
        now: what holds now for each.
        past: the slots of rolling periods; without it all that was leaves evenly.
    """
    found = [0.0] * len(so_far)
    alike: dict[tuple[Period, PeriodBounds], list[int]] = {}
    for i, each in enumerate(so_far):
        alike.setdefault((each.period, each.span), []).append(i)
    for (period, span), places in alike.items():
        cases = _cases([so_far[i] for i in places], [now[i] for i in places], span.elapsed)
        for i, seconds in zip(places, exhausted(cases, period, span, past).tolist(), strict=True):
            found[i] = seconds
    return found


def _cases(so_far: Sequence[SoFar], now: Sequence[Holding], elapsed: int) -> Leaving:
    windows = [each.window for each in so_far]
    total, known = np.array([(each.total, each.known) for each in windows]).T
    with np.errstate(all="ignore"):
        usual = total / (known * elapsed)
    return Leaving(
        places=np.array([each.place for each in so_far], dtype=np.intp),
        bad=np.array([each.bad for each in windows]),
        total=total,
        known=known,
        remaining=np.array([each.remaining for each in so_far]),
        error_budget=np.array([each.error_budget for each in so_far]),
        burn_rate=np.array([each.burn_rate for each in now]),
        traffic=np.array([each.traffic for each in now]),
        usual=usual,
    )


def exhausted(
    cases: Leaving, period: Period, span: PeriodBounds, past: Past | None = None
) -> Floats:
    """Seconds until each of some budgets of one period is spent if what holds now goes on.

    Traffic goes on as it is for an hour, and then as in the period so far: what happens within
    minutes depends on the traffic of now, and what happens within days on that of whole days. In a
    rolling period old failures leave meanwhile; a calendar one ends.

    Returns:
        For each 0 once it is spent; infinite at a rate that does not spend it within a period's
        length, or not before the calendar period ends.
    """
    with np.errstate(all="ignore"):  # what is not finite is left out
        left = cases.total * cases.remaining
        spent = cases.remaining <= 0
        goes_on = (cases.total > 0) & (cases.known > 0) & (cases.burn_rate > 0) & ~spent
        goes_on &= np.isfinite(left * cases.traffic * cases.burn_rate)
        found = np.where(spent, 0.0, np.inf)
        if isinstance(period, CalendarPeriod):
            seconds = _growing(left, cases)
            in_time = goes_on & (seconds <= span.end - (span.start + span.elapsed))
            found[in_time] = seconds[in_time]
            return found
        to_come = cases.traffic * min(span.length, HOUR) + cases.usual * max(span.length - HOUR, 0)
        # The others would not be spent even if no failure left.
        may: Bools = goes_on & ~(cases.burn_rate * to_come < left)
    if may.any():
        at = np.flatnonzero(may)
        found[at] = until_spent(cases.part(at), span.start, span.elapsed, span.length, past)
    return found


def _growing(left: Floats, cases: Leaving) -> Floats:
    """Seconds until budgets that grow with the traffic are spent; they have `left` events."""
    excess = cases.burn_rate - 1
    first = cases.traffic * HOUR * excess
    seconds = np.where(
        first >= left,
        left / (cases.traffic * excess),
        HOUR + (left - first) / (cases.usual * excess),
    )
    return np.where(excess > 0, seconds, np.inf)
