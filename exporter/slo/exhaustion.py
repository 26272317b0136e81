"""When a budget is spent if things go on as they are: the one forecast, whoever tells it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from exporter.slo.budget import Window
from exporter.slo.forecast import Counts
from exporter.slo.period import CalendarPeriod, Period, PeriodBounds
from exporter.slo.types import HOUR, MINUTE, Floats

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
    """The period so far: its `window`, the `budget` that remains, a ratio, and its bounds.

    `past` gives the slots of a rolling period that begin within so many seconds from its start;
    without it, all that was leaves evenly.
    """

    window: Window
    remaining: float
    error_budget: float
    period: Period
    span: PeriodBounds
    past: Callable[[float], Counts] | None = None


def exhaustion(so_far: SoFar, now: Holding) -> float:
    """Seconds until the budget is spent if what holds now goes on.

    Traffic goes on as it is for an hour, and then as in the period so far: what happens within
    minutes depends on the traffic of now, and what happens within days on that of whole days. In a
    rolling period old failures leave meanwhile; a calendar one ends.

    Returns:
        0 once it is spent; infinite at a rate that does not spend it within a period's length, or
        not before the calendar period ends.
    """
    window, span, length = so_far.window, so_far.span, so_far.span.length
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
    times = np.array([0.0, HOUR, max(2.0 * HOUR, length)])
    events = now.traffic * np.minimum(times, HOUR) + usual * np.maximum(times - HOUR, 0)
    if now.burn_rate * np.interp(length, times, events) < left:
        return math.inf  # not even if no failure left
    # It is mostly known from the oldest slots, and reading all of them would take time.
    soon = float(np.interp(left / now.burn_rate, events, times))
    for horizon in (min(2 * soon, length), length):
        counts = so_far.past(horizon) if so_far.past else _even(so_far)
        seconds = _rolling(so_far, counts, now.burn_rate, (times, events), horizon)
        if seconds < math.inf:
            return seconds
    return math.inf


def _growing(left: float, now: Holding, usual: float) -> float:
    """Seconds until a budget that grows with the traffic is spent; it has `left` events of it."""
    excess = now.burn_rate - 1
    if excess <= 0:
        return math.inf
    first = now.traffic * HOUR * excess
    if first >= left:
        return left / (now.traffic * excess)
    return HOUR + (left - first) / (usual * excess)


def _rolling(
    so_far: SoFar,
    counts: Counts,
    burn_rate: float,
    traffic: tuple[Floats, Floats],
    horizon: float,
) -> float:
    """Seconds until more has failed than the window allows, which moves on; infinite if not within
    the horizon.

    Everything is in events of traffic: a failure takes the budget of so many. `traffic` are times,
    and the events to come until each.
    """
    total, start = so_far.window.total, so_far.span.start
    times, events = traffic
    share = np.clip((counts.ends - start) / (counts.ends - counts.starts), 0, 1)
    # When each slot begins to leave and has left, one after the other.
    leaves = np.column_stack([counts.starts, counts.ends]).ravel().clip(start) - start
    gone = (counts.bad / so_far.error_budget - counts.total) * share
    gone_by = np.column_stack([np.cumsum(gone) - gone, np.cumsum(gone)]).ravel()
    edges = np.union1d(leaves, np.append(times, horizon))  # 0 is the first
    edges = edges[edges <= horizon]
    excess = (burn_rate - 1) * np.interp(edges, times, events) - total * so_far.remaining
    excess -= np.interp(edges, leaves, gone_by)
    # What is left of subtracting all that was there is no failure.
    spent = np.flatnonzero(excess > 1e-9 * total)
    if not spent.size:
        return math.inf
    at = int(spent[0])
    before, after = float(excess[at - 1]), float(excess[at])
    part = max(0.0, -before) / (after - before)
    return float(edges[at - 1] + (edges[at] - edges[at - 1]) * part)


def _even(so_far: SoFar) -> Counts:
    """The period so far as one slot."""
    window, now = so_far.window, float(so_far.span.start + so_far.span.elapsed)
    return Counts(
        starts=np.array([now - window.known * so_far.span.elapsed]),
        ends=np.array([now]),
        bad=np.array([window.bad]),
        total=np.array([window.total]),
        known=np.ones(1),
    )
