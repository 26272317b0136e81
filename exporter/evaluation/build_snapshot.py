"""From the state to a snapshot: sums over every window, and what else is known of each SLO."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from exporter.evaluation.advance_policy import advance_policy_states, waiting
from exporter.evaluation.recovery import recovery
from exporter.slo.evaluate import Subject, Sums, evaluate
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import SloIndex, enumerate_series
from exporter.slo.windows import WINDOWS, windows
from exporter.state.evaluation_state import EvaluationState


def build_snapshot(
    state: EvaluationState,
    problems: Mapping[SloIndex, str],
    fresh_since: float,
    refused: Collection[SloIndex] = (),
) -> Snapshot:
    """Evaluate all SLOs as of the end of the ledger.

    `problems` are told of with their SLO (by its index); data last answered for before
    `fresh_since` (Unix seconds) are stale. SLOs in `refused` cannot have their whole history.
    """
    ledger = state.ledger
    at = ledger.end
    fresh = state.answered_since(fresh_since).tolist()
    periods = {slo.period for slo in state.slos}
    lengths = {length for period in periods for _, length in windows(period, at)}
    lengths.add(WINDOWS[0])  # tells the state of the data, whatever the period
    everything = {length: ledger.window(length) for length in sorted(lengths)}
    counted = (
        {
            length: sums.without(ledger.window(length, excluded=True))
            for length, sums in everything.items()
        }
        if ledger.excludes
        else everything
    )
    sums = Sums(counted, everything)
    waits = waiting(state, refused)
    policy_states = advance_policy_states(state, sums, waits)
    counters = state.count_the_day()
    newest = ledger.newest_known().tolist()
    subjects = [
        Subject(
            slo=state.slos[entry.slo_index],
            groups=dict(zip(state.slos[entry.slo_index].group_by, entry.group or (), strict=False)),
            answered=fresh[entry.slo_index],
            problem=problems.get(entry.slo_index),
            last_slot=newest[i] or None,
            events_total=entry.total_shown if counters[entry.slo_index] else None,
            bad_events_total=entry.bad_shown if counters[entry.slo_index] else None,
            policy_state=policy_states.get(i),
            waiting=entry.slo_index in waits,
            recovery=recovery(state, i, policy_states.get(i)),
        )
        for i, entry in enumerate_series(state.series.entries)
    ]
    return evaluate(at, subjects, sums)
