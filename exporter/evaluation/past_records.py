"""The records of SLOs as far back as they are kept: a snapshot has those of the period alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exporter.evaluation.chart_data import series_of
from exporter.slo.policy_state import PolicyState
from exporter.slo.snapshot import SloStatus
from exporter.state.evaluation_state import EvaluationState


def with_past(state: EvaluationState, statuses: Sequence[SloStatus]) -> list[SloStatus]:
    """The statuses with the incidents and firings of a year, oldest first."""
    found = []
    for status, series_index in zip(statuses, series_of(state, statuses), strict=True):
        final = None if series_index is None else state.policy_records.get(series_index)
        found.append(status if final is None else _with(status, final))
    return found


def _with(status: SloStatus, final: PolicyState) -> SloStatus:
    """What is over and has settled comes from the records, and all else from the status."""
    incidents = {one.start: one for one in final.incidents if not one.open}
    incidents |= {one.start: one for one in status.incidents}
    firings = {(one.start, one.name): one for one in final.firings if not one.open}
    firings |= {(one.start, one.name): one for one in status.firings}
    return replace(
        status,
        incidents=tuple(incidents[start] for start in sorted(incidents)),
        firings=tuple(firings[key] for key in sorted(firings)),
    )
