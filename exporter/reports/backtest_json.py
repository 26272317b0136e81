"""A backtest as JSON: ratios are 0 to 1, times Unix seconds, lengths seconds."""

from __future__ import annotations

from exporter.reports.backtest import BacktestReport, SloBacktest
from exporter.slo.backtest import AlertSpell


def as_json(report: BacktestReport) -> dict[str, object]:
    """The whole report."""
    return {
        "start": report.start,
        "end": report.end,
        "keep": report.criteria.keep,
        "pages_per_week": report.criteria.pages,
        "unavailable": dict(report.unavailable),
        "slos": [slo_json(each) for each in report.slos],
    }


def slo_json(one: SloBacktest) -> dict[str, object]:
    """One SLO."""
    of, who, found = one.of, one.identity, one.recommendation
    verdicts = {verdict.objective.ratio: verdict for verdict in found.verdicts}
    return {
        "service": who.service,
        "slo": who.slo,
        "groups": dict(who.groups),
        "owner": who.owner,
        "objective": who.objective,
        "period": who.period,
        "start": of.start,
        "end": of.end,
        "slot_seconds": of.slot,
        "bad": of.bad,
        "total": of.total,
        "error_ratio": of.error_ratio,
        "known": of.known,
        "excluded": of.excluded,
        "judged_since": of.judged,
        "notes": list(one.notes),
        "objectives": [
            {
                "objective": row.objective,
                "budget_events": row.events,
                "remaining": row.remaining,
                "worst_remaining": row.worst,
                "worst_at": row.worst_at,
                "pages": row.pages,
                "pages_per_week": row.pages_per_week,
                "tickets": row.tickets,
                "blocked_seconds": row.blocked,
                "blocks": row.blocks,
                "unknown_seconds": row.unknown,
                "tier_seconds": dict(row.tiers),
                "held": verdicts[row.objective].held if row.objective in verdicts else None,
                "why": verdicts[row.objective].why if row.objective in verdicts else None,
                "alerts": [_alert_json(alert) for alert in outcome.alerts],
            }
            for row, outcome in zip(one.rows, of.outcomes, strict=True)
        ],
        "thresholds": [
            {
                "threshold": line.threshold,
                "configured": line.own,
                "error_ratio": line.error_ratio,
                "recommended": line.recommended,
                "objectives": [
                    {
                        "objective": cell.objective,
                        "worst_remaining": cell.worst,
                        "pages": cell.pages,
                        "held": cell.held,
                    }
                    for cell in line.cells
                ],
            }
            for line in one.matrix
        ],
        "recommended": None if found.objective is None else found.objective.ratio,
        "reason": found.why,
    }


def _alert_json(alert: AlertSpell) -> dict[str, object]:
    return {
        "severity": alert.severity,
        "conditions": list(alert.conditions),
        "start": alert.start,
        "end": alert.end,
        "open": alert.open,
        "seconds": alert.length,
        "peak_error_ratio": alert.peak,
        "budget_share": alert.share,
    }
