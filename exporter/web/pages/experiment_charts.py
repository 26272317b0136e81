"""The charts of an experiment: the error ratio of every slot, and what was done when."""

from __future__ import annotations

from exporter.experiment.course import Moments
from exporter.experiment.hypothesis import SliBound
from exporter.experiment.result import Result, TargetResult
from exporter.slo import figures
from exporter.web.pages import charts
from exporter.web.pages.chart_marks import LANE_HEIGHT, NARROWEST
from exporter.web.pages.charts import Box, Chart, Lane, Mark, TimeAxis, moment, span
from exporter.web.pages.documents import chart_svg


def experiment_charts(of: Result) -> dict[str, str]:
    """The charts of all SLOs, as HTML, by the name that the template gives them."""
    if of.measured is None:
        return {}
    bounds = {
        str(line.target): line.at_most
        for line in of.experiment.hypothesis.steady
        if isinstance(line, SliBound)
    }
    return {
        f"experiment-{place}": _drawn(
            each, of.measured.moments, bounds.get(each.name), f"experiment-{place}"
        )
        for place, each in enumerate(of.targets)
    }


def _drawn(of: TargetResult, moments: Moments, bound: float | None, name: str) -> str:
    start = max(moments.baseline, float(of.history.bounds[0]))
    # Slots as they are, or so many together that they can be told apart.
    grain = charts.grain(moments.end - start, charts.MOST_BUCKETS)
    history = of.history.part(start, moments.end, max(grain, moments.grain)).possible(strict=False)
    axis, ratios = TimeAxis(history), history.error_ratios()
    worst = max([bound or 0.0, *(ratio or 0.0 for ratio in ratios)]) or 1.0
    step = charts.round_step(worst * 1.05)
    top = min(1.0, worst * 1.05)
    bars: dict[str, list[str]] = {"within": [], "above": []}
    for i, ratio in enumerate(ratios):
        if ratio:
            look = "above" if bound is not None and ratio > bound else "within"
            bars[look].append(axis.bar(i, charts.BOTTOM, charts.y(ratio, 0.0, top)))

    def text(first: int, last: int) -> str:
        sums = history.whole(first, last)
        if sums.total <= 0:
            return f"{moment(sums.end)}: no events"
        ratio = figures.percent(sums.bad / sums.total)
        return f"{moment(sums.end)}: {ratio}, {sums.bad:,.0f} of {sums.total:,.0f}"

    limits = []
    if bound is not None:
        limits.append(Mark(charts.y(bound, 0.0, top), f"steady: {figures.percent(bound)}"))
    peak = "" if of.peak is None else f", {figures.percent(of.peak.error_ratio)} at the highest"
    chart = Chart(
        name=name,
        title="Error ratio",
        description=f"The error ratio of {of.name} before, during and after{peak}.",
        unit="share of bad events",
        gaps=axis.gaps(),
        levels=charts.levels(0.0, top, step, figures.percent),
        times=axis.marks(),
        areas=[(look, "".join(paths)) for look, paths in bars.items() if paths],
        limits=limits,
        hovers=axis.hovers(text),
    )
    return chart_svg(chart, _lanes(axis, of, moments), span(start, moments.end))


def _lanes(axis: TimeAxis, of: TargetResult, moments: Moments) -> list[Lane]:
    rows = [("method", "tier", moments.begin, moments.rolled_back)]
    if of.detected is not None:
        rows.append((of.detected[0], "page", of.detected[1], moments.end))
    return [
        Lane(label, look, [_mark(axis, row * LANE_HEIGHT, label, *each)])
        for row, (label, look, *each) in enumerate(rows)
    ]


def _mark(axis: TimeAxis, top: float, label: str, start: float, end: float) -> Box:
    x = axis.x(max(start, axis.start))
    width = max(axis.x(min(end, axis.end)) - x, NARROWEST)
    return Box(x, top + 2, width, LANE_HEIGHT - 4, f"{label}: {span(start, end)}")
