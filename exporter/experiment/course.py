"""What an experiment did to an SLO: phases, onset, peak, recovery, slot by slot.

An SLO has left its bound while the error ratio of a window is beyond it: a single failure between
many good slots is no departure. When exactly it left and came back is told slot by slot, by where
in such a window the failures that are too many begin and end. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from exporter.experiment.hypothesis import QueryBound, SliBound, Target
from exporter.slo.backtest import AlertSpell
from exporter.slo.event_history import EventHistory
from exporter.slo.types import Bools, Floats

Phase = Literal["baseline", "during", "after"]

Values = Sequence[tuple[float, Sequence[float]]]
"""What a PromQL expression gave: moments, and the values of its series then."""

KNOWN = 1 - 1e-9
"""The share from which a window counts as known: sums of shares are not exact."""

EQUAL = 1e-9
"""Sums of events that differ by less are equal: they are sums of ratios."""


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happened: the baseline, the first step, the end of the rollback, the last slot.

    `grain` is the length of the slots (seconds): the first three are not at their bounds.
    """

    baseline: float
    begin: float
    rolled_back: float
    end: float
    grain: int

    def spans(self) -> Mapping[Phase, tuple[float, float]]:
        """The phases in whole slots; one in which a phase ends belongs to the disturbed one."""
        low = self.begin // self.grain * self.grain
        high = min(-(-self.rolled_back // self.grain) * self.grain, self.end)
        return {
            "baseline": (self.baseline, low),
            "during": (low, max(low, high)),
            "after": (max(low, high), self.end),
        }

    @property
    def first_slot(self) -> float:
        """The start of the slot in which the first step was taken."""
        return self.begin // self.grain * self.grain


@dataclass(frozen=True, eq=False)
class Course:
    """What was counted of an SLO, or one group of it, from the baseline to the end.

    `allowed` is the error budget of a whole period in events, None if that is not known; `alerts`
    are the times in which burn-rate conditions held, from the first step on.
    """

    target: Target
    history: EventHistory
    allowed: float | None
    alerts: Sequence[AlertSpell] = ()


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """What happened in a phase; the ratio is None without events, `known` a share of its time."""

    phase: Phase
    start: float
    end: float
    bad: float
    total: float
    error_ratio: float | None
    per_second: float | None
    known: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The slot with the highest error ratio: when it ended, and its events."""

    at: float
    error_ratio: float
    bad: float
    total: float


@dataclass(frozen=True, slots=True)
class Departure:
    """How something left its bounds and came back. Times are Unix seconds.

    - `onset`: when it first did; None if it never did.
    - `recovered`: since when it has been within them up to the end; None if it has not.
    - `latest`: the same if all that is not known was beyond them.
    - `steady`: whether it was within its bounds at the end; None if that is not known.
    - `sure`: whether all of the time is known.
    """

    onset: float | None
    recovered: float | None
    latest: float | None
    steady: bool | None
    sure: bool


def phases(course: Course, moments: Moments) -> tuple[PhaseFigures, ...]:
    """The figures of the phases, those without any length left out."""
    return tuple(
        _figures(course.history, phase, start, end)
        for phase, (start, end) in moments.spans().items()
        if end > start
    )


def whole(course: Course, moments: Moments) -> PhaseFigures:
    """The figures from the first step to the end."""
    return _figures(course.history, "during", moments.first_slot, moments.end)


def _figures(history: EventHistory, phase: Phase, start: float, end: float) -> PhaseFigures:
    if end <= start:
        return PhaseFigures(phase, start, start, 0.0, 0.0, None, None, 0.0)
    sums = history.between([start, end]).possible(strict=False)
    bad, total = float(sums.bad[0]), float(sums.total[0])
    known = float(sums.known[0]) + (0.0 if sums.excluded is None else float(sums.excluded[0]))
    seconds = (end - start) * float(sums.known[0])
    return PhaseFigures(
        phase=phase,
        start=start,
        end=end,
        bad=bad,
        total=total,
        error_ratio=bad / total if total > 0 else None,
        per_second=total / seconds if seconds > 0 else None,
        known=min(1.0, known),
    )


def peak(course: Course, moments: Moments) -> Peak | None:
    """The worst slot from the first step on; None if nothing is known of any with events."""
    history = course.history.possible(strict=False)
    inside = (history.bounds[1:] > moments.first_slot) & (history.bounds[1:] <= moments.end)
    inside &= (history.total > 0) & (history.known > 0)
    if not inside.any():
        return None
    ratios = np.where(inside, history.bad / np.where(history.total > 0, history.total, 1), -1.0)
    at = int(ratios.argmax())
    counts = float(history.bad[at]), float(history.total[at])
    return Peak(float(history.bounds[at + 1]), float(ratios[at]), *counts)


def departure(history: EventHistory, bound: SliBound, since: float, until: float) -> Departure:
    """How an SLO left a bound within (since, until], both at bounds of slots."""
    history = history.possible(strict=False)
    windows = _Windows(history, bound)
    bounds, ends = history.bounds, history.bounds[1:]
    inside = (ends > since) & (ends <= until)
    beyond = np.flatnonzero(windows.beyond & inside)
    unknown = np.flatnonzero((_known(history) < KNOWN) & inside)
    sure = not len(unknown)
    newest = np.flatnonzero(ends == until)
    steady: bool | None = None
    if len(newest) and windows.within[newest[0]]:
        steady = True
    elif len(newest) and windows.beyond[newest[0]]:
        steady = False
    if not len(beyond):
        return Departure(None, None, None, steady, sure)
    excess = history.bad - bound.at_most * history.total
    first, last = int(beyond[0]), int(beyond[-1])
    low = max(_first_of(ends, first, bound.window), int(np.flatnonzero(inside)[0]))
    onset = _worst_from(excess, low, first)
    recovered = latest = None
    if steady:
        low = max(_first_of(ends, last, bound.window), onset)
        back = _worst_up_to(excess, low, last)
        recovered = float(ends[back])
        latest = float(ends[max(back, int(unknown.max(initial=back)))])
    return Departure(float(bounds[onset]), recovered, latest, steady, sure)


def _first_of(ends: Floats, last: int, window: int) -> int:
    """The first slot of a window, by the last one."""
    return int(np.searchsorted(ends, ends[last] - window, side="right"))


def _worst_from(excess: Floats, low: int, high: int) -> int:
    """From which slot on there is most beyond the bound: where a change began.

    What failed by chance before it is outweighed by the good slots in between.
    """
    sums = np.cumsum(excess[low : high + 1][::-1])[::-1]
    return low + int(np.flatnonzero(sums >= sums.max() - EQUAL)[-1])


def _worst_up_to(excess: Floats, low: int, high: int) -> int:
    """Up to which slot there is most beyond the bound: where a change ended."""
    sums = np.cumsum(excess[low : high + 1])
    return low + int(np.flatnonzero(sums >= sums.max() - EQUAL)[0])


def steady_until(history: EventHistory, bound: SliBound, since: float, until: float) -> str | None:
    """Why an SLO was not steady in (since, until]; None if it was."""
    history = history.possible(strict=False)
    windows = _Windows(history, bound)
    ends = history.bounds[1:]
    inside = (ends - bound.window >= since) & (ends <= until)
    if not inside.any():
        return "the baseline is shorter than the window of the bound"
    if windows.beyond[inside].any():
        worst = float(np.nanmax(np.where(inside, windows.ratios, np.nan)))
        return f"up to {worst * 100:.3g}% of events failed"
    if windows.within[inside].all():
        return None
    missing = inside & (windows.known < KNOWN)
    if missing.any():
        return f"{missing.sum() / inside.sum():.0%} of it is not known"
    return "there were times without traffic: nothing can be judged by them"


def query_departure(values: Values, bound: QueryBound, since: float, until: float) -> Departure:
    """How a PromQL expression left its bounds after `since`; no value is no good value."""
    found = [(at, of) for at, of in values if since < at <= until]
    out = [at for at, of in found if not of or not all(map(bound.holds, of))]
    if not out:
        return Departure(None, None, None, steady=True if found else None, sure=bool(found))
    back = next((at for at, _ in found if at > out[-1]), None)
    return Departure(out[0], back, back, steady=back is not None, sure=True)


def query_steady(values: Values, bound: QueryBound, since: float, until: float) -> str | None:
    """Why a PromQL expression was not within its bounds in [since, until]; None if it was."""
    found = [of for at, of in values if since <= at <= until]
    if not found or not all(found):
        return "it had no value" if not any(found) else "at times it had no value"
    wrong = next((value for of in found for value in of if not bound.holds(value)), None)
    return None if wrong is None else f"it was {wrong:g}"


def _known(history: EventHistory) -> Floats:
    return history.known if history.excluded is None else history.known + history.excluded


class _Windows:
    """The windows of a bound that end with each slot: which are within it, which beyond."""

    def __init__(self, history: EventHistory, bound: SliBound) -> None:
        ends = history.bounds[1:].astype(np.int64)
        sums = history.sums_over(ends - bound.window, ends)
        self.known = sums.known
        with np.errstate(invalid="ignore", divide="ignore"):
            self.ratios = np.where(sums.total > 0, sums.bad / sums.total, np.nan)
        self.beyond: Bools = self.ratios > bound.at_most
        self.within: Bools = (self.ratios <= bound.at_most) & (self.known >= KNOWN)
