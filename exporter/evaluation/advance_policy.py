"""The tiers, firings and incidents of every SLO, advanced slot by slot from the ledger.

A step depends on the ledger and its own time alone. What has settled becomes final, up to
`PolicyRecords.until`; what has not is replayed at every evaluation, so an outage of
Prometheus, a restart or a second replica changes nothing in the end. While nothing is known,
nothing moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from exporter.evaluation.firing_steps import move_firings
from exporter.evaluation.incident_steps import extend_incidents, find_past_incidents
from exporter.evaluation.past_windows import PastWindowSums, WindowsOverTime
from exporter.evaluation.policy_batch import Figures, PolicyBatch, read_figures
from exporter.evaluation.tier_steps import move_tiers
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.evaluate import Sums
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import SeriesIndex, SloIndex, Times, enumerate_slos, slos_where
from exporter.slo.windows import WINDOWS
from exporter.state.evaluation_state import EvaluationState

CELLS = 360_000
"""Figures that are computed at once, of boundaries x series: it bounds the memory that this takes.
Ten thousand series are moved over the slots that have not settled in one go."""


def advance_policy_states(
    state: EvaluationState,
    sums: Sums,
    waiting: Collection[SloIndex],
    invalid: Collection[SeriesIndex] = (),
) -> dict[SeriesIndex, PolicyState]:
    """Advance every SLO's policy state to the end of the ledger.

    Args:
        state: what is known, and what of it is final.
        sums: the ledger's sums over every window and period.
        waiting: SLOs whose history is still being read: they are left as they are.
        invalid: series of which no figure can be right: so are they.

    Returns:
        The policy state of every series that has one, as of the end of the ledger.
    """
    state.policy_records.step_back(state.ledger.end)
    states: dict[SeriesIndex, PolicyState] = {}
    # The first time, an SLO's steps begin at the oldest of the finest slots.
    final_until, oldest = state.policy_records.until, state.ledger.cover(0)[0]
    together: dict[tuple[int, object, int], list[SloIndex]] = defaultdict(list)
    for slo_index, slo in enumerate_slos(state.slos):
        if slo_index in waiting:
            for series_index in state.series.indices(slo_index):
                held = state.policy_records.get(series_index)
                if held is not None:
                    states[series_index] = held
        else:
            start = max(final_until[slo_index], oldest)
            together[start, slo.period, state.policies[slo_index]].append(slo_index)
    for series_index in invalid:
        held = state.policy_records.get(series_index)
        if held is not None:
            states[series_index] = held
    for (start, _, _), slo_indices in together.items():
        pairs = [
            (series_index, slo_index)
            for slo_index in slo_indices
            for series_index in state.series.indices(slo_index)
            if series_index not in invalid
        ]
        boundaries = (state.ledger.end - start) // state.ledger.interval
        at_once = max(1, CELLS // max(1, boundaries))
        for first in range(0, len(pairs), at_once):
            states |= _advance(state, sums, start, pairs[first : first + at_once])
        state.policy_records.advance(slo_indices, _settled(state, start, slo_indices))
    return states


def waiting(state: EvaluationState, refused: Collection[SloIndex]) -> set[SloIndex]:
    """The SLOs of which history is missing that can be had; `refused` are refused it."""
    return set(slos_where(state.incomplete())) - set(refused)


def _advance(
    state: EvaluationState, sums: Sums, start: int, pairs: Sequence[tuple[SeriesIndex, SloIndex]]
) -> dict[SeriesIndex, PolicyState]:
    """Advance series, each given with its SLO, from `start` on."""
    ledger = state.ledger
    ends = np.arange(start + ledger.interval, ledger.end + 1, ledger.interval, dtype=np.int64)
    held = state.policy_records.all_of(series_index for series_index, _ in pairs)
    before = [each or PolicyState() for each in held]
    slo_indices = [slo_index for _, slo_index in pairs]
    batch = PolicyBatch(
        series=[series_index for series_index, _ in pairs],
        slo_indices=slo_indices,
        slos=[state.slos[slo_index] for slo_index in slo_indices],
        start=start,
        until=_settled(state, start, slo_indices),
        slack=np.array([state.slack(slo_index) for slo_index in slo_indices]),
        final=list(before),
        now=list(before),
    )
    past = PastWindowSums(ledger, sums, batch.series)
    figures = move(batch, past, ends, ledger.interval)
    if figures is not None:
        until = state.policy_records.until
        final_until = {slo_index: until[slo_index] for slo_index in slo_indices}
        find_past_incidents(ledger, batch, figures, final_until)
        extend_incidents(ledger, batch, past, figures)
    for series_index, old, new in zip(batch.series, before, batch.final, strict=True):
        if new is not old:
            state.policy_records.put(series_index, new)
    return dict(zip(batch.series, batch.now, strict=True))


def move(batch: PolicyBatch, past: WindowsOverTime, ends: Times, interval: int) -> Figures | None:
    """Move tiers and firings over some boundaries (Unix seconds), as far as anything is known.

    Args:
        batch: what is moved.
        past: the sums of its series.
        ends: the boundaries, ascending.
        interval: the length of the finest slots, in seconds.

    Returns:
        The figures of the boundaries at which anything is known; None if there are none.
    """
    known = past.recent(ends, max(WINDOWS[0], interval)) > 0
    some = known.any(axis=1)
    if not some.any():
        return None
    figures = read_figures(batch, past, ends[some], ~known[some])
    move_tiers(batch, figures)
    move_firings(batch, past, figures.ends)
    return figures


def _settled(state: EvaluationState, start: int, slo_indices: Sequence[SloIndex]) -> list[int]:
    """Until when each SLO's slots behind `start` have settled without a gap."""
    ledger = state.ledger
    settled = ledger.asked(0, start)[list(slo_indices)] == SlotStatus.SETTLED
    without_a_gap = np.logical_and.accumulate(settled, axis=1).sum(axis=1)
    until: list[int] = (start + without_a_gap * ledger.interval).tolist()
    return until
