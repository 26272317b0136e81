"""What charts are made of: shapes that the templates draw as SVG. Nothing here knows HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from exporter.slo.event_history import EventHistory
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.web.pages import formatting

SPARKLINE_BUCKETS = 48
SPARKLINE_WIDTH, SPARKLINE_HEIGHT = 120, 28

LEFT, RIGHT, TOP, BOTTOM = 88, 708, 14, 256
"""The area of the plot in a drawing of 720 by 300; the labels are left of it and below."""

MOST_BUCKETS, MOST_HOVERS = 720, 240
"""What is drawn over the width of a plot: more could not be told apart, and would make large pages.
The second is how many places have a title of their own under the pointer."""

GRAINS = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(HOUR * hours for hours in (1, 2, 3, 6, 12)),
    *(DAY * days for days in (1, 2, 7)),
)
"""Seconds that buckets may be long: round parts of a minute, an hour and a day."""

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
    look: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A row above the plot that shows when something happened, such as firings."""

    label: str
    look: str
    boxes: Sequence[Box]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, back to front. Paths are SVG's; `name` is unique on a page.

    `areas` and `lines` are pairs of look and path, `hovers` of path and title.
    """

    name: str
    title: str
    description: str
    unit: str
    gaps: Sequence[Box]
    levels: Sequence[Mark]
    times: Sequence[Mark]
    hovers: Sequence[tuple[str, str]]
    bands: Sequence[Box] = ()
    areas: Sequence[tuple[str, str]] = ()
    lines: Sequence[tuple[str, str]] = ()
    limits: Sequence[Mark] = ()


def sparkline(status: SloStatus, history: EventHistory | None) -> Sparkline | None:
    """The budget over the period, as a line of 120 by 28; None while nothing is known."""
    if history is None or status.budget is None:
        return None
    start = status.period.start
    buckets = history.cut(start, start + status.period.elapsed, SPARKLINE_BUCKETS)
    left = buckets.budget_left(status.slo.objective.error_budget)
    low, high = min(0.0, *left), max(1.0, *left)
    xs = [2 + i * (SPARKLINE_WIDTH - 4) / SPARKLINE_BUCKETS for i in range(SPARKLINE_BUCKETS + 1)]
    ys = [2 + (high - value) / (high - low) * (SPARKLINE_HEIGHT - 4) for value in left]
    title = f"Budget over the period: 100% at its start, {formatting.percent(left[-1])} now"
    return Sparkline(path(xs, ys), title)


def grain(length: float, most: int) -> int:
    """The shortest round time of which at most so many make up a length, all in seconds."""
    return next((each for each in GRAINS if length / each <= most), 30 * DAY)


class TimeAxis:
    """The time axis of some buckets."""

    def __init__(self, buckets: EventHistory) -> None:
        self._buckets = buckets
        self.bounds: list[float] = buckets.bounds.tolist()
        self.start: float = self.bounds[0]
        self.end: float = self.bounds[-1]

    def x(self, at: float) -> float:
        """Where a moment is."""
        return LEFT + (at - self.start) / (self.end - self.start) * (RIGHT - LEFT)

    def hovers(self, text: Callable[[int, int], str]) -> list[tuple[str, str]]:
        """Columns that show the figures of some buckets (first, after last) under the pointer."""
        groups = self._buckets.groups(grain(self.end - self.start, MOST_HOVERS))
        return [
            (self.column(self.bounds[first], self.bounds[last]), text(first, last))
            for first, last in groups
        ]

    def column(self, begin: float, end: float) -> str:
        """The path of the whole height of a span of time."""
        return f"M{number(self.x(begin))} {TOP}V{BOTTOM}H{number(self.x(end))}V{TOP}Z"

    def gaps(self) -> list[Box]:
        """What is not known."""
        return [
            self.band(begin, end, f"unknown: {span(begin, end)}")
            for begin, end in self._buckets.unknown()
        ]

    def band(self, begin: float, end: float, title: str, look: str = "") -> Box:
        """The whole height of a span of time."""
        x = self.x(begin)
        return Box(x, TOP, self.x(end) - x, BOTTOM - TOP, title, look)

    def bar(self, i: int, low: float, high: float) -> str:
        """The bar of a bucket, from one height to another; a sliver at the least."""
        if low - high < 1:
            high = low - 1
        x, right = number(self.x(self.bounds[i])), number(self.x(self.bounds[i + 1]))
        return f"M{x} {number(low)}V{number(high)}H{right}V{number(low)}Z"

    def line(self, ys: Sequence[float | None]) -> str:
        """A line through the heights at the bounds; it is broken where nothing is known."""
        shares = self._buckets.known
        if self._buckets.excluded is not None:
            shares = shares + self._buckets.excluded
        drawn: list[str] = []
        xs: list[float] = []
        heights: list[float] = []
        for i, known in enumerate(shares.tolist()):
            here, there = ys[i], ys[i + 1]
            if known <= 0 or here is None or there is None:
                drawn += [path(xs, heights)] if xs else []
                xs, heights = [], []
                continue
            if not xs:
                xs, heights = [self.x(self.bounds[i])], [here]
            xs.append(self.x(self.bounds[i + 1]))
            heights.append(there)
        return "".join([*drawn, path(xs, heights)] if xs else drawn)

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


class LogScale:
    """Heights of values over powers of ten; what is lower than the lowest is there."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def y(self, value: float) -> float:
        """Where a value is."""
        power = math.log10(value) if value > 0 else self._low
        return y(max(power, self._low), self._low, self._high)

    def levels(self, text: Callable[[float], str]) -> list[Mark]:
        """Its powers of ten; every second one if they are many."""
        powers = range(self._low, self._high + 1, 1 + (self._high - self._low) // 7)
        return [Mark(self.y(10.0**power), text(10.0**power)) for power in powers]


def levels(low: float, high: float, step: float, text: Callable[[float], str]) -> list[Mark]:
    """The multiples of a step between two values, with their labels."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [Mark(y(i * step, low, high), text(i * step)) for i in range(first, last + 1)]


def round_step(extent: float) -> float:
    """A round step, at most five of which make up an extent."""
    power = math.pow(10, math.floor(math.log10(extent / 4)))
    steps = (1.0, 2.0, 2.5, 5.0, 10.0)
    return next(n * power for n in steps if extent / (n * power) <= 5)


def y(value: float, low: float, high: float) -> float:
    """Where a value is between two others."""
    return TOP + (high - value) / (high - low) * (BOTTOM - TOP)


def path(xs: Sequence[float], ys: Sequence[float]) -> str:
    """A line through points; points within level stretches are left out."""
    points = list(zip(map(number, xs), map(number, ys), strict=True))
    kept = [points[0]]
    kept += [
        this
        for (before, this), after in zip(pairwise(points), points[2:], strict=False)
        if not before[1] == this[1] == after[1]
    ]
    return "M" + "L".join(f"{at} {height}" for at, height in [*kept, points[-1]])


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def moment(at: float) -> str:
    """A moment (Unix seconds) under the pointer: `14 Nov 22:15`, with seconds if it has any."""
    return _written(at, "%d %b ")


def span(begin: float, end: float) -> str:
    """A span of time under the pointer: `14 Nov 22:15 to 22:30`."""
    same = datetime.fromtimestamp(begin, UTC).date() == datetime.fromtimestamp(end, UTC).date()
    return f"{moment(begin)} to {_written(end, '' if same else '%d %b ')}"


def _written(at: float, day: str) -> str:
    form = "%H:%M" if at % MINUTE == 0 else "%H:%M:%S"
    return datetime.fromtimestamp(at, UTC).strftime(day + form)
