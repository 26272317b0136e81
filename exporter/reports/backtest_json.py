"""A backtest as JSON: ratios are 0 to 1, times Unix seconds, lengths seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from exporter.reports.backtest import BacktestReport, SloBacktest
from exporter.slo.backtest import AlertSpell


@dataclass(frozen=True)
class BacktestAlert:
    """A page or a ticket; `open` if it went on at the end. `budget_share` is what it took."""

    severity: str
    conditions: tuple[str, ...]
    start: int
    end: int
    open: bool
    seconds: int
    peak_error_ratio: float
    budget_share: float


@dataclass(frozen=True)
class BacktestObjective:
    """One objective: what is not known is null. `held` is null where nothing can be said.

    `changes` were made, `changes_blocked` are those that the gate would have blocked, and of
    `changes_unjudged` it is not known what it would have said.
    """

    objective: float
    budget_events: float | None
    remaining: float | None
    worst_remaining: float | None
    worst_at: int | None
    pages: int
    pages_per_week: float
    tickets: int
    blocked_seconds: int
    blocks: int
    changes: int | None
    changes_blocked: int | None
    changes_unjudged: int | None
    unknown_seconds: int
    tier_seconds: Mapping[str, int]
    held: bool | None
    why: str | None
    alerts: tuple[BacktestAlert, ...]


@dataclass(frozen=True)
class BacktestCell:
    """One threshold of a latency with one objective."""

    objective: float
    worst_remaining: float | None
    pages: int
    held: bool


@dataclass(frozen=True)
class BacktestThreshold:
    """One threshold of a latency."""

    threshold: str
    configured: bool
    error_ratio: float | None
    recommended: float | None
    objectives: tuple[BacktestCell, ...]


@dataclass(frozen=True)
class BacktestSlo:
    """One SLO, or a group of it; `slot_seconds` is the longest slot that was replayed."""

    service: str
    slo: str
    groups: Mapping[str, str]
    owner: str | None
    objective: float
    period: str
    start: int
    end: int
    slot_seconds: int
    bad: float
    total: float
    error_ratio: float | None
    known: float
    excluded: float
    judged_since: int | None
    notes: tuple[str, ...]
    objectives: tuple[BacktestObjective, ...]
    thresholds: tuple[BacktestThreshold, ...]
    recommended: float | None
    reason: str


def as_json(report: BacktestReport) -> dict[str, object]:
    """The whole report."""
    return {
        "start": report.start,
        "end": report.end,
        "keep": report.criteria.keep,
        "pages_per_week": report.criteria.pages,
        "unavailable": dict(report.unavailable),
        "slos": [asdict(slo_json(each)) for each in report.slos],
    }


def slo_json(one: SloBacktest) -> BacktestSlo:
    """One SLO."""
    of, who, found = one.of, one.identity, one.recommendation
    verdicts = {verdict.objective.ratio: verdict for verdict in found.verdicts}
    return BacktestSlo(
        service=who.service,
        slo=who.slo,
        groups=dict(who.groups),
        owner=who.owner,
        objective=who.objective,
        period=who.period,
        start=of.start,
        end=of.end,
        slot_seconds=of.slot,
        bad=of.bad,
        total=of.total,
        error_ratio=of.error_ratio,
        known=of.known,
        excluded=of.excluded,
        judged_since=of.judged,
        notes=tuple(one.notes),
        objectives=tuple(
            BacktestObjective(
                objective=row.objective,
                budget_events=row.events,
                remaining=row.remaining,
                worst_remaining=row.worst,
                worst_at=row.worst_at,
                pages=row.pages,
                pages_per_week=row.pages_per_week,
                tickets=row.tickets,
                blocked_seconds=row.blocked,
                blocks=row.blocks,
                changes=None if row.changes is None else row.changes.made,
                changes_blocked=None if row.changes is None else row.changes.blocked,
                changes_unjudged=None if row.changes is None else row.changes.unjudged,
                unknown_seconds=row.unknown,
                tier_seconds=dict(row.tiers),
                held=verdicts[row.objective].held if row.objective in verdicts else None,
                why=verdicts[row.objective].why if row.objective in verdicts else None,
                alerts=tuple(_alert(alert) for alert in outcome.alerts),
            )
            for row, outcome in zip(one.rows, of.outcomes, strict=True)
        ),
        thresholds=tuple(
            BacktestThreshold(
                threshold=line.threshold,
                configured=line.own,
                error_ratio=line.error_ratio,
                recommended=line.recommended,
                objectives=tuple(
                    BacktestCell(cell.objective, cell.worst, cell.pages, cell.held)
                    for cell in line.cells
                ),
            )
            for line in one.matrix
        ),
        recommended=None if found.objective is None else found.objective.ratio,
        reason=found.why,
    )


def _alert(alert: AlertSpell) -> BacktestAlert:
    return BacktestAlert(
        severity=alert.severity,
        conditions=alert.conditions,
        start=alert.start,
        end=alert.end,
        open=alert.open,
        seconds=alert.length,
        peak_error_ratio=alert.peak,
        budget_share=alert.share,
    )
