"""From the state to a snapshot: sums over every window, and what else is known of each SLO."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np

from exporter.evaluation.advance_policy import advance_policy_states, waiting
from exporter.evaluation.past_slots import PastSlots
from exporter.evaluation.recovery import recoveries
from exporter.slo.evaluate import Sums, evaluate
from exporter.slo.policy_state import PolicyState
from exporter.slo.snapshot import Snapshot
from exporter.slo.subject import Subjects
from exporter.slo.types import (
    Floats,
    Group,
    SeriesIndex,
    SloIndex,
    enumerate_series,
    enumerate_slos,
)
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
    lengths = {
        length for period, own in state.window_kinds for _, length in windows(period, at, own)
    }
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
    wrong = (
        {
            i: words
            for i, entry in enumerate_series(state.series.entries)
            if (words := invalid.get(entry.slo_index, {}).get(entry.group or ()))
        }
        if invalid
        else {}
    )
    policy_states = advance_policy_states(state, sums, waits, wrong.keys())
    lags = _lags(state)
    subjects = _subjects(
        *(state, fresh_since, problems),
        policy_states=policy_states,
        waits=waits,
        wrong=wrong,
        lags=lags,
    )
    return evaluate(at, subjects, _as_of_what_is_there(state, sums, lags), PastSlots(ledger))


def _lags(state: EvaluationState) -> Floats:
    """How many seconds late the data of each series are."""
    of_slos = state.times.lags(state.ledger.end)
    return of_slos[state.series.slo_indices()].astype(np.float64)


def _subjects(
    state: EvaluationState,
    fresh_since: float,
    problems: Mapping[SloIndex, str],
    *,
    policy_states: Mapping[SeriesIndex, PolicyState],
    waits: Collection[SloIndex],
    wrong: Mapping[SeriesIndex, str],
    lags: Floats,
) -> Subjects:
    """What is known of every series besides its counts."""
    entries, of = state.series.entries, state.series.slo_indices()
    states = [policy_states.get(SeriesIndex(i)) for i in range(len(entries))]
    slos = [state.slos[entry.slo_index] for entry in entries]
    past = state.past_of_many.of(slos, states)
    waiting_ = np.zeros(len(state.slos), dtype=np.bool_)
    waiting_[list(waits)] = True
    counted = np.array(state.count_the_day(), dtype=np.bool_)[of]
    bad, total = state.series.shown_of_the_day()
    newest = state.ledger.newest_known()
    return Subjects(
        slos=slos,
        groups=[entry.shown for entry in entries],
        answered=state.answered_since(fresh_since)[of],
        last_slot=np.where(newest > 0, newest, np.nan),
        events_total=np.where(counted, total, np.nan),
        bad_events_total=np.where(counted, bad, np.nan),
        policy_states=states,
        past=past,
        waiting=waiting_[of],
        lag=lags,
        scrape_interval=state.times.scrape_intervals()[of],
        slack=np.array([state.slack(slo_index) for slo_index, _ in enumerate_slos(state.slos)])[of],
        problems={
            i: problems[entry.slo_index]
            for i, entry in enumerate(entries)
            if entry.slo_index in problems
        }
        if problems
        else {},
        recovery=recoveries(state, slos, past),
        invalid={int(i): words for i, words in wrong.items()},
    )


def _as_of_what_is_there(state: EvaluationState, sums: Sums, lags: Floats) -> Sums:
    """The sums, with the windows of SLOs whose data come late ending where these are complete.

    Their period ends where everybody's does.
    """
    ledger = state.ledger
    late: dict[int, list[int]] = defaultdict(list)
    for series_index in np.flatnonzero(lags).tolist():
        late[ledger.end - int(lags[series_index])].append(series_index)
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
