"""What an SLO's budget paid within the hour after a change: so that risky deploys show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exporter.slo.changes import SOON
from exporter.slo.event_history import EventHistory
from exporter.slo.plausible import possible
from exporter.slo.records import Change
from exporter.slo.snapshot import SloStatus

EXACT = 300
"""Slots up to so many seconds tell what came after a change well enough; longer ones, about."""

ENOUGH = 0.5
"""Of less than this share of the time no cost is told."""


@dataclass(frozen=True, slots=True)
class ChangeCost:
    """The events of (at, until], where `at` is a change's. Times are Unix seconds.

    - `share`: the part of one period's error budget that the bad events took, a ratio; None if
      too little is known to tell.
    - `error_ratio`: None if nothing is known.
    - `known`: the share of the time that is known.
    - `about`: the time comes from slots that begin before the change, or end after `until`.
    - `over`: the hour after the change is over; if not, there may be more to come.
    """

    at: int
    until: float
    bad: float
    total: float
    share: float | None
    error_ratio: float | None
    known: float
    about: bool
    over: bool


def change_cost(change: Change, status: SloStatus, history: EventHistory | None) -> ChangeCost:
    """What the budget of an SLO paid after a change, as its event history tells."""
    at, end = float(change.at), float(change.at + SOON)
    if history is None:
        return _unknown(change, end, over=True)
    newest = float(history.bounds[-1])
    until, over = min(end, newest), newest >= end
    slot = _longest_slot(history, at, until)
    if until <= at or slot is None or slot > SOON:
        return _unknown(change, max(at, until), over=over)
    cut = history.cut(at, until, 1)
    total = max(0.0, float(cut.total[0]))
    bad = possible(float(cut.bad[0]), total)
    left_out = 0.0 if cut.excluded is None else float(cut.excluded[0])
    known = min(1.0, float(cut.known[0]) + left_out)
    budget = budget_events(status)
    share = None
    if known >= ENOUGH and budget is not None:
        share = bad / budget if bad else 0.0
    [ratio] = cut.error_ratios()
    about = slot > EXACT
    return ChangeCost(
        *(change.at, until, bad, total, share),
        error_ratio=None if ratio is None else bad / total if total else 0.0,
        known=known,
        about=about,
        over=over,
    )


def budget_events(status: SloStatus) -> float | None:
    """The error budget of a whole period, in events, by the traffic that is known; None without."""
    window = status.windows.get(status.slo.period.label)
    if window is None or window.known <= 0 or window.total <= 0:
        return None
    span = status.period
    whole = span.length / span.elapsed / window.known if span.elapsed else 0.0
    return status.slo.objective.error_budget * window.total * whole or None


def _longest_slot(history: EventHistory, start: float, end: float) -> float | None:
    """The longest slot that a span touches, in seconds; None if it lies outside of all."""
    bounds = history.bounds
    first = int(np.searchsorted(bounds, start, side="right")) - 1
    last = int(np.searchsorted(bounds, end, side="left"))
    if first < 0 or last <= first or last >= len(bounds):
        return None
    return float(np.diff(bounds[first : last + 1]).max())


def _unknown(change: Change, until: float, *, over: bool) -> ChangeCost:
    return ChangeCost(change.at, until, 0.0, 0.0, None, None, 0.0, about=False, over=over)
