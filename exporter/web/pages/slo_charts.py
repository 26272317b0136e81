"""The charts of one SLO over a range of time: budget, error ratio, burn rate, traffic.

They are drawn from the ledger's own slots, put together only where they could not be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from exporter.slo import figures
from exporter.slo.alerting import SEVERITIES
from exporter.slo.event_history import BucketSums
from exporter.slo.snapshot import Alert, SloStatus
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.web.pages import charts, formatting
from exporter.web.pages.charts import Box, Chart, LogScale, Mark, moment, span
from exporter.web.pages.drawing import Drawing

TIME_UNITS = (("second", 1), ("minute", MINUTE), ("hour", HOUR), ("day", DAY))
"""What traffic is given per: the first in which the busiest bucket has an event at least."""

LEAST_APART = 15
"""Labels within the plot that are nearer to one another than this would overlap."""


def slo_charts(drawing: Drawing) -> list[Chart]:
    """The charts; without those whose figures are not known at all."""
    drawn = [each(drawing) for each in (budget_chart, error_chart, burn_chart, traffic_chart)]
    return [chart for chart in drawn if chart is not None]


def budget_chart(drawing: Drawing) -> Chart | None:
    """The budget of the period as it went, with the policy's tiers as bands behind it."""
    status, axis = drawing.status, drawing.axis
    if status.budget is None:
        return None
    start = status.period.start
    end = start + status.period.elapsed
    values = drawing.history.budget_left_at(axis.bounds, drawing.allowed, start, end)
    left = [value if at >= start else None for at, value in zip(axis.bounds, values, strict=True)]
    there = [value for value in left if value is not None]
    lowest = min(there)
    step = 0.25
    low = 0.0
    if lowest < 0:
        low = math.floor(lowest * 1.05 / charts.round_step(-lowest)) * charts.round_step(-lowest)
        step = step if low > -0.5 else charts.round_step(1 - low)
    taken = there[0] - there[-1]

    def text(_: int, last: int) -> str:
        value = left[last]
        what = "before the period" if value is None else f"{formatting.percent(value)} left"
        return f"{moment(axis.bounds[last])}: {what}"

    return Chart(
        description=(
            f"From {formatting.percent(there[0])} to {formatting.percent(there[-1])}: "
            f"{drawing.of} took {formatting.percent(taken)} of the budget. It is that of the "
            "period's own events; the bands are the tiers of the policy."
        ),
        gaps=axis.gaps(),
        times=axis.marks(),
        name="budget",
        title="Error budget left",
        unit="share of the period's budget",
        bands=_tiers(drawing.status, low),
        levels=charts.levels(low, 1.0, step, lambda value: f"{figures.written(value * 100)}%"),
        lines=[
            (
                "line",
                axis.line([None if each is None else charts.y(each, low, 1.0) for each in left]),
            )
        ],
        hovers=axis.hovers(text),
    )


def _tiers(status: SloStatus, low: float) -> list[Box]:
    bands = []
    upper = 1.0
    for tier in status.slo.policy.tiers:
        lower = max(tier.above, low)
        if lower < upper:
            top, bottom = charts.y(upper, low, 1.0), charts.y(lower, low, 1.0)
            name = formatting.tier(tier.name)
            bands.append(
                Box(charts.LEFT, top, charts.RIGHT - charts.LEFT, bottom - top, name, tier.gate)
            )
            upper = lower
    return bands


def error_chart(drawing: Drawing) -> Chart:
    """The error ratio of each bucket, and what the objective allows.

    The scale is logarithmic: an outage is a thousand times what an objective allows, and both
    must be visible.
    """
    axis, allowed = drawing.axis, drawing.allowed
    ratios = drawing.buckets.error_ratios()
    low = math.floor(math.log10(allowed)) - 1
    worst = min(1.0, max(2 * allowed, *(ratio or 0.0 for ratio in ratios)))
    scale = LogScale(low, math.ceil(math.log10(worst)))
    bars: dict[str, list[str]] = {"within": [], "above": []}
    for i, ratio in enumerate(ratios):
        if ratio:
            look = "above" if ratio > allowed else "within"
            bars[look].append(axis.bar(i, charts.BOTTOM, scale.y(ratio)))

    def text(first: int, last: int) -> str:
        of = drawing.buckets.whole(first, last)
        return f"{_when(of)}: {_unknown(of) or _ratio(of) + _in_part(of)}"

    whole = drawing.buckets.whole(0, len(ratios))
    return Chart(
        description=(
            f"{_ratio(whole)} of {drawing.of} failed; the objective allows "
            f"{formatting.small_percent(allowed)}."
            if whole.known > 0
            else f"Nothing of {drawing.of} is known."
        ),
        gaps=axis.gaps(),
        times=axis.marks(),
        name="errors",
        title="Error ratio",
        unit="share of bad events, on a logarithmic scale",
        levels=scale.levels(lambda value: f"{figures.written(100 * value)}%"),
        areas=[(look, "".join(paths)) for look, paths in bars.items() if paths],
        limits=[Mark(scale.y(allowed), f"objective allows {formatting.small_percent(allowed)}")],
        hovers=axis.hovers(text),
    )


def burn_chart(drawing: Drawing) -> Chart | None:
    """A line per condition that fires above its threshold: the lower of its two windows."""
    axis = drawing.axis
    alerts = [
        alert
        for alert in drawing.status.alerts
        if alert.condition.short >= 2 * drawing.status.scrape_interval
    ]
    if not alerts:
        return None
    rates = [_rates(drawing, alert) for alert in alerts]
    peak = max((rate for each in rates for rate in each if rate), default=0.0)
    thresholds = [alert.threshold for alert in alerts]
    high = math.ceil(math.log10(max(peak, 2 * max(thresholds))))
    scale = LogScale(min(-1, math.floor(math.log10(min(thresholds)))), high)

    def text(_: int, last: int) -> str:
        now = [
            f"{alert.condition} {formatting.rate(each[last])}"
            for alert, each in zip(alerts, rates, strict=True)
        ]
        return f"{moment(axis.bounds[last])}: {', '.join(now)}"

    return Chart(
        description=(
            "For each condition the lower burn rate of its two windows: above its threshold the "
            "condition fires."
        ),
        gaps=axis.gaps(),
        times=axis.marks(),
        name="burn",
        title="Burn rate",
        unit="multiples of what the objective allows, on a logarithmic scale",
        levels=scale.levels(figures.rate),
        lines=[
            (
                _look(alert, alerts),
                axis.line([None if rate is None else scale.y(rate) for rate in each]),
            )
            for alert, each in zip(alerts, rates, strict=True)
        ],
        limits=_thresholds(alerts, scale),
        hovers=axis.hovers(text),
    )


def _rates(drawing: Drawing, alert: Alert) -> list[float | None]:
    """The lower burn rate of a condition's windows at each bound."""
    windows = (alert.condition.long, alert.condition.short)
    bounds = drawing.axis.bounds
    ratios = (drawing.history.window_ratios(bounds, length) for length in windows)
    return [
        None if long is None or short is None else min(long, short) / drawing.allowed
        for long, short in zip(*ratios, strict=True)
    ]


def traffic_chart(drawing: Drawing) -> Chart:
    """Good and bad events of each bucket, by the time of it that is known."""
    axis, buckets = drawing.axis, drawing.buckets
    rates = buckets.rates()
    most = max(rates[1])
    unit, per = next((each for each in TIME_UNITS if most * each[1] >= 1), TIME_UNITS[-1])
    high = most * per * 1.05 or 1.0
    bars: dict[str, list[str]] = {"good": [], "bad": []}
    for i, (bad, total) in enumerate(zip(*rates, strict=True)):
        bottom, top = (charts.y(value * per, 0.0, high) for value in (bad, total))
        if total > bad:
            bars["good"].append(axis.bar(i, bottom, top))
        if bad > 0:
            bars["bad"].append(axis.bar(i, charts.BOTTOM, bottom))

    def text(first: int, last: int) -> str:
        of = drawing.buckets.whole(first, last)
        if of.known <= 0:
            return f"{_when(of)}: {_unknown(of)}"
        rate = figures.number(of.total / of.known * per)
        return f"{_when(of)}: {_events(of)}, {rate} per {unit}{_in_part(of)}"

    whole = drawing.buckets.whole(0, len(buckets.bad))
    return Chart(
        description=f"{drawing.of.capitalize()} had {_events(whole)}.",
        gaps=axis.gaps(),
        times=axis.marks(),
        name="traffic",
        title="Traffic",
        unit=f"events per {unit}, the bad ones at the bottom",
        levels=charts.levels(0.0, high, charts.round_step(high), figures.number),
        areas=[(look, "".join(paths)) for look, paths in bars.items() if paths],
        hovers=axis.hovers(text),
    )


def _when(of: BucketSums) -> str:
    return span(of.begin, of.end)


def _unknown(of: BucketSums) -> str:
    """Why there is no figure, if there is none."""
    if of.known > 0:
        return ""
    return "maintenance" if of.excluded > 0 else "unknown"


def _in_part(of: BucketSums) -> str:
    """How much of it is known, if that is not all."""
    share = of.known / max(1e-9, of.end - of.begin - of.excluded)
    return "" if share > 0.99 else f", {share * 100:.0f}% known"


def _ratio(of: BucketSums) -> str:
    ratio = of.bad / of.total if of.total > 0 else 0.0
    counted = f"{formatting.count(of.bad)} of {formatting.count(of.total)}"
    return f"{formatting.small_percent(ratio)} ({counted})"


def _events(of: BucketSums) -> str:
    return f"{formatting.count(of.total - of.bad)} good and {formatting.count(of.bad)} bad events"


def _look(alert: Alert, alerts: Sequence[Alert]) -> str:
    """How a condition is drawn: by its severity, and apart from the first one of it."""
    severity = alert.condition.severity
    first = next(each for each in alerts if each.condition.severity == severity)
    look = severity if severity in SEVERITIES else "other"
    return look if alert is first else f"{look} slower"


def _thresholds(alerts: list[Alert], scale: LogScale) -> list[Mark]:
    """A line per threshold; labels that would overlap are under the pointer alone (`minor`)."""
    marks: list[Mark] = []
    for alert in sorted(alerts, key=lambda each: each.threshold, reverse=True):
        at = scale.y(alert.threshold)
        label = f"{alert.condition} fires above {formatting.rate(alert.threshold)}"
        near = any(abs(at - other.at) < LEAST_APART for other in marks if not other.minor)
        marks.append(Mark(at, label, minor=near, look=_look(alert, alerts)))
    return marks
