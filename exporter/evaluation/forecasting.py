"""When tiers get better: the forecast of each SLO, from its slots in the ledger."""

from __future__ import annotations

from exporter.evaluation.books import Books
from exporter.ledger.levels import MIDDLE_SLOT
from exporter.slo import forecast
from exporter.slo.judgement import Judgement
from exporter.slo.period import CalendarPeriod


def recovery(books: Books, row: int, judgement: Judgement | None) -> float | None:
    """When a row's tier gets better if nothing more fails, Unix seconds; None if it is the best.

    It moves slowly, so it is computed when the tier changes, and every five minutes; while an
    incident is under way, always.
    """
    slo = books.slos[books.rows.all[row].source]
    tier = judgement.tier(slo.policy) if judgement else None
    if judgement is None or tier is None or slo.policy.severity(tier) == 0:
        return None
    end, since = books.ledger.end, judgement.changes[-1].at
    burns = bool(judgement.incidents) and judgement.incidents[-1].open
    key = slo, since, end if burns else end // MIDDLE_SLOT
    found = books.forecasts.get(row)
    if found is None or found[0] != key:
        span = slo.period.span(end)
        oldest = end - max(span.elapsed, *slo.policy.burn_windows, 0)
        value = forecast.recovery(
            slo.policy,
            tier,
            since,
            forecast.Counts(*books.ledger.slots_of(row, oldest)),
            span,
            calendar=isinstance(slo.period, CalendarPeriod),
            error_budget=slo.objective.error_budget,
        )
        found = books.forecasts[row] = (key, value)
    return found[1]
