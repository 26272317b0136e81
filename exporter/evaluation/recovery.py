"""When tiers get better: the forecast of each SLO, from its slots in the ledger."""

from __future__ import annotations

import math

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import MIDDLE_SLOT
from exporter.slo import forecast
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import SeriesIndex
from exporter.state.evaluation_state import EvaluationState


def recovery(
    state: EvaluationState, series_index: SeriesIndex, policy_state: PolicyState | None
) -> float | None:
    """When a series' tier gets better if nothing more fails, Unix seconds; None if it is the best.

    It moves slowly, so it is computed when the tier changes, and every five minutes; while an
    incident is under way, always.
    """
    entry = state.series.entries[series_index]
    slo = state.slos[entry.slo_index]
    tier = policy_state.tier(slo.policy) if policy_state else None
    if policy_state is None or tier is None or slo.policy.severity(tier) == 0:
        return None
    end, since = state.ledger.end, policy_state.changes[-1].at
    burns = bool(policy_state.incidents) and policy_state.incidents[-1].open
    key = entry.slo_index, entry.group, since, end if burns else end // MIDDLE_SLOT

    def compute() -> float | None:
        span = slo.period.span(end)
        oldest = end - max(span.elapsed, *slo.policy.burn_windows, 0)
        return forecast.recovery(
            slo.policy,
            tier,
            since,
            period_counts(state.ledger, series_index, oldest),
            span,
            calendar=isinstance(slo.period, CalendarPeriod),
            error_budget=slo.objective.error_budget,
        )

    return state.policy_records.forecast(series_index, key, compute)


def period_counts(
    ledger: Ledger, series_index: SeriesIndex, since: int, length: float = math.inf
) -> forecast.Counts:
    """The slots of a series that end after `since` (Unix seconds), without maintenance windows.

    Those that begin more than `length` seconds later may be left out.
    """
    starts, ends, bad, total, known = ledger.slots_since([series_index], since, since + length)
    return forecast.Counts(
        starts.astype(np.float64), ends.astype(np.float64), bad[0], total[0], known[0]
    )
