"""From the state to a snapshot: sums over every window, and what else is known of each SLO."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np

from exporter.evaluation.advance_policy import advance_policy_states, waiting
from exporter.evaluation.past_slots import PastSlots
from exporter.evaluation.recovery import recovery
from exporter.slo.evaluate import Sums, evaluate
from exporter.slo.snapshot import Snapshot
from exporter.slo.subject import Subject
from exporter.slo.types import Group, SloIndex, enumerate_series, enumerate_slos
from exporter.slo.windows import WINDOWS, windows
from exporter.state.evaluation_state import EvaluationState


def build_snapshot(
    state: EvaluationState,
    problems: Mapping[SloIndex, str],
    fresh_since: float,
    refused: Collection[SloIndex] = (),
    invalid: Mapping[SloIndex, Mapping[Group, str]] | None = None,
    *,
    tiers: bool = True,
) -> Snapshot:
    """Evaluate all SLOs as of the end of the ledger.

    `problems` are told of with their SLO (by its index); data last answered for before
    `fresh_since` (Unix seconds) are stale. SLOs in `refused` cannot have their whole history;
    `invalid` tells of groups why no figure of theirs can be right. Without `tiers` these stay as
    they are.
    """
    invalid = invalid or {}
    ledger = state.ledger
    at = ledger.end
    fresh = state.answered_since(fresh_since).tolist()
    kinds = {(slo.period, slo.alerting.windows) for slo in state.slos}
    lengths = {length for period, own in kinds for _, length in windows(period, at, own)}
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
    waits = (
        waiting(state, refused)
        if tiers
        else {slo_index for slo_index, _ in enumerate_slos(state.slos)}
    )
    wrong = {
        i: words
        for i, entry in enumerate_series(state.series.entries)
        if (words := invalid.get(entry.slo_index, {}).get(entry.group or ()))
    }
    policy_states = advance_policy_states(state, sums, waits, wrong.keys())
    counters = state.count_the_day()
    newest = ledger.newest_known().tolist()
    subjects = [
        Subject(
            slo=state.slos[entry.slo_index],
            groups=state.slos[entry.slo_index].groups(entry.group or ()),
            answered=fresh[entry.slo_index],
            problem=problems.get(entry.slo_index),
            last_slot=newest[i] or None,
            events_total=entry.total_shown if counters[entry.slo_index] else None,
            bad_events_total=entry.bad_shown if counters[entry.slo_index] else None,
            policy_state=policy_states.get(i),
            waiting=entry.slo_index in waits,
            recovery=recovery(state, i, policy_states.get(i)),
            lag=state.times.lag(entry.slo_index, at),
            scrape_interval=state.times.scrape_interval(entry.slo_index),
            invalid=wrong.get(i),
            slack=state.slack(entry.slo_index),
        )
        for i, entry in enumerate_series(state.series.entries)
    ]
    return evaluate(at, subjects, _as_of_what_is_there(state, sums), PastSlots(ledger))


def _as_of_what_is_there(state: EvaluationState, sums: Sums) -> Sums:
    """The sums, with the windows of SLOs whose data come late ending where these are complete.

    Their period ends where everybody's does.
    """
    ledger = state.ledger
    late: dict[int, list[int]] = defaultdict(list)
    for series_index, entry in enumerate_series(state.series.entries):
        lag = state.times.lag(entry.slo_index, ledger.end)
        if lag:
            late[ledger.end - lag].append(series_index)
    if not late:
        return sums
    counted, everything = dict(sums.counted), dict(sums.everything)
    own = {length for slo in state.slos for length in slo.alerting.windows}
    for length in own & everything.keys():
        for until, series in late.items():
            at = np.asarray(series, dtype=np.intp)
            moved = ledger.between(until - length, until, series_indices=at)
            out = ledger.between(until - length, until, excluded=True, series_indices=at)
            everything[length] = everything[length].with_part(at, moved)
            counted[length] = counted[length].with_part(at, moved.without(out))
    return Sums(counted, everything)
