"""When a budget is spent if things go on as they are: the one forecast, whoever tells it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.slo.budget import Window
from exporter.slo.leaving import Leaving, Past, until_spent
from exporter.slo.period import CalendarPeriod, Period, PeriodBounds
from exporter.slo.types import HOUR, MINUTE

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
    """Seconds until each budget is spent if what holds now goes on.

    Traffic goes on as it is for an hour, and then as in the period so far: what happens within
    minutes depends on the traffic of now, and what happens within days on that of whole days. In a
    rolling period old failures leave meanwhile; a calendar one ends.

    Args:
        so_far: the budgets.
        now: what holds now for each.
        past: the slots of rolling periods; without it all that was leaves evenly.

    Returns:
        For each 0 once it is spent; infinite at a rate that does not spend it within a period's
        length, or not before the calendar period ends.
    """
    found = [_at_once(*each) for each in zip(so_far, now, strict=True)]
    rolling: dict[tuple[int, int], list[int]] = {}
    for place, seconds in enumerate(found):
        if seconds is None:
            span = so_far[place].span
            rolling.setdefault((span.start, span.elapsed), []).append(place)
    for (start, elapsed), places in rolling.items():
        cases = [_leaving(so_far[place], now[place]) for place in places]
        length = so_far[places[0]].span.length
        spent = until_spent(cases, start, elapsed, length, past)
        for place, seconds in zip(places, spent, strict=True):
            found[place] = seconds
    return [math.inf if seconds is None else seconds for seconds in found]


def _at_once(so_far: SoFar, now: Holding) -> float | None:
    """What can be told without the slots of a period; None if they have to be read."""
    window, span = so_far.window, so_far.span
    if so_far.remaining <= 0:
        return 0.0
    if window.total <= 0 or window.known <= 0 or now.burn_rate <= 0:
        return math.inf
    usual = window.total / (window.known * span.elapsed)
    left = window.total * so_far.remaining
    if not math.isfinite(left * now.traffic * now.burn_rate):
        return math.inf
    if isinstance(so_far.period, CalendarPeriod):
        seconds = _growing(left, now, usual)
        return seconds if seconds <= span.end - (span.start + span.elapsed) else math.inf
    to_come = now.traffic * min(span.length, HOUR) + usual * max(span.length - HOUR, 0)
    # Not even if no failure left.
    return math.inf if now.burn_rate * to_come < left else None


def _leaving(so_far: SoFar, now: Holding) -> Leaving:
    window = so_far.window
    return Leaving(
        place=so_far.place,
        window=window,
        remaining=so_far.remaining,
        error_budget=so_far.error_budget,
        burn_rate=now.burn_rate,
        traffic=now.traffic,
        usual=window.total / (window.known * so_far.span.elapsed),
    )


def _growing(left: float, now: Holding, usual: float) -> float:
    """Seconds until a budget that grows with the traffic is spent; it has `left` events of it."""
    excess = now.burn_rate - 1
    if excess <= 0:
        return math.inf
    first = now.traffic * HOUR * excess
    if first >= left:
        return left / (now.traffic * excess)
    return HOUR + (left - first) / (usual * excess)
