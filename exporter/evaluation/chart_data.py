"""What the charts of the page are drawn from: the courses of SLOs, out of the state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exporter.slo.event_history import EventHistory
from exporter.slo.snapshot import SloStatus
from exporter.state.evaluation_state import EvaluationState


def event_histories(
    state: EvaluationState, statuses: Sequence[SloStatus]
) -> list[EventHistory | None]:
    """The event histories of some SLOs as far as the ledger has them, maintenance windows left out.

    They are copies. None stands for an SLO that has left the state since the snapshot.
    """
    sources = _sources(state, statuses)
    rows = [_row(state, sources, status) for status in statuses]
    there = [row for row in rows if row is not None]
    if not there:
        return [None] * len(rows)
    found = dict(zip(there, _read(state, there), strict=True))
    return [None if row is None else found[row] for row in rows]


def _sources(state: EvaluationState, statuses: Sequence[SloStatus]) -> dict[tuple[str, str], int]:
    wanted = {(status.slo.service, status.slo.name) for status in statuses}
    return {
        name: source
        for source, slo in enumerate(state.slos)
        if (name := (slo.service, slo.name)) in wanted
    }


def _row(
    state: EvaluationState, sources: dict[tuple[str, str], int], status: SloStatus
) -> int | None:
    source = sources.get((status.slo.service, status.slo.name))
    if source is None:
        return None
    group = tuple(status.groups.values())
    held = zip(state.rows.groups(source), state.rows.of(source), strict=True)
    return next((row for of, row in held if of == group), None)


def _read(state: EvaluationState, rows: Sequence[int]) -> list[EventHistory]:
    """The event histories of rows, oldest slots first."""
    ledger = state.ledger
    bounds, counts = [], []
    for level in reversed(range(len(ledger.levels))):
        start, end = ledger.cover(level)
        bounds.append(np.arange(start, end, ledger.levels[level].slot, dtype=np.float64))
        slots, excluded = ledger.read_rows(level, rows)
        arrays = slots.arrays()
        if excluded is not None:
            arrays = (
                array - out for array, out in zip(slots.arrays(), excluded.arrays(), strict=True)
            )
        counts.append([np.asarray(array, dtype=np.float64) for array in arrays])
    edges = np.append(np.concatenate(bounds), float(ledger.end))
    bad, total, known = (np.concatenate(parts, axis=1) for parts in zip(*counts, strict=True))
    return [EventHistory(edges, bad[i], total[i], known[i]) for i in range(len(rows))]
