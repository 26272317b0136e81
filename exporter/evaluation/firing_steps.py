"""The firings of many SLOs: at which boundaries their burn-rate conditions held."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exporter.evaluation.past_windows import NOTHING, WindowsOverTime
from exporter.evaluation.policy_batch import PolicyBatch
from exporter.slo.firings import Course, Windows, ended_without, followed, gone_on
from exporter.slo.period import spans
from exporter.slo.plausible import impossible
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing
from exporter.slo.types import Bools, Floats, Times
from exporter.slo.windows import WINDOWS, BurnRateCondition, WindowSums

_Where = tuple[Bools, Bools]
"""Where a condition holds, and where that is known: boundaries x series."""

AT_ONCE = 100
"""Series whose slots are read at once: nothing else in this process runs meanwhile."""


def move_firings(batch: PolicyBatch, past: WindowsOverTime, ends: Times) -> None:
    """Follow every condition over some boundaries (`ends`, Unix seconds).

    Where a window of a condition is unknown or cannot be, what fires goes on and nothing begins.
    """
    slo = batch.slos[0]
    periods = [span.length for span in spans(slo.period, ends)]
    strictest = min(batch.slos, key=lambda each: each.objective.error_budget)
    conditions = strictest.conditions(periods[-1])
    _end_those_without_a_condition(batch, conditions, int(ends[0]))
    lengths = {length for each in conditions for length in (each.long, each.short)} | {WINDOWS[0]}
    thresholds = {
        each: np.array([each.threshold(period) for period in periods]) for each in conditions
    }
    places = _may_fire(batch, past, ends, conditions, min(periods))
    for first in range(0, len(places), AT_ONCE):
        part = places[first : first + AT_ONCE]
        windows = past.windows(part, ends, lengths)
        where = {
            condition: _holds(batch, part, condition, thresholds[condition], windows)
            for condition in conditions
        }
        _follow_all(batch, part, ends, where)


def _fires(state: PolicyState) -> bool:
    """Whether any condition does."""
    return any([firing.open for firing in state.firings])  # noqa: C419 - a list is quicker here


def _end_those_without_a_condition(
    batch: PolicyBatch, conditions: tuple[BurnRateCondition, ...], at: int
) -> None:
    """End the firings of conditions that the configuration no longer has."""
    known = {_windows(condition) for condition in conditions}
    for states in (batch.now, batch.final):
        for i, state in enumerate(states):
            if _fires(state):
                states[i] = state.with_firings(ended_without(state.firings, known, at))


def _may_fire(
    batch: PolicyBatch,
    past: WindowsOverTime,
    ends: Times,
    conditions: tuple[BurnRateCondition, ...],
    period: int,
) -> list[int]:
    """The places of those that fire, and of those that may.

    A long window at any of the boundaries holds no more bad events than all of them together, and
    no fewer events than what they share. `period` is the shortest, in seconds.
    """
    first, last = int(ends[0]), int(ends[-1])
    may = np.array([_fires(state) for state in batch.now], dtype=np.bool_)
    for condition in conditions:
        bad, total = past.bounds(first, last, condition.long)
        enough = batch.error_budgets * condition.threshold(period) * total
        may |= (bad > NOTHING) & (bad > enough - NOTHING)
    return np.flatnonzero(may).tolist()


def _holds(
    batch: PolicyBatch,
    places: list[int],
    condition: BurnRateCondition,
    thresholds: Floats,
    windows: dict[int, WindowSums],
) -> _Where:
    """Where a condition holds, and where that is known."""
    allowed = batch.error_budgets[places]
    least = [batch.slos[i].low_traffic for i in places]
    long, short = windows[condition.long], windows[condition.short]
    known = (long.known > 0) & (short.known > 0)
    slack, newest = batch.slack[places], windows[WINDOWS[0]]
    known &= ~impossible(newest.bad, newest.total, WINDOWS[0], slack)
    holds = (long.total >= [each.min_events for each in least]) & (
        long.bad >= [each.min_bad_events for each in least]
    )
    for sums, length in ((long, condition.long), (short, condition.short)):
        known &= ~impossible(sums.bad, sums.total, length, slack)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(sums.total > 0, sums.bad / sums.total, 0.0)
        holds &= ratio / allowed > thresholds[:, None]
    return holds, known


def _follow_all(
    batch: PolicyBatch, places: list[int], ends: Times, where: Mapping[BurnRateCondition, _Where]
) -> None:
    """Follow all conditions of some series; what is final goes into what is now."""
    until = np.array([batch.until[i] for i in places])
    settled = ends[:, None] <= until
    some_settled: list[bool] = np.asarray(settled.any(axis=0)).tolist()
    now = {_windows(each): _courses(ends, *of) for each, of in where.items()}
    final = {
        _windows(each): _courses(ends, holds, known & settled)
        for each, (holds, known) in where.items()
    }
    for column, i in enumerate(places):
        for states, courses, any_ in (
            (batch.final, final, some_settled[column]),
            (batch.now, now, True),
        ):
            firings: tuple[Firing, ...] | None = states[i].firings
            if any_:
                own = {windows: of[column] for windows, of in courses.items()}
                firings = gone_on(states[i].firings, own)
            if firings is None:
                firings = states[i].firings
                for condition, (holds, known) in where.items():
                    sure = known[:, column]
                    if states is batch.final:
                        sure = sure & settled[:, column]
                    firings = followed(firings, condition, ends[sure], holds[sure, column])
            states[i] = states[i].with_firings(firings)


def _courses(ends: Times, holds: Bools, known: Bools) -> list[Course]:
    """How a condition did at the boundaries at which that is known, series by series."""
    last = len(ends) - 1 - known[::-1].argmax(axis=0)
    newest = np.where(known.any(axis=0), ends[last], 0)
    held, throughout = (holds & known).any(axis=0), (holds | ~known).all(axis=0)
    distinct: dict[tuple[int, bool, bool], Course] = {}
    columns = zip(newest.tolist(), *np.array([held, throughout]).tolist(), strict=True)
    return [distinct.setdefault(each, Course(*each)) for each in columns]


def _windows(condition: BurnRateCondition) -> Windows:
    return condition.severity, condition.long, condition.short
