"""The firings of many SLOs: at which boundaries their burn-rate conditions held."""

from __future__ import annotations

import numpy as np

from exporter.evaluation.past_windows import PastWindowSums
from exporter.evaluation.policy_batch import PolicyBatch
from exporter.ledger.ledger import Ledger
from exporter.slo.evaluate import Sums
from exporter.slo.firings import ended_without, followed
from exporter.slo.types import Bools, Floats, Times
from exporter.slo.windows import BurnRateCondition, WindowSums, conditions_for


def move_firings(ledger: Ledger, sums: Sums, batch: PolicyBatch, ends: Times) -> None:
    """Follow every condition over some boundaries (`ends`, Unix seconds).

    Where a window of a condition is unknown, what fires goes on and nothing begins.
    """
    slo = batch.slos[0]
    lengths = [slo.period.span(int(end)).length for end in ends]
    conditions = conditions_for(slo.period, lengths[-1], min(batch.error_budgets().tolist()))
    _end_those_without_a_condition(batch, conditions, int(ends[0]))
    places = _may_fire(ledger, batch, ends, conditions)
    if not places:
        return
    past = PastWindowSums(ledger, sums, [batch.series[i] for i in places])
    seconds = {window for one in conditions for window in (one.long, one.short)}
    windows = {of: past.along(ends, [int(end) - of for end in ends]) for of in seconds}
    for condition in conditions:
        thresholds = np.array([condition.threshold(length) for length in lengths])
        holds, known = _holds(batch, places, condition, thresholds, windows)
        for column, i in enumerate(places):
            at_all = zip(ends.tolist(), holds[:, column].tolist(), known[:, column], strict=True)
            _follow(batch, i, condition, [(at, held) for at, held, sure in at_all if sure])


def _end_those_without_a_condition(
    batch: PolicyBatch, conditions: tuple[BurnRateCondition, ...], at: int
) -> None:
    """End the firings of conditions that the configuration no longer has."""
    known = {(one.severity, one.long, one.short) for one in conditions}
    for states in (batch.now, batch.final):
        for i, state in enumerate(states):
            if any(one.open for one in state.firings):
                states[i] = state.with_firings(ended_without(state.firings, known, at))


def _may_fire(
    ledger: Ledger, batch: PolicyBatch, ends: Times, conditions: tuple[BurnRateCondition, ...]
) -> list[int]:
    """The places of those that have anything bad in a short window, or that fire."""
    longest = max((condition.short for condition in conditions), default=0)
    series = np.asarray(batch.series, dtype=np.intp)
    bad = ledger.between(int(ends[0]) - longest, int(ends[-1]), series_indices=series).bad
    return [
        i
        for i, some in enumerate((bad > 0).tolist())
        if some or any(one.open for one in batch.now[i].firings)
    ]


def _holds(
    batch: PolicyBatch,
    places: list[int],
    condition: BurnRateCondition,
    thresholds: Floats,
    windows: dict[int, WindowSums],
) -> tuple[Bools, Bools]:
    """Where a condition holds, and where that is known: boundaries x series."""
    allowed = batch.error_budgets()[places]
    least = [batch.slos[i].low_traffic for i in places]
    long, short = windows[condition.long], windows[condition.short]
    holds = (long.total >= [of.min_events for of in least]) & (
        long.bad >= [of.min_bad_events for of in least]
    )
    for sums in (long, short):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(sums.total > 0, sums.bad / sums.total, 0.0)
        holds &= ratio / allowed > thresholds[:, None]
    return holds, (long.known > 0) & (short.known > 0)


def _follow(
    batch: PolicyBatch, i: int, condition: BurnRateCondition, boundaries: list[tuple[int, bool]]
) -> None:
    before = batch.now[i]
    if not any(held for _, held in boundaries) and not any(one.open for one in before.firings):
        return
    final = [(at, held) for at, held in boundaries if at <= batch.until[i]]
    batch.final[i] = batch.final[i].with_firings(followed(batch.final[i].firings, condition, final))
    batch.now[i] = before.with_firings(followed(before.firings, condition, boundaries))
