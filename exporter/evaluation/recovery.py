"""When tiers get better: the forecast of each SLO, from its slots in the ledger."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import MIDDLE_SLOT
from exporter.slo import forecast
from exporter.slo.model import Slo
from exporter.slo.past_figures import PastFigures
from exporter.slo.period import CalendarPeriod
from exporter.slo.types import SeriesIndex
from exporter.state.evaluation_state import EvaluationState

AT_ONCE = 100
"""Series whose slots are read at once: it bounds the memory that this takes."""


def recoveries(
    state: EvaluationState, slos: Sequence[Slo], past: Sequence[PastFigures]
) -> Mapping[int, float]:
    """When the tiers of series get better if nothing more fails, Unix seconds; nothing of those
    that are in the best.

    It moves slowly, so it is computed when the tier changes, and every five minutes; while an
    incident is under way, always.
    """
    end, entries = state.ledger.end, state.series.entries
    keys: dict[SeriesIndex, Hashable] = {}
    for i, each in enumerate(past):
        if each.severity > 0:
            moment = end if each.burns else end // MIDDLE_SLOT
            entry = entries[i]
            keys[SeriesIndex(i)] = entry.slo_index, entry.group, each.since, moment
    found = dict(state.policy_records.forecasts(keys))
    alike: dict[tuple[int, int], list[SeriesIndex]] = {}
    for series_index in keys.keys() - found.keys():
        slo = slos[series_index]
        alike.setdefault((id(slo.policy), id(slo.period)), []).append(series_index)
    new: dict[SeriesIndex, float] = {}
    for those in alike.values():
        for first in range(0, len(those), AT_ONCE):
            new |= _computed(state, those[first : first + AT_ONCE], slos, past)
    state.policy_records.note_forecasts({i: (keys[i], at) for i, at in new.items()})
    return {int(i): at for i, at in (found | new).items()}


def _computed(
    state: EvaluationState,
    those: Sequence[SeriesIndex],
    slos: Sequence[Slo],
    past: Sequence[PastFigures],
) -> dict[SeriesIndex, float]:
    """Of series with one policy and one period."""
    slo, end = slos[those[0]], state.ledger.end
    span = slo.period.span(end)
    oldest = end - max(span.elapsed, *slo.policy.burn_windows, 0)
    entered = forecast.Entered(
        np.array([past[i].severity for i in those]),
        np.array([past[i].since for i in those], dtype=np.int64),
        np.array([slos[i].objective.error_budget for i in those]),
    )
    counts = period_counts(state.ledger, those, oldest)
    calendar = isinstance(slo.period, CalendarPeriod)
    found = forecast.recoveries(slo.policy, entered, counts, span, calendar=calendar)
    return dict(zip(those, found.tolist(), strict=True))


def period_counts(
    ledger: Ledger, series_indices: Sequence[SeriesIndex], since: int, length: float = math.inf
) -> forecast.Counts:
    """The slots of series that end after `since` (Unix seconds), without maintenance windows.

    Those that begin more than `length` seconds later may be left out.
    """
    starts, ends, *counts = ledger.slots_since(series_indices, since, since + length)
    return forecast.Counts(starts.astype(np.float64), ends.astype(np.float64), *counts)
