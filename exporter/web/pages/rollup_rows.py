"""A row of the page of rollups."""

from __future__ import annotations

from urllib.parse import urlencode

from exporter.reports.subjects import page_path
from exporter.slo.rollups import Rollup
from exporter.web.pages import formatting
from exporter.web.pages.rows import bar, slo_name


def rollup_row(of: Rollup) -> dict[str, object]:
    """The variables of the template."""
    worst = of.worst
    budget = worst.budget if worst else None
    query = urlencode({of.kind: of.name}) if of.name else ""
    return {
        "kind": of.kind,
        "name": of.name or "everything",
        "url": f"/?{query}" if query else "/",
        "remaining": formatting.percent(of.remaining),
        "bar": bar(of.remaining),
        "look": "none" if of.remaining is None else "block" if of.remaining <= 0 else "allow",
        "worst": f"{worst.slo.service} {slo_name(worst)}" if worst else "",
        "worst_url": page_path(worst) if worst else "",
        "worst_remaining": formatting.percent(budget.remaining if budget else None),
        "slos": of.slos,
        "unknown": of.unknown,
    }
