"""What the page of one SLO shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.reports.markdown import web_address
from exporter.reports.subjects import page_path, report_path
from exporter.slo import figures, incident_words
from exporter.slo.burning import sentence
from exporter.slo.durations import format_duration
from exporter.slo.event_history import EventHistory
from exporter.slo.findings import Finding
from exporter.slo.incident_details import IncidentDetails, incident_details
from exporter.slo.model import CompositeSli
from exporter.slo.part_shares import PartShare
from exporter.slo.records import Change, Firing
from exporter.slo.snapshot import Alert, SloStatus
from exporter.slo.types import DAY
from exporter.web.daemon import Source
from exporter.web.pages import formatting
from exporter.web.pages.change_rows import service_changes
from exporter.web.pages.chart_marks import lanes
from exporter.web.pages.drawing import Drawing
from exporter.web.pages.filters import tier_name
from exporter.web.pages.ranges import TimeRange, range_links
from exporter.web.pages.rows import bar
from exporter.web.pages.slo_charts import slo_charts
from exporter.web.pages.tier_rows import policy_tiers, tier_change

MOST_RECORDS = 50
"""Changes, incidents and maintenance windows that are listed, the newest ones."""

DASHBOARD = "error-budget-slo"
"""The uid of the dashboard of one SLO, among those that the exporter writes."""

AHEAD = 30 * DAY
"""How far ahead maintenance windows are told of, in seconds."""


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A window: what happened in it. `bar` is the burn rate, 100 is twice the rate allowed."""

    name: str
    error_ratio: str
    burn: str
    bar: float
    fast: bool
    bad: str
    total: str


def detail(
    status: SloStatus,
    history: EventHistory | None,
    shown: TimeRange,
    source: Source | None,
    findings: Sequence[Finding] | None = None,
    *,
    changes: Sequence[Change] = (),
    parts: Sequence[PartShare] = (),
) -> dict[str, object]:
    """The variables of the template; `changes` are those of the service, oldest first, and
    `parts` those of a composite.
    """
    slo, tier, budget = status.slo, status.tier, status.budget
    drawing = None
    if history is not None and history.known.any():
        drawing = Drawing(status, history, shown)
    return {
        "url": page_path(status),
        "service": slo.service,
        "slo": slo.name,
        "groups": status.groups,
        "burning": sentence(status, status.period.start + status.period.elapsed) or "",
        "description": slo.description,
        "criticality": slo.criticality,
        "reviewed": slo.reviewed.isoformat() if slo.reviewed else "",
        "labels": [(name, value, web_address(value)) for name, value in slo.labels.items()],
        "objective": formatting.objective(status),
        "period_start": formatting.minute(status.period.start),
        "period_end": formatting.minute(status.period.start + status.period.elapsed),
        "tier": formatting.tier(tier_name(status)),
        "gate": formatting.look(status),
        "guidance": tier.guidance if tier else "",
        "link": (tier.link if tier else None) or "",
        "since": formatting.minute(status.tier_status.since) if status.tier_status.since else "",
        "remaining": formatting.percent(budget.remaining if budget else None),
        "bar_filled": bar(budget.remaining if budget else None),
        "remaining_events": formatting.count(budget.remaining_events) if budget else "",
        "remaining_time": _time(budget.remaining_seconds) if budget else "",
        "raw_remaining": _raw(status),
        "outlook": formatting.outlook(status),
        "recovery": formatting.day(status.tier_status.recovery)
        if status.tier_status.recovery
        else "",
        "state": status.state.replace("_", " "),
        "notes": formatting.notes(status),
        "problem": status.problem or "",
        "coverage": formatting.percent(status.coverage),
        "firing": formatting.firing(status),
        "charts": slo_charts(drawing) if drawing else [],
        "span": drawing.span if drawing else "",
        "lanes": lanes(status, shown, drawing.axis, changes) if drawing else [],
        "ranges": range_links(status, shown),
        "windows": _windows(status),
        "alerts": [_alert(alert, status) for alert in status.alerts],
        "firings": [_firing(firing) for firing in status.firings[::-1][:MOST_RECORDS]],
        "incidents": [
            _incident(status, one)
            for one in incident_details(status, _at(status), changes)[::-1][:MOST_RECORDS]
        ],
        "reports": _reports(status),
        "tier_changes": [
            tier_change(change) for change in status.tier_status.changes[::-1][:MOST_RECORDS]
        ],
        "changes": service_changes(changes, status, history),
        "maintenance": _maintenance(status),
        "override": _override(status),
        "policy": slo.policy,
        "tiers": policy_tiers(status),
        "datasource": slo.datasource,
        "parts": [_part(one) for one in parts],
        "method": slo.sli.method if isinstance(slo.sli, CompositeSli) else "",
        "findings": findings,
        "source": source,
        "counted_by": [(text, _graph(source, [text])) for text in source.queries] if source else [],
        "graph_queries": list(source.graph_queries.items()) if source else [],
        "graphs_url": _graph(source, source.graph_queries.values(), shown) if source else "",
        "dashboard": _dashboard(status, source),
    }


def _part(of: PartShare) -> dict[str, str]:
    """A part of a composite: without a status, nothing is known of it."""
    status = of.status
    budget = status.budget if status else None
    return {
        "name": of.name,
        "url": page_path(status) if status else "",
        "weight": "" if of.weight is None else figures.written(of.weight),
        "tier": formatting.tier(tier_name(status)) if status else "",
        "look": formatting.look(status) if status else "none",
        "remaining": formatting.percent(budget.remaining if budget else None),
        "error_ratio": formatting.small_percent(of.error_ratio),
        "share": formatting.percent(of.share),
        "state": status.state.replace("_", " ") if status else "not known",
    }


def _raw(status: SloStatus) -> str:
    """The budget without maintenance windows, where that makes a difference."""
    raw, budget = status.raw_budget, status.budget
    if raw is None or budget is None or raw.remaining == budget.remaining:
        return ""
    return formatting.percent(raw.remaining)


def _time(seconds: float) -> str:
    sign = "-" if seconds < 0 else ""
    return sign + format_duration(round(abs(seconds)))


def _windows(status: SloStatus) -> list[WindowRow]:
    return [
        WindowRow(
            name=name,
            error_ratio=formatting.small_percent(window.error_ratio),
            burn=formatting.rate(window.burn_rate),
            bar=min(window.burn_rate or 0.0, 2.0) * 50,
            fast=(window.burn_rate or 0.0) > 1,
            bad=formatting.count(window.bad),
            total=formatting.count(window.total),
        )
        for name, window in status.windows.items()
    ]


def _alert(alert: Alert, status: SloStatus) -> dict[str, str]:
    condition = alert.condition
    long, short = format_duration(condition.long), format_duration(condition.short)
    rates = [
        status.windows[name].burn_rate if name in status.windows else None for name in (long, short)
    ]
    state = "unknown" if alert.firing is None else "firing" if alert.firing else "quiet"
    return {
        "severity": condition.severity,
        "windows": f"{long} and {short}",
        "rates": " and ".join(map(formatting.rate, rates)),
        "threshold": formatting.rate(alert.threshold),
        "meaning": f"{figures.written(condition.budget_spent * 100)}% of the budget in {long}",
        "state": "held back: too few events" if alert.held else state,
    }


def _firing(one: Firing) -> dict[str, str]:
    return {
        "name": one.name,
        "start": formatting.minute(one.start),
        "end": "still fires" if one.open else formatting.minute(one.end),
        "lasted": format_duration(one.end - one.start),
    }


def _at(status: SloStatus) -> int:
    return status.period.start + status.period.elapsed


def _reports(status: SloStatus) -> dict[str, str]:
    """Where each report of the SLO is."""
    found = {"budget": report_path(status, "budget"), "definition": report_path(status, "slo")}
    if status.incidents:
        found["postmortem"] = report_path(status, "postmortem")
        if status.incidents[-1].open:
            found["incident update"] = report_path(status, "incident")
    return found


def _incident(status: SloStatus, of: IncidentDetails) -> dict[str, object]:
    one = of.incident
    postmortem = ""
    if one.acknowledged:
        postmortem = f"{one.acknowledged.by}: {one.acknowledged.note}"
    elif one.postmortem:
        postmortem = "required"
    return {
        "start": incident_words.when(one.start, one.start_about),
        "after": incident_words.after_change(of),
        "end": incident_words.until(of),
        "lasted": incident_words.lasted(one),
        "peak": incident_words.peak(one),
        "bad": formatting.count(one.bad),
        "share": formatting.percent(one.share),
        "detected": incident_words.time_to_detect(of),
        "firings": [incident_words.held(firing) for firing in of.firings],
        "postmortem": postmortem,
        "link": web_address(one.acknowledged.note) if one.acknowledged else "",
        "waits": "yes" if postmortem == "required" else "",
        "report": report_path(status, "postmortem", incident=of.id),
        "command": f"error-budget-exporter postmortem ack {of.id} --by NAME --note URL",
    }


def _maintenance(status: SloStatus) -> list[dict[str, str]]:
    """The windows of the period and of the days ahead, the newest first."""
    at = status.period.start + status.period.elapsed
    spans = [
        (start, end, window.reason)
        for window in status.slo.maintenance
        for start, end in window.between(status.period.start, at + AHEAD)
    ]
    return [
        {
            "start": formatting.minute(start),
            "end": formatting.minute(end),
            "reason": reason,
            "state": "active" if start <= at < end else "upcoming" if start > at else "past",
        }
        for start, end, reason in sorted(spans, reverse=True)[:MOST_RECORDS]
    ]


def _override(status: SloStatus) -> dict[str, str] | None:
    one = status.override
    if one is None:
        return None
    return {
        "by": one.by,
        "why": one.why,
        "link": web_address(one.why),
        "start": formatting.minute(one.start),
        "until": formatting.minute(one.until),
    }


def _graph(source: Source, texts: Iterable[str], shown: TimeRange | None = None) -> str:
    """Where Prometheus shows queries as graphs, over the range that is shown here."""
    panels = []
    for i, text in enumerate(texts):
        panels += [(f"g{i}.expr", text), (f"g{i}.tab", "0")]
        if shown is not None:
            panels.append((f"g{i}.range_input", format_duration(shown.length)))
    return f"{source.url}/graph?{urlencode(panels)}"


def _dashboard(status: SloStatus, source: Source | None) -> str:
    if source is None or source.grafana is None:
        return ""
    query = urlencode({"var-service": status.slo.service, "var-slo": status.slo.name})
    return f"{source.grafana}/d/{DASHBOARD}?{query}"
