"""What the charts of the page are drawn from: the courses of SLOs, out of the state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exporter.ledger.slots import Slots
from exporter.slo.event_history import EventHistory
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import SeriesIndex, SloIndex, enumerate_slos
from exporter.state.evaluation_state import EvaluationState


def event_histories(
    state: EvaluationState, statuses: Sequence[SloStatus]
) -> list[EventHistory | None]:
    """The event histories of some SLOs as far as the ledger has them, maintenance windows left out.

    They are copies. None stands for an SLO that has left the state since the snapshot.
    """
    series_indices = series_of(state, statuses)
    there = [series_index for series_index in series_indices if series_index is not None]
    if not there:
        return [None] * len(series_indices)
    found = dict(zip(there, read(state, there), strict=True))
    return [
        None if series_index is None else found[series_index] for series_index in series_indices
    ]


def series_of(state: EvaluationState, statuses: Sequence[SloStatus]) -> list[SeriesIndex | None]:
    """The series of some SLOs; None for those that have left the state since the snapshot."""
    slo_indices = slo_indices_of(state, statuses)
    return [_series_index(state, slo_indices, status) for status in statuses]


def slo_indices_of(
    state: EvaluationState, statuses: Sequence[SloStatus]
) -> dict[tuple[str, str], SloIndex]:
    """Where some SLOs are, by service and name, as far as they are still there."""
    wanted = {(status.slo.service, status.slo.name) for status in statuses}
    return {
        name: slo_index
        for slo_index, slo in enumerate_slos(state.slos)
        if (name := (slo.service, slo.name)) in wanted
    }


def _series_index(
    state: EvaluationState, slo_indices: dict[tuple[str, str], SloIndex], status: SloStatus
) -> SeriesIndex | None:
    slo_index = slo_indices.get((status.slo.service, status.slo.name))
    if slo_index is None:
        return None
    group = tuple(status.groups.values())
    held = zip(state.series.groups(slo_index), state.series.indices(slo_index), strict=True)
    return next((series_index for each, series_index in held if each == group), None)


def read(state: EvaluationState, series_indices: Sequence[SeriesIndex]) -> list[EventHistory]:
    """The event histories of series, oldest slots first."""
    ledger = state.ledger
    bounds, counts = [], []
    for level in reversed(range(len(ledger.levels))):
        start, end = ledger.cover(level)
        bounds.append(np.arange(start, end, ledger.levels[level].slot, dtype=np.float64))
        slots, left_out = ledger.read_series(level, series_indices)
        out = Slots.none(*slots.bad.shape) if left_out is None else left_out
        pairs = zip(slots.arrays(), out.arrays(), strict=True)
        counts.append([np.subtract(*pair, dtype=np.float64) for pair in pairs])
        counts[-1].append(out.known.astype(np.float64))
    edges = np.append(np.concatenate(bounds), float(ledger.end))
    parts = (np.concatenate(each, axis=1) for each in zip(*counts, strict=True))
    bad, total, known, excluded = parts
    return [
        EventHistory(edges, bad[i], total[i], known[i], excluded[i] if ledger.excludes else None)
        for i in range(len(series_indices))
    ]
