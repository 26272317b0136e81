"""The charts of a backtest: how the budget would have gone, and when alerts would have fired."""

from __future__ import annotations

import math
from collections.abc import Sequence

from exporter.reports.backtest import BacktestReport, SloBacktest
from exporter.slo import figures
from exporter.slo.alerting import SEVERITIES
from exporter.slo.backtest import Backtest, Outcome
from exporter.slo.event_history import EventHistory
from exporter.slo.policy import Gate
from exporter.web.pages import charts
from exporter.web.pages.chart_marks import LANE_HEIGHT, NARROWEST
from exporter.web.pages.charts import Box, Chart, Lane, TimeAxis, moment, span
from exporter.web.pages.documents import chart_svg

LOWEST = -1.0
"""What is left of an overspent budget is drawn down to here (a ratio)."""


def backtest_charts(report: BacktestReport) -> dict[str, str]:
    """The charts of all SLOs, as HTML, by the name that the template gives them."""
    drawn = {}
    for place, one in enumerate(report.slos):
        found = "".join(slo_charts(one, f"backtest-{place}"))
        if found:
            drawn[f"backtest-{place}"] = found
    return drawn


def slo_charts(one: SloBacktest, name: str) -> Sequence[str]:
    """How the budget would have gone with the objective it has, and with the recommended one."""
    told = {alerts.objective for alerts in one.alerts}
    return [
        _drawn(one.of, outcome, f"{name}-{n}")
        for n, outcome in enumerate(one.of.outcomes)
        if outcome.objective.ratio in told and len(outcome.ends) > 1
    ]


def _drawn(of: Backtest, outcome: Outcome, name: str) -> str:
    axis = TimeAxis(EventHistory.blank(of.start, of.end))
    objective = f"{figures.written(outcome.objective.ratio * 100)}%"
    course = outcome.course.tolist()
    low = max(LOWEST, math.floor(min(0.0, *course) * 4) / 4)
    xs = [axis.x(at) for at in outcome.ends.tolist()]
    ys = [charts.y(max(value, low), low, 1.0) for value in course]
    worst = "" if outcome.worst is None else f", at worst {figures.left(outcome.worst.remaining)}"
    last = figures.left(course[-1])
    chart = Chart(
        name=name,
        title=f"Error budget left at {objective}",
        description=f"The budget at {objective}: {last} left at the end{worst}.",
        unit="share of the period's budget",
        gaps=[axis.band(of.start, outcome.ends[0], "not judged")]
        if outcome.ends[0] > of.start
        else [],
        times=axis.marks(),
        levels=charts.levels(low, 1.0, 0.25, lambda value: f"{figures.written(value * 100)}%"),
        lines=[("line", charts.path(xs, ys))],
        hovers=_hovers(axis, outcome, xs),
    )
    return chart_svg(chart, _lanes(axis, outcome), span(of.start, of.end))


def _hovers(axis: TimeAxis, outcome: Outcome, xs: Sequence[float]) -> list[tuple[str, str]]:
    step = max(1, len(xs) // charts.MOST_HOVERS)
    ends, course = outcome.ends.tolist(), outcome.course.tolist()
    return [
        (
            axis.column(ends[i - step], ends[i]),
            f"{moment(ends[i])}: {figures.left(course[i])} left",
        )
        for i in range(step, len(ends), step)
    ]


def _lanes(axis: TimeAxis, outcome: Outcome) -> list[Lane]:
    rows = [
        (severity, severity, [(each.start, each.end) for each in outcome.of(severity)])
        for severity in SEVERITIES
    ]
    blocked = [(each.start, each.end) for each in outcome.gates if each.gate is Gate.BLOCK]
    rows.append(("blocked", "tier", blocked))
    return [
        Lane(label, look, [_mark(axis, row * LANE_HEIGHT, label, *each) for each in those])
        for row, (label, look, those) in enumerate(each for each in rows if each[2])
    ]


def _mark(axis: TimeAxis, top: float, label: str, start: int, end: int) -> Box:
    """A mark in a lane, wide enough to be seen."""
    x = axis.x(start)
    width = max(axis.x(end) - x, NARROWEST)
    return Box(x, top + 2, width, LANE_HEIGHT - 4, f"{label}: {span(start, end)}")
