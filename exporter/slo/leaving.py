"""When budgets of rolling periods are spent, as old slots leave while new events come.

Everything is in events of traffic: a failure takes the budget of so many. Many SLOs are computed at
once, and of each no more slots are read than tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from exporter.slo.budget import Window
from exporter.slo.types import HOUR, Bools, Floats

AT_ONCE = 100
"""SLOs whose slots are read at once: it bounds the memory that this takes."""

SPANS = 64
"""Spans that a period is cut into to see whether a budget gets near its end at all."""

NOTHING = 1e-9
"""The share of all events that may be left of subtracting everything that was there."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Consecutive slots of some SLOs, oldest first: when they begin and end (Unix seconds), and
    their bad and all events: SLOs x slots."""

    starts: Floats
    ends: Floats
    bad: Floats
    total: Floats


class Past(Protocol):
    """Gives what was, of SLOs by their place."""

    def slots(self, places: Sequence[int], since: int, length: float) -> Slots:
        """The slots that end after `since` (Unix seconds); those that begin more than `length`
        seconds later may be left out."""

    def sums(self, places: Sequence[int], edges: Floats) -> tuple[Floats, Floats]:
        """Bad and all events between neighbouring edges (Unix seconds): SLOs x spans."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A budget, and what is to come: the burn rate, and the traffic in events per second, which is
    `traffic` for an hour and then `usual`. `place` is the SLO's for `Past`."""

    place: int
    window: Window
    remaining: float
    error_budget: float
    burn_rate: float
    traffic: float
    usual: float

    @property
    def soon(self) -> float:
        """Seconds until it is spent if no failure leaves."""
        needed = self.window.total * self.remaining / self.burn_rate
        if needed <= self.traffic * HOUR:
            return needed / self.traffic
        return HOUR + (needed - self.traffic * HOUR) / self.usual


class _Rows:
    """Numbers of some budgets, each as a column."""

    def __init__(self, cases: Sequence[Leaving]) -> None:
        def column(values: Sequence[float]) -> Floats:
            return np.array(values, dtype=np.float64)[:, None]

        self.places = [case.place for case in cases]
        self.total = column([case.window.total for case in cases])
        self.left = self.total * column([case.remaining for case in cases])
        self.error_budget = column([case.error_budget for case in cases])
        self.growth = column([case.burn_rate - 1 for case in cases])
        self.traffic = column([case.traffic for case in cases])
        self.usual = column([case.usual for case in cases])

    def excess(self, after: Floats) -> Floats:
        """How much is over the budget after so many seconds if nothing leaves: SLOs x moments."""
        to_come = self.traffic * np.minimum(after, HOUR)
        to_come += self.usual * np.maximum(after - HOUR, 0)
        return np.asarray(self.growth * to_come - self.left)

    def gone(self, bad: Floats, total: Floats) -> Floats:
        """What leaves the window with these events."""
        return np.asarray(bad / self.error_budget - total)


def until_spent(
    cases: Sequence[Leaving], start: int, elapsed: int, length: int, past: Past | None
) -> list[float]:
    """Seconds until more has failed than the window allows, which moves on; infinite if not within
    its length.

    Args:
        cases: budgets with one period.
        start: when it begins, Unix seconds; `elapsed` seconds of it are over, of `length`.
        past: what was; without it all of it leaves evenly.
    """
    found = [math.inf] * len(cases)
    if past is None:
        for i, case in enumerate(cases):
            [found[i]] = _spent(_Rows([case]), _even(case, start + elapsed, elapsed), start, length)
        return found
    # It is mostly known from the oldest slots, and reading all of them would take time.
    soon = sorted((2 * case.soon, i) for i, case in enumerate(cases))
    quick = [i for horizon, i in soon if horizon < length]
    for first in range(0, len(quick), AT_ONCE):
        some = quick[first : first + AT_ONCE]
        rows, horizon = _Rows([cases[i] for i in some]), 2 * cases[some[-1]].soon
        slots = past.slots(rows.places, start, horizon)
        for i, seconds in zip(some, _spent(rows, slots, start, horizon), strict=True):
            found[i] = seconds
    near = _near([i for _, i in soon if math.isinf(found[i])], cases, start, length, past)
    for first in range(0, len(near), AT_ONCE):
        some = near[first : first + AT_ONCE]
        rows = _Rows([cases[i] for i in some])
        slots = past.slots(rows.places, start, length)
        for i, seconds in zip(some, _spent(rows, slots, start, length), strict=True):
            found[i] = seconds
    return found


def _near(
    places: Sequence[int], cases: Sequence[Leaving], start: int, length: int, past: Past
) -> list[int]:
    """Those whose budgets may be spent, from sums over long spans: they are at their worst if the
    good events of a span leave before its bad ones."""
    edges = start + np.linspace(0, length, SPANS + 1).round()
    near: list[int] = []
    for first in range(0, len(places), 10 * AT_ONCE):
        some = places[first : first + 10 * AT_ONCE]
        rows = _Rows([cases[i] for i in some])
        bad, total = past.sums(rows.places, edges)
        gone = rows.gone(bad, total)
        before = np.cumsum(gone, axis=1) - gone
        excess = rows.excess(edges - start)
        worst = np.maximum(excess[:, :-1], excess[:, 1:]) - before + total
        may: Bools = np.any(worst > NOTHING * rows.total, axis=1)
        near += [some[k] for k in np.flatnonzero(may).tolist()]
    return near


def _spent(rows: _Rows, slots: Slots, start: int, horizon: float) -> list[float]:
    """Seconds until each is spent, by its slots; infinite if not within the horizon."""
    share = np.clip((slots.ends - start) / (slots.ends - slots.starts), 0, 1)
    # When the slots begin to leave, one after the other, and what has left by then.
    leaves = np.append(slots.starts[:1], slots.ends).clip(start) - start
    gone = np.cumsum(rows.gone(slots.bad, slots.total) * share, axis=1)
    gone = np.pad(gone, ((0, 0), (1, 0)))
    edges = np.union1d(leaves, [0.0, HOUR, horizon])
    edges = edges[edges <= horizon]
    after = np.clip(np.searchsorted(leaves, edges), 1, len(leaves) - 1)
    width = leaves[after] - leaves[after - 1]
    part = np.clip((edges - leaves[after - 1]) / np.where(width > 0, width, 1.0), 0, 1)
    excess = rows.excess(edges)
    excess -= gone[:, after - 1] + part * (gone[:, after] - gone[:, after - 1])
    spent = excess > NOTHING * rows.total
    at = spent.argmax(axis=1)
    each = np.arange(len(at))
    before, then = excess[each, at - 1], excess[each, at]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.maximum(0.0, -before) / (then - before)
    seconds = edges[at - 1] + (edges[at] - edges[at - 1]) * part
    found: list[float] = np.where(spent.any(axis=1), seconds, np.inf).tolist()
    return found


def _even(case: Leaving, now: int, elapsed: int) -> Slots:
    """The period so far as one slot."""
    window = case.window
    return Slots(
        starts=np.array([now - window.known * elapsed]),
        ends=np.array([float(now)]),
        bad=np.array([[window.bad]]),
        total=np.array([[window.total]]),
    )
