"""Postmortems that somebody has taken care of."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.slo.records import Acknowledgement, Incident
from exporter.slo.types import enumerate_series
from exporter.state.evaluation_state import EvaluationState


def acknowledge(
    state: EvaluationState,
    slo: tuple[str, str],
    groups: Mapping[str, str],
    start: int,
    word: Acknowledgement,
) -> Incident | None:
    """Note in the state that the postmortem of an incident is taken care of.

    Args:
        books: what was judged for good.
        slo: service and name.
        groups: the values of the SLO's group_by labels.
        start: when the incident began, Unix seconds.
        word: who says so, and where it is.

    Returns:
        The incident with that; None if there is none that requires a postmortem.
    """
    for series_index, of in enumerate_series(state.series.entries):
        asked = state.slos[of.slo_index]
        named = dict(zip(asked.group_by, of.group or (), strict=False))
        policy_state = state.policy_state(series_index)
        if (asked.service, asked.name) != slo or named != groups or policy_state is None:
            continue
        found = policy_state.acknowledged(start, word)
        if found is not None:
            state.set_policy_state(series_index, found)
            return next(one for one in found.incidents if one.start == start)
    return None
