"""The charts of reports: those of the pages, over the span of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exporter.reports.budget import BudgetReport
from exporter.reports.incidents import PostmortemReport
from exporter.reports.subjects import Identity, Subject
from exporter.slo.event_history import EventHistory
from exporter.slo.period import PeriodBounds
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import HOUR
from exporter.web.pages.chart_marks import lanes
from exporter.web.pages.documents import chart_svg
from exporter.web.pages.drawing import Drawing
from exporter.web.pages.ranges import PERIOD, TimeRange
from exporter.web.pages.slo_charts import budget_chart, error_chart

MOST_CHARTS = 20
"""SLOs of a report that have a chart each: more would make a page that nobody scrolls through."""


def budget_charts(report: BudgetReport, subjects: Sequence[Subject]) -> dict[str, str]:
    """The budget of each SLO as it went over the span, by the names in the template."""
    if len(report.slos) > MOST_CHARTS:
        return {}
    found = {}
    for place, of in enumerate(report.slos):
        subject = _find(subjects, of.identity)
        until = min(of.whole.end, report.at)
        if subject is None or subject.history is None or of.whole.known <= 0:
            continue
        length = until - of.whole.start
        status = replace(subject.status, period=PeriodBounds(of.whole.start, of.whole.end, length))
        shown = TimeRange(PERIOD, float(of.whole.start), float(until))
        drawing = _drawing(status, subject.history, shown)
        chart = budget_chart(drawing) if drawing else None
        if drawing and chart:
            named = replace(chart, name=f"budget-{place}")
            found[f"budget-{place}"] = chart_svg(
                named, lanes(status, shown, drawing.axis), drawing.span
            )
    return found


def incident_charts(report: PostmortemReport, subjects: Sequence[Subject]) -> dict[str, str]:
    """The error ratio around the incident."""
    subject = _find(subjects, report.identity)
    if subject is None or subject.history is None:
        return {}
    one = report.details.incident
    around = max(HOUR // 2, (one.end - one.start) // 2)
    end = min(report.at, one.end + around)
    shown = TimeRange("incident", float(one.start - around), float(end))
    drawing = _drawing(subject.status, subject.history, shown)
    if drawing is None:
        return {}
    drawing.of = "the time shown"
    marks = lanes(subject.status, shown, drawing.axis)
    return {"errors": chart_svg(error_chart(drawing), marks, drawing.span)}


def _drawing(status: SloStatus, history: EventHistory, shown: TimeRange) -> Drawing | None:
    """None where nothing is known of the time shown."""
    cut = history.between([shown.start, shown.end])
    return Drawing(status, history, shown) if cut.known.any() else None


def _find(subjects: Sequence[Subject], identity: Identity) -> Subject | None:
    return next((one for one in subjects if Identity.of(one.status) == identity), None)
