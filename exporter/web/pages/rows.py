"""A row of the overview: one SLO, as people read it."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.reports.subjects import page_path
from exporter.slo.burning import sentence
from exporter.slo.event_history import EventHistory
from exporter.slo.gate import standing_gate
from exporter.slo.snapshot import SloStatus
from exporter.web.pages import formatting
from exporter.web.pages.charts import Sparkline, sparkline
from exporter.web.pages.filters import alert_of, tier_name
from exporter.web.pages.sorting import window


@dataclass(frozen=True, slots=True)
class SloRow:
    """One SLO, formatted. `look` is the colour of its figures, `alert` the worst there is to it."""

    url: str
    service: str
    slo: str
    objective: str
    owner: str
    tier: str
    look: str
    alert: str
    guidance: str
    link: str
    remaining: str
    bar: float
    spark: Sparkline | None
    burn_hour: str
    burn_six: str
    outlook: str
    override: str
    burning: str
    conditions: dict[str, str]
    state: str
    coverage: str
    notes: list[str]
    problem: str


def slo_row(status: SloStatus, history: EventHistory | None, at: float) -> SloRow:
    """The row of an SLO as of `at` (Unix seconds)."""
    slo, tier = status.slo, status.tier
    remaining = status.budget.remaining if status.budget else None
    hour, six = window(status, "1h"), window(status, "6h")
    return SloRow(
        url=page_path(status),
        service=slo.service,
        slo=slo_name(status),
        objective=formatting.objective(status),
        owner=slo.labels.get("owner", ""),
        tier=formatting.tier(tier_name(status)),
        look=formatting.look(status),
        alert=alert_of(status) or "",
        guidance=_guidance(status),
        link=(tier.link if tier else None) or "",
        remaining=formatting.percent(remaining),
        bar=bar(remaining),
        spark=sparkline(status, history),
        burn_hour=formatting.rate(hour.burn_rate if hour else None),
        burn_six=formatting.rate(six.burn_rate if six else None),
        outlook=formatting.outlook(status),
        override=formatting.minute(status.override.until) if status.override else "",
        burning=sentence(status, at) or "",
        conditions=formatting.conditions(status),
        state=status.state.replace("_", " "),
        coverage=formatting.coverage(status),
        notes=formatting.notes(status),
        problem=status.problem or "",
    )


def _guidance(status: SloStatus) -> str:
    """What is to be done; while a page fires that may be less than the tier says."""
    if status.tier is None:
        return ""
    gate = standing_gate(status)
    if gate is not status.tier.gate:
        return f"{gate} with deploys while a page fires"
    return status.tier.guidance


def slo_name(status: SloStatus) -> str:
    """The name of an SLO with its group: `availability (region=eu)`."""
    groups = formatting.groups(status.groups)
    return f"{status.slo.name} ({groups})" if groups else status.slo.name


def bar(remaining: float | None) -> float:
    """How much of a bar is filled, 0 to 100."""
    return round(min(max(remaining or 0.0, 0.0), 1.0) * 100, 2)
