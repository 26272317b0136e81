"""The definition document of an SLO: what is promised, why, how it is measured, what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from exporter.reports.incidents import runbook
from exporter.reports.subjects import Identity, page_path, period_name
from exporter.slo.combining import Method
from exporter.slo.durations import format_duration
from exporter.slo.figures import percent, written
from exporter.slo.findings import Finding
from exporter.slo.model import (
    CompositeSli,
    EventsSli,
    LatencySli,
    ProbeSli,
    QuerySli,
    RatioSli,
    Slo,
    ThresholdSli,
)
from exporter.slo.period import CalendarPeriod
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY

AHEAD = 90 * DAY
"""How far ahead maintenance is told of, in seconds."""

MOST_WINDOWS = 20


@dataclass(frozen=True, slots=True)
class Measurement:
    """How it is measured: the queries, as one would ask (`graphs`, by what they show), and as
    events are counted."""

    datasource: str
    url: str | None
    counted_by: tuple[str, ...]
    graphs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TierLine:
    """A tier of the policy: `when` it is in force, in words."""

    name: str
    when: str
    gate: str
    action: str
    link: str | None
    exemptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertLine:
    """A burn-rate condition, and `cannot` if it can never hold, with the reason."""

    name: str
    severity: str
    budget_spent: float
    long: str
    short: str
    threshold: float
    disabled: bool
    cannot: str | None
    runbook: str | None


@dataclass(frozen=True, slots=True)
class MaintenanceLine:
    """A maintenance window of the period or to come, Unix seconds."""

    start: float
    end: float
    reason: str


@dataclass(frozen=True, slots=True)
class DefinitionReport:
    """The definition of one SLO. Times are Unix seconds, parts are ratios.

    - `measures`: the SLI in a sentence; `good`: what makes an event good. `parts` are the SLOs
      that a composite is made of.
    - `budget_seconds`: the budget of a whole period as a full outage; `budget_events`: of the
      events of the last one, None while they are not known.
    - `budgeting`: what the budget is counted in.
    - `reviewed`: a day, as in ISO 8601.
    - `findings`: what `check --live` says; None if that cannot be told now.
    """

    at: int
    zone: str
    identity: Identity
    page: str
    description: str
    criticality: str
    reviewed: str | None
    labels: Mapping[str, str]
    measures: str
    parts: tuple[str, ...]
    good: str
    group_by: tuple[str, ...]
    budgeting: str
    period: str
    budget_seconds: float
    budget_events: float | None
    total: float | None
    coverage: float
    remaining: float | None
    tier: str | None
    min_events: float
    min_bad_events: float
    maintenance: tuple[MaintenanceLine, ...]
    measurement: Measurement | None
    policy: str
    tiers: tuple[TierLine, ...]
    postmortem_above: float
    while_paging: str
    alerts: tuple[AlertLine, ...]
    findings: tuple[Finding, ...] | None


def definition_report(
    status: SloStatus,
    at: int,
    zone: tuple[str, tzinfo],
    *,
    measurement: Measurement | None,
    findings: Sequence[Finding] | None,
    base: str = "",
) -> DefinitionReport:
    """The document.

    Args:
        status: the SLO, or one group of it.
        at: as of when, Unix seconds.
        zone: the name of the time zone, and itself.
        measurement: how it is measured.
        findings: what a review finds of it.
        base: where the daemon's pages are, with a slash at its end.
    """
    slo, policy = status.slo, status.slo.policy
    whole = status.windows.get(slo.period.label)
    total = whole.total if whole is not None and whole.known > 0 else None
    measures, good = _sli(slo)
    length = status.period.length
    return DefinitionReport(
        at=at,
        zone=zone[0],
        identity=Identity.of(status),
        page=base + page_path(status).lstrip("/"),
        description=slo.description,
        criticality=slo.criticality,
        reviewed=slo.reviewed.isoformat() if slo.reviewed else None,
        labels=slo.labels,
        measures=measures,
        parts=tuple(part.name for part in slo.parts),
        good=good,
        group_by=slo.group_by,
        budgeting=_budgeting(slo),
        period=_period(slo),
        budget_seconds=slo.objective.error_budget * length,
        budget_events=None if total is None else total * slo.objective.error_budget,
        total=total,
        coverage=status.coverage,
        remaining=status.budget.remaining if status.budget else None,
        tier=status.tier.name if status.tier else None,
        min_events=slo.low_traffic.min_events,
        min_bad_events=slo.low_traffic.min_bad_events,
        maintenance=_maintenance(status, at),
        measurement=measurement,
        policy=policy.name,
        tiers=_tiers(slo),
        postmortem_above=policy.postmortem_above,
        while_paging=str(policy.while_paging),
        alerts=tuple(_alerts(status, length, base)),
        findings=None if findings is None else tuple(findings),
    )


def _sli(slo: Slo) -> tuple[str, str]:
    """What is measured, and when that is good."""
    match slo.sli:
        case LatencySli(unit="none") as sli:
            return "events that stay within a bound", f"it is at most {sli.limit}"
        case LatencySli() as sli:
            return "requests that are fast enough", f"it is answered within {sli.limit}"
        case ProbeSli():
            return "probes that succeed", "the probe succeeds"
        case RatioSli() as sli:
            kind = "an error ratio" if sli.error else "a success ratio"
            return f"{kind} that is measured already, weighed by time", "it succeeds"
        case ThresholdSli() as sli:
            bound = f"{sli.op} {written(sli.bound)}"
            return f"the time in which a value is {bound}", f"the value is {bound}"
        case CompositeSli() as sli:
            return f"moments, by {_parts(sli)}", _METHODS[sli.method]
        case EventsSli() | QuerySli() as sli:
            good = "it is counted as good" if sli.good else "it is not counted as bad"
            return "events that are good", good


_METHODS = {
    Method.ALL: "all of them are good: their ratios of good events are multiplied",
    Method.WORST: "the worst of them is: its ratio of good events is that of the moment",
    Method.WEIGHTED: "they are: the mean of their ratios of good events, by their weights",
}


def _parts(sli: CompositeSli) -> str:
    weighted = sli.method is Method.WEIGHTED
    return ", ".join(
        f"{part.name} (weight {written(part.weight)})" if weighted else part.name
        for part in sli.parts
    )


def _budgeting(slo: Slo) -> str:
    slices = slo.timeslices
    if slices is None:
        return "time, in which a moment weighs as much as any other" if slo.parts else "events"
    length = format_duration(slices.slice)
    if slices.target is None:
        return f"slices of {length}, each weighed by its ratio of good events"
    return f"slices of {length}, good if {percent(slices.target)} of their events are"


def _period(slo: Slo) -> str:
    period = slo.period
    if isinstance(period, CalendarPeriod):
        return f"the {period_name(slo)} ({period.zone})"
    return f"the last {period.label}, at every moment"


def _tiers(slo: Slo) -> tuple[TierLine, ...]:
    lines = []
    for tier in slo.policy.tiers:
        when = f"more than {written(tier.above * 100)}% of the budget is left"
        if tier.above == float("-inf"):
            when = "less than that is left"
        if tier.burn_rate:
            over = format_duration(tier.burn_rate.window)
            when += f", or the burn rate over {over} is above {written(tier.burn_rate.above)}"
        lines.append(
            TierLine(tier.name, when, str(tier.gate), tier.guidance, tier.link, tier.exemptions)
        )
    return tuple(lines)


def _alerts(status: SloStatus, length: int, base: str) -> list[AlertLine]:
    slo = status.slo
    return [
        AlertLine(
            name=str(each),
            severity=each.severity,
            budget_spent=each.budget_spent,
            long=format_duration(each.long),
            short=format_duration(each.short),
            threshold=each.threshold(length),
            disabled=slo.alerting.of(each.severity).disabled,
            cannot=slo.cannot_hold(each, length),
            runbook=runbook(status, each.severity, base),
        )
        for each in slo.alerting.conditions
    ]


def _maintenance(status: SloStatus, at: int) -> tuple[MaintenanceLine, ...]:
    found = [
        MaintenanceLine(start, end, window.reason)
        for window in status.slo.maintenance
        for start, end in window.between(status.period.start, at + AHEAD)
    ]
    found.sort(key=lambda one: one.start)
    recent = [one for one in found if one.end > at]
    past = [one for one in found if one.end <= at]
    kept = (*past[-MOST_WINDOWS // 2 :], *recent[: MOST_WINDOWS // 2])
    return kept
