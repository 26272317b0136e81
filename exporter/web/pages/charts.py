"""Charts, as the shapes that the templates draw as SVG. Nothing here knows HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from exporter.slo import figures
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import lasting
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from exporter.web.pages import formatting

CHART_BUCKETS = 180
"""Buckets of a chart: four hours each, for a period of 30 days."""

SPARKLINE_BUCKETS = 48
SPARKLINE_WIDTH, SPARKLINE_HEIGHT = 120, 28

LEFT, RIGHT, TOP, BOTTOM = 88, 708, 14, 256
"""The area of the plot in a drawing of 720 by 300; the labels are left of it and below."""

MOST_TICKS = 7
STEPS = (
    *(60, 300, 900, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY * days for days in (1, 2, 5, 7, 14, 30, 60)),
)
"""Seconds between the marks of a time axis."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A small line; `title` says what it shows."""

    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a chart, and its title."""

    x: float
    y: float
    width: float
    height: float
    title: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on an axis, or a line across the plot. `minor` ones may be left out."""

    at: float
    label: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, back to front. Paths are SVG's; `name` is unique on a page."""

    name: str
    title: str
    description: str
    unit: str
    bands: Sequence[Box]
    gaps: Sequence[Box]
    levels: Sequence[Mark]
    times: Sequence[Mark]
    areas: Sequence[tuple[str, str]]
    line: str
    limits: Sequence[Mark]
    hovers: Sequence[Box]


def sparkline(status: SloStatus, history: EventHistory | None) -> Sparkline | None:
    """The budget over the period, as a line of 120 by 28; None while nothing is known."""
    if history is None or status.budget is None:
        return None
    left = _of_period(status, history, SPARKLINE_BUCKETS).budget_left(_budget(status))
    low, high = min(0.0, *left), max(1.0, *left)
    xs = [2 + i * (SPARKLINE_WIDTH - 4) / SPARKLINE_BUCKETS for i in range(SPARKLINE_BUCKETS + 1)]
    ys = [2 + (high - value) / (high - low) * (SPARKLINE_HEIGHT - 4) for value in left]
    title = f"Budget over the period: 100% at its start, {formatting.percent(left[-1])} now"
    return Sparkline(_path(xs, ys), title)


def _of_period(status: SloStatus, history: EventHistory, buckets: int) -> EventHistory:
    start = status.period.start
    return history.cut(start, start + status.period.elapsed, buckets)


def _budget(status: SloStatus) -> float:
    return status.slo.objective.error_budget


def budget_chart(status: SloStatus, history: EventHistory) -> Chart:
    """The budget over the period, with the policy's tiers as bands behind it."""
    buckets = _of_period(status, history, CHART_BUCKETS)
    left = buckets.budget_left(_budget(status))
    lowest = min(left)
    low = 0.0 if lowest >= 0 else math.floor(lowest * 1.05 / _step(-lowest)) * _step(-lowest)
    times = _Times(buckets)
    step = 0.25 if low > -0.5 else _step(1 - low)
    bands = []
    upper = 1.0
    for tier in status.slo.policy.tiers:
        lower = max(tier.above, low)
        if lower < upper:
            top, bottom = _y(upper, low, 1.0), _y(lower, low, 1.0)
            band = Box(LEFT, top, RIGHT - LEFT, bottom - top, formatting.tier(tier.name), tier.gate)
            bands.append(band)
            upper = lower
    hovers = [
        times.column(i, f"{formatting.minute(end)}: {formatting.percent(left[i + 1])} left")
        for i, end in enumerate(times.bounds[1:])
    ]
    return Chart(
        name="budget",
        title="Error budget over the period",
        description=(
            f"From 100% at {formatting.minute(times.start)} to {formatting.percent(left[-1])} at "
            f"{formatting.minute(times.end)}. The bands are the tiers of the policy."
        ),
        unit="budget left",
        bands=bands,
        gaps=times.gaps(),
        levels=_levels(low, 1.0, step),
        times=times.marks(),
        areas=(),
        line=_path([times.x(at) for at in times.bounds], [_y(value, low, 1.0) for value in left]),
        limits=(),
        hovers=hovers,
    )


def error_chart(status: SloStatus, history: EventHistory) -> Chart:
    """The error ratio of each bucket of the period, and what the objective allows.

    The scale is logarithmic: an outage is a thousand times what an objective allows, and both
    must be visible.
    """
    buckets = _of_period(status, history, CHART_BUCKETS)
    times, ratios = _Times(buckets), buckets.error_ratios()
    allowed = _budget(status)
    low = math.floor(math.log10(allowed)) - 1
    worst = max(2 * allowed, *(ratio or 0.0 for ratio in ratios))
    high = math.ceil(math.log10(worst))
    bars: dict[str, list[str]] = {"within": [], "above": []}
    hovers = []
    counts = zip(buckets.bad.tolist(), buckets.total.tolist(), strict=True)
    for i, (ratio, (bad, total)) in enumerate(zip(ratios, counts, strict=True)):
        begin, end = times.bounds[i : i + 2]
        counted = f"{formatting.count(bad)} of {formatting.count(total)}"
        what = f"{formatting.small_percent(ratio)} ({counted})"
        span = f"{formatting.minute(begin)} to {formatting.minute(end)}"
        hovers.append(times.column(i, f"{span}: {what if ratio is not None else 'unknown'}"))
        if ratio and math.log10(ratio) > low:
            x, right, y = times.x(begin), times.x(end), _y(math.log10(ratio), low, high)
            path = f"M{_n(x)} {BOTTOM}V{_n(y)}H{_n(right)}V{BOTTOM}Z"
            bars["above" if ratio > allowed else "within"].append(path)
    limit = _y(math.log10(allowed), low, high)
    return Chart(
        name="errors",
        title="Error ratio",
        description=(
            f"The share of bad events, in buckets of {lasting(times.bucket)}, from "
            f"{formatting.minute(times.start)} to {formatting.minute(times.end)}. "
            f"The objective allows {formatting.small_percent(allowed)}."
        ),
        unit="share of bad events, on a logarithmic scale",
        bands=(),
        gaps=times.gaps(),
        levels=[
            Mark(_y(power, low, high), f"{figures.written(10.0 ** (power + 2))}%")
            for power in range(low, high + 1)
        ],
        times=times.marks(),
        areas=[(look, "".join(paths)) for look, paths in bars.items() if paths],
        line="",
        limits=[Mark(limit, f"objective allows {formatting.small_percent(allowed)}")],
        hovers=hovers,
    )


class _Times:
    """The time axis of some buckets."""

    def __init__(self, buckets: EventHistory) -> None:
        self._buckets = buckets
        self.bounds: list[float] = buckets.bounds.tolist()
        self.start: float = self.bounds[0]
        self.end: float = self.bounds[-1]
        self.bucket = self.bounds[1] - self.start

    def x(self, at: float) -> float:
        """Where a moment is."""
        return LEFT + (at - self.start) / (self.end - self.start) * (RIGHT - LEFT)

    def column(self, i: int, title: str) -> Box:
        """The whole column of a bucket, which shows its figures under the pointer."""
        x = self.x(self.bounds[i])
        return Box(x, TOP, self.x(self.bounds[i + 1]) - x, BOTTOM - TOP, title)

    def gaps(self) -> list[Box]:
        """What is not known."""
        return [
            Box(
                self.x(begin),
                TOP,
                self.x(end) - self.x(begin),
                BOTTOM - TOP,
                f"unknown: {formatting.minute(begin)} to {formatting.minute(end)}",
            )
            for begin, end in self._buckets.unknown()
        ]

    def marks(self) -> list[Mark]:
        """Round moments, a few."""
        length = self.end - self.start
        step = next((each for each in STEPS if length / each <= MOST_TICKS), STEPS[-1])
        form = "%d %b" if step >= DAY else "%H:%M"
        first = math.ceil(self.start / step) * step
        moments = range(int(first), int(self.end) + 1, step)
        return [
            Mark(self.x(at), datetime.fromtimestamp(at, UTC).strftime(form), minor=i % 2 == 1)
            for i, at in enumerate(moments)
        ]


def _levels(low: float, high: float, step: float) -> list[Mark]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [
        Mark(_y(i * step, low, high), f"{figures.written(i * step * 100)}%")
        for i in range(first, last + 1)
    ]


def _step(span: float) -> float:
    """A round step, at most five of which make up a span."""
    power = math.pow(10, math.floor(math.log10(span / 4)))
    steps = (1.0, 2.0, 2.5, 5.0, 10.0)
    return next(n * power for n in steps if span / (n * power) <= 5)


def _y(value: float, low: float, high: float) -> float:
    return TOP + (high - value) / (high - low) * (BOTTOM - TOP)


def _path(xs: Sequence[float], ys: Sequence[float]) -> str:
    """A line through points; points within level stretches are left out."""
    points = list(zip(map(_n, xs), map(_n, ys), strict=True))
    kept = [points[0]]
    kept += [
        this
        for (before, this), after in zip(pairwise(points), points[2:], strict=False)
        if not before[1] == this[1] == after[1]
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in [*kept, points[-1]])


def _n(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
