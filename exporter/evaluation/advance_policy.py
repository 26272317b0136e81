"""Judging: the tiers and incidents of every SLO, stepped through slot by slot from the ledger.

A step depends on the ledger and its own time alone. What has settled is judged for good, up to
`EvaluationState.final_until`; what has not is replayed at every evaluation, so an outage of
Prometheus, a restart or a second replica changes nothing in the end. While nothing is known,
nothing moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.collection import pending
from exporter.evaluation.past_windows import PastWindowSums
from exporter.ledger.levels import middle_slot
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.evaluate import Sums
from exporter.slo.incidents import BadSlot, closed, extended
from exporter.slo.policy import Policy
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import (
    Bools,
    Floats,
    SeriesIndex,
    SloIndex,
    Times,
    enumerate_slos,
    slos_where,
)
from exporter.slo.windows import WINDOWS, windows
from exporter.state.evaluation_state import EvaluationState

ROWS = 1_000
"""Rows that are stepped on at once: it bounds the memory that this takes."""


@dataclass(frozen=True, slots=True)
class _Subjects:
    """SLOs that are judged by the same policy from the same moment on.

    - `series_indices`: their series in the ledger, `slo_indices` whose each is.
    - `start`: what was judged for good ends there, Unix seconds.
    - `until`: until when each may be judged for good now.
    - `then`: the policy state of each as of `until`, and `now`: as of the end of the ledger. These
      are what the steps below change.
    """

    series_indices: list[SeriesIndex]
    slo_indices: list[SloIndex]
    start: int
    until: list[int]
    then: list[PolicyState]
    now: list[PolicyState]


@dataclass(frozen=True, slots=True)
class _Budgets:
    """Figures at several boundaries (`ends`, Unix seconds): boundaries x series.

    `budget` is the error budget of a whole period, in events. Where a tier is `held`, too little
    is known. `burn_rates` are by window in seconds, NaN where they are not known.
    """

    ends: Times
    remaining: Floats
    budget: Floats
    held: Bools
    burn_rates: dict[int, Floats]


def advance_policy_states(
    state: EvaluationState, sums: Sums, waiting: Collection[SloIndex]
) -> dict[SeriesIndex, PolicyState]:
    """Step every SLO's policy state on to the end of the ledger.

    Args:
        books: what is known, and was judged for good.
        sums: the ledger's sums over every window and period.
        waiting: SLOs whose history is still being read: they are left as they are.

    Returns:
        The policy state of every series that has one, as of the end of the ledger.
    """
    _step_back(state)
    found: dict[SeriesIndex, PolicyState] = {}
    together: dict[tuple[int, object, int], list[SloIndex]] = defaultdict(list)
    for slo_index, slo in enumerate_slos(state.slos):
        if slo_index in waiting:
            for series_index in state.series.indices(slo_index):
                held = state.policy_state(series_index)
                if held is not None:
                    found[series_index] = held
        else:
            together[_start(state, slo_index), slo.period, state.policies[slo_index]].append(
                slo_index
            )
    for (start, _, _), slo_indices in together.items():
        pairs = [
            (series_index, slo_index)
            for slo_index in slo_indices
            for series_index in state.series.indices(slo_index)
        ]
        for first in range(0, len(pairs), ROWS):
            found |= _judge(state, sums, start, pairs[first : first + ROWS])
        state.final_until[slo_indices] = _settled(state, start, slo_indices)
    return found


def waiting(state: EvaluationState, refused: Collection[SloIndex]) -> set[SloIndex]:
    """The SLOs of which history is missing that can be had; `refused` are refused it."""
    missing = (state.answered <= 0) | pending.unread(state.ledger, state.longest)
    return set(slos_where(missing)) - set(refused)


def _start(state: EvaluationState, slo_index: SloIndex) -> int:
    """Where to step on from: for the first time, from the oldest of the finest slots on."""
    ledger = state.ledger
    until = int(state.final_until[slo_index])
    return max(until, ledger.cover(0)[0])


def _step_back(state: EvaluationState) -> None:
    """Forget what a clock that was ahead has told."""
    end = state.ledger.end
    for slo_index in slos_where(state.final_until > end):
        state.final_until[slo_index] = end
        for series_index in state.series.indices(slo_index):
            held = state.policy_state(series_index)
            if held is not None:
                state.set_policy_state(series_index, held.until(end))


def _judge(
    state: EvaluationState, sums: Sums, start: int, pairs: Sequence[tuple[SeriesIndex, SloIndex]]
) -> dict[SeriesIndex, PolicyState]:
    """Judge series, each given with its SLO, from `start` on."""
    ledger = state.ledger
    ends = np.arange(start + ledger.interval, ledger.end + 1, ledger.interval, dtype=np.int64)
    before = [state.policy_state(series_index) or PolicyState() for series_index, _ in pairs]
    of = _Subjects(
        series_indices=[series_index for series_index, _ in pairs],
        slo_indices=[slo_index for _, slo_index in pairs],
        start=start,
        until=_settled(state, start, [slo_index for _, slo_index in pairs]),
        then=list(before),
        now=list(before),
    )
    tracks = PastWindowSums(ledger, sums, of.series_indices)
    known = tracks.recent(ends, max(WINDOWS[0], ledger.interval)) > 0
    some = known.any(axis=1)
    if some.any():
        figures = _budgets(state, tracks, of, ends[some], ~known[some])
        _move(state.slos[of.slo_indices[0]].policy, of, figures)
        _look_back(state, of, figures)
        _extend(state, tracks, of, figures)
    for series_index, old, new in zip(of.series_indices, before, of.then, strict=True):
        if new is not old:
            state.set_policy_state(series_index, new)
    return dict(zip(of.series_indices, of.now, strict=True))


def _settled(state: EvaluationState, start: int, slo_indices: Sequence[SloIndex]) -> list[int]:
    """Until when each SLO's slots behind `start` have settled without a gap."""
    ledger = state.ledger
    first = (start - ledger.cover(0)[0]) // ledger.interval
    settled = ledger.asked(0)[list(slo_indices), first:] == SlotStatus.SETTLED
    found: list[int] = (start + np.cumprod(settled, axis=1).sum(axis=1) * ledger.interval).tolist()
    return found


def _budgets(
    state: EvaluationState, tracks: PastWindowSums, of: _Subjects, ends: Times, unknown: Bools
) -> _Budgets:
    slo = state.slos[of.slo_indices[0]]
    allowed = np.array(
        [state.slos[slo_index].objective.error_budget for slo_index in of.slo_indices]
    )
    spans = [slo.period.span(int(end)) for end in ends]
    track = tracks.along(ends, [end - span.elapsed for end, span in zip(ends, spans, strict=True)])
    bad, total, known = track.bad, track.total, track.known
    with np.errstate(divide="ignore", invalid="ignore"):
        remaining = np.where(total > 0, 1 - bad / (allowed * total), 1.0)
        # What the part of the period that is known allows, for all of it. The shares of slots
        # that are known have few digits, and add up to more or less by how slots have merged.
        whole = np.array([span.length / span.elapsed for span in spans])[:, None] / known.round(6)
        budget = np.where(known > 0, allowed * total * whole, np.inf)
        own = {seconds for _, seconds in windows(slo.period, int(ends[-1]))}
        rates = {}
        for window in own.intersection(slo.policy.burn_windows):
            within = tracks.along(ends, [int(end) - window for end in ends])
            rate = within.bad / within.total / allowed
            idle = np.where(within.total > 0, rate, 0.0)
            rates[window] = np.where(within.known > 0, idle, np.nan)
    return _Budgets(
        ends=ends,
        remaining=remaining,
        budget=budget,
        held=unknown | (known < slo.policy.min_coverage),
        burn_rates=rates,
    )


def _severities(policy: Policy, figures: _Budgets, margin: float) -> NDArray[np.int64]:
    """`Policy.tier` of all boundaries and series at once, as severities."""
    left = figures.remaining
    found = np.zeros(left.shape, dtype=np.int64)
    for tier in policy.tiers[:-1]:
        found += ~((left > tier.above + margin) | (bool(margin) & (left >= 1) & (tier.above < 1)))
    for severity, tier in enumerate(policy.tiers):
        if tier.burn_rate is not None and tier.burn_rate.window in figures.burn_rates:
            burns = figures.burn_rates[tier.burn_rate.window] > tier.burn_rate.above
            found = np.where(burns, np.maximum(found, severity), found)
    return found


def _move(policy: Policy, of: _Subjects, figures: _Budgets) -> None:
    """Step the tiers on. Most stay where they are, which is seen of all of them at once."""
    tiers = [policy_state.tier(policy) for policy_state in of.now]
    current = np.array([-1 if tier is None else policy.severity(tier) for tier in tiers])
    plain = _severities(policy, figures, 0.0)
    eased = _severities(policy, figures, policy.recover_margin)
    moving = (((plain > current) | (eased < current)) & ~figures.held).any(axis=0)
    for i in np.flatnonzero(moving).tolist():
        column = plain[:, i], eased[:, i], figures.held[:, i]
        k = _next(policy, of.now[i], figures, column, -1)
        while k is not None:
            at = int(figures.ends[k])
            rates = {window: _known(found[k, i]) for window, found in figures.burn_rates.items()}
            of.now[i] = of.now[i].moved(policy, at, float(figures.remaining[k, i]), rates)
            if at <= of.until[i]:
                of.then[i] = of.now[i]
            k = _next(policy, of.now[i], figures, column, k)


def _next(
    policy: Policy,
    now: PolicyState,
    figures: _Budgets,
    column: tuple[NDArray[np.int64], NDArray[np.int64], Bools],
    after: int,
) -> int | None:
    """The first boundary behind the place `after` at which a tier may change."""
    plain, eased, held = column
    tier = now.tier(policy)
    if tier is None:
        may = ~held
    else:
        severity = policy.severity(tier)
        stayed = figures.ends >= now.changes[-1].at + policy.min_stay
        may = ~held & ((plain > severity) | ((eased < severity) & stayed))
    places = np.flatnonzero(may[after + 1 :])
    return after + 1 + int(places[0]) if places.size else None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _look_back(state: EvaluationState, of: _Subjects, figures: _Budgets) -> None:
    """Find the incidents of the time before an SLO was first judged, at the ledger's own grain."""
    unit = middle_slot(state.ledger.interval)
    until = of.start - of.start % unit
    for i, (series_index, slo_index) in enumerate(
        zip(of.series_indices, of.slo_indices, strict=True)
    ):
        slo = state.slos[slo_index]
        if state.final_until[slo_index]:
            continue
        since = slo.period.span(state.ledger.end).start
        starts, ends, bad, total, _ = state.ledger.slots_of(series_index, since)
        burns = (bad > total * slo.objective.error_budget) & (ends <= until) & (starts >= since)
        found = of.now[i].incidents
        for k in np.flatnonzero(burns).tolist():
            slot = BadSlot(
                int(starts[k]), int(ends[k]), float(bad[k]), float(figures.budget[-1, i])
            )
            found = extended(found, slot, slo.policy.postmortem_above)
        found = closed(found, until)
        of.now[i] = of.now[i].with_incidents(found)
        of.then[i] = of.then[i].with_incidents(found)


def _extend(
    state: EvaluationState, tracks: PastWindowSums, of: _Subjects, figures: _Budgets
) -> None:
    """Step the incidents on, in slots of the ledger's middle level (five minutes)."""
    unit = middle_slot(state.ledger.interval)
    first = of.start - of.start % unit + unit
    ends = np.arange(first, state.ledger.end + 1, unit, dtype=np.int64)
    places = {int(end): k for k, end in enumerate(figures.ends)}
    bad = np.zeros((len(ends), len(of.series_indices)))
    burns = np.zeros(bad.shape, dtype=np.bool_)
    allowed = np.array(
        [state.slos[slo_index].objective.error_budget for slo_index in of.slo_indices]
    )
    for k, end in enumerate(ends.tolist()):
        if end in places:
            counts = tracks.between(end - unit, end)
            bad[k] = counts.bad
            burns[k] = bad[k] > counts.total * allowed
    open_ = np.array([bool(one.incidents) and one.incidents[-1].open for one in of.now])
    for i in np.flatnonzero(burns.any(axis=0) | open_).tolist():
        above = state.slos[of.slo_indices[i]].policy.postmortem_above
        found = settled = of.now[i].incidents
        for k, end in enumerate(ends.tolist()):
            if burns[k, i]:
                budget = float(figures.budget[places[end], i])
                found = extended(found, BadSlot(end - unit, end, float(bad[k, i]), budget), above)
            found = closed(found, end)
            if end <= of.until[i]:
                settled = found
        of.now[i], of.then[i] = of.now[i].with_incidents(found), of.then[i].with_incidents(settled)
