"""When budgets of rolling periods are spent, as old slots leave while new events come.

Everything is in events of traffic: a failure takes the budget of so many. Many SLOs are computed at
once, and of each no more slots are read than tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from exporter.slo.types import HOUR, Bools, Floats

AT_ONCE = 100
"""SLOs whose slots are read at once: it bounds the memory that this takes."""

SPANS = 32
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
    """Budgets of one period, and what is to come of each: a column each.

    `places` are what `Past` knows the SLOs by; `bad`, `total` and `known` are those of the period
    so far; `remaining` and `error_budget` are ratios. Then there are the burn rate, and the traffic
    in events per second, which is `traffic` for an hour and then `usual`.
    """

    places: NDArray[np.intp]
    bad: Floats
    total: Floats
    known: Floats
    remaining: Floats
    error_budget: Floats
    burn_rate: Floats
    traffic: Floats
    usual: Floats

    def part(self, at: NDArray[np.intp]) -> Leaving:
        """Some of them."""
        return Leaving(*(getattr(self, each.name)[at] for each in fields(self)))

    @property
    def soon(self) -> Floats:
        """Seconds until each is spent if no failure leaves."""
        needed = self.total * self.remaining / self.burn_rate
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(
                needed <= self.traffic * HOUR,
                needed / self.traffic,
                HOUR + (needed - self.traffic * HOUR) / self.usual,
            )


class _Rows:
    """Numbers of some budgets, each as a column of a matrix."""

    def __init__(self, cases: Leaving) -> None:
        self.places = cases.places.tolist()
        self.total = cases.total[:, None]
        self.left = (cases.total * cases.remaining)[:, None]
        self.error_budget = cases.error_budget[:, None]
        self.growth = cases.burn_rate[:, None] - 1
        self.traffic = cases.traffic[:, None]
        self.usual = cases.usual[:, None]

    def excess(self, after: Floats) -> Floats:
        """How much is over the budget after so many seconds if nothing leaves: SLOs x moments."""
        to_come = self.traffic * np.minimum(after, HOUR)
        to_come += self.usual * np.maximum(after - HOUR, 0)
        return np.asarray(self.growth * to_come - self.left)

    def gone(self, bad: Floats, total: Floats) -> Floats:
        """What leaves the window with these events."""
        return np.asarray(bad / self.error_budget - total)


def until_spent(cases: Leaving, start: int, elapsed: int, length: int, past: Past | None) -> Floats:
    """Seconds until more has failed than the window allows, which moves on; infinite if not within
    its length.

    Args:
        cases: budgets with one period.
        start: when it begins, Unix seconds; `elapsed` seconds of it are over, of `length`.
        past: what was; without it all of it leaves evenly.
    """
    found = np.full(len(cases.places), np.inf)
    if past is None:
        for i in range(len(found)):
            one = cases.part(np.array([i]))
            found[i] = _spent(_Rows(one), _even(one, start + elapsed, elapsed), start, length)[0]
        return found
    # It is mostly known from the oldest slots, and reading all of them would take time.
    horizons = 2 * cases.soon
    quick = np.flatnonzero(horizons < length)
    quick = quick[np.argsort(horizons[quick], kind="stable")]
    for first in range(0, len(quick), AT_ONCE):
        some = quick[first : first + AT_ONCE]
        rows, horizon = _Rows(cases.part(some)), float(horizons[some[-1]])
        found[some] = _spent(rows, past.slots(rows.places, start, horizon), start, horizon)
    rest = np.flatnonzero(np.isinf(found))
    near = rest[_near(cases.part(rest), start, length, past)] if rest.size else rest
    for first in range(0, len(near), AT_ONCE):
        some = near[first : first + AT_ONCE]
        rows = _Rows(cases.part(some))
        found[some] = _spent(rows, past.slots(rows.places, start, length), start, length)
    return found


def _near(cases: Leaving, start: int, length: int, past: Past) -> Bools:
    """Of which the budgets may be spent, from sums over long spans: they are at their worst if the
    good events of a span leave before its bad ones."""
    edges, rows = _edges(start, length), _Rows(cases)
    bad, total = past.sums(rows.places, edges)
    gone = rows.gone(bad, total)
    before = np.cumsum(gone, axis=1) - gone
    excess = rows.excess(edges - start)
    worst = np.maximum(excess[:, :-1], excess[:, 1:]) - before + total
    found: Bools = np.any(worst > NOTHING * rows.total, axis=1)
    return found


def _edges(start: int, length: int) -> Floats:
    """Where long spans of a period begin and end. Most of them are the same an evaluation later,
    so that their sums are known."""
    step = max(1, -(-length // SPANS))
    if step > HOUR:
        step = -(-step // HOUR) * HOUR
    inner = np.arange(start - start % step + step, start + length, step, dtype=np.float64)
    return np.concatenate([[start], inner, [start + length]])


def _spent(rows: _Rows, slots: Slots, start: int, horizon: float) -> Floats:
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
    return np.where(spent.any(axis=1), seconds, np.inf)


def _even(case: Leaving, now: int, elapsed: int) -> Slots:
    """The period so far of one budget as one slot."""
    return Slots(
        starts=now - case.known * elapsed,
        ends=np.array([float(now)]),
        bad=case.bad[:, None],
        total=case.total[:, None],
    )
