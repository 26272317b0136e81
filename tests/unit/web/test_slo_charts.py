"""The figures of an SLO's charts, beside sums over slots that share no code with them."""

from __future__ import annotations

import re
from itertools import pairwise
from math import log10

import pytest

from exporter.evaluation.chart_data import event_histories
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import HOUR
from exporter.web.pages import formatting
from exporter.web.pages.charts import BOTTOM, LEFT, RIGHT, TOP, Chart
from exporter.web.pages.drawing import Drawing
from exporter.web.pages.ranges import NAMES, chosen_range
from exporter.web.pages.slo_charts import slo_charts
from tests.helpers.web.scenes import END, INTERVAL, played
from tests.helpers.web.slot_sums import Slots

pytestmark = pytest.mark.lengthy

SCENES = ("calm", "burning", "after", "young", "holes", "week", "month", "short")
SOON = {("burning", "1h"), ("holes", "1d"), ("month", "period"), ("short", "6h"), ("young", "7d")}
"""Every scene with every range takes a while."""
CASES = [
    pytest.param(scene, name, marks=() if (scene, name) in SOON else pytest.mark.slow)
    for scene in SCENES
    for name in NAMES
    # An SLO with a period of hours is not asked for as far back as a week.
    if (scene, name) != ("short", "7d")
]


class Scenes(dict[str, Slots]):
    """Made one by one."""

    def __missing__(self, scene: str) -> Slots:
        self[scene] = Slots(scene)
        return self[scene]


@pytest.fixture(scope="module")
def held() -> dict[str, Slots]:
    """The slots of the scenes that are asked for."""
    return Scenes()


def status_of(scene: str) -> SloStatus:
    [status] = [each for each in played()[1].slos if each.slo.name == scene]
    return status


def drawing_of(scene: str, name: str | None) -> Drawing:
    status = status_of(scene)
    [history] = event_histories(played()[0].state, [status])
    assert history is not None
    return Drawing(status, history, chosen_range(status, name))


def charts_of(scene: str, name: str | None) -> dict[str, Chart]:
    return {chart.name: chart for chart in slo_charts(drawing_of(scene, name))}


def moment_at(drawing: Drawing, x: float) -> float:
    """The bound of a bucket that is at a place; places have a digit."""
    at = drawing.axis.start + (x - LEFT) / (RIGHT - LEFT) * drawing.shown.length
    nearest = min(drawing.axis.bounds, key=lambda bound: abs(bound - at))
    assert abs(nearest - at) <= 0.06 / (RIGHT - LEFT) * drawing.shown.length
    return nearest


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def columns(chart: Chart, drawing: Drawing) -> list[tuple[float, float, str]]:
    """The span and the title of every place under the pointer."""
    found = []
    for path, title in chart.hovers:
        match = re.fullmatch(r"M([\d.]+) 14V256H([\d.]+)V14Z", path)
        assert match
        found.append(
            (moment_at(drawing, float(match[1])), moment_at(drawing, float(match[2])), title)
        )
    return found


@pytest.mark.parametrize(("scene", "name"), CASES)
class TestBuckets:
    def test_they_hold_what_the_slots_do(self, held, scene, name):
        """Whatever the range begins in; and no bucket is more than the slots in it."""
        drawing = drawing_of(scene, name)
        bounds, buckets = drawing.axis.bounds, drawing.buckets
        assert bounds[0] == drawing.shown.start
        assert bounds[-1] == END
        assert set(bounds[1:-1]) <= set(held[scene].bounds)
        for i, (start, end) in enumerate(pairwise(bounds)):
            bad, total, seconds = held[scene].between(start, end)
            assert buckets.bad[i] == pytest.approx(bad, abs=1e-6)
            assert buckets.total[i] == pytest.approx(total, abs=1e-6)
            assert buckets.known[i] * (end - start) == pytest.approx(seconds, abs=1e-3)

    def test_they_are_as_fine_as_can_be_seen(self, held, scene, name):
        """The ledger's own slots, unless more than 720 would be drawn."""
        drawing = drawing_of(scene, name)
        bounds = drawing.axis.bounds
        own = [at for at in held[scene].bounds if drawing.shown.start < at < END]
        assert len(bounds) <= 722
        if len(own) <= 720:
            assert bounds[1:-1] == own
        else:
            assert min(after - before for before, after in pairwise(bounds[1:-1])) <= (
                drawing.shown.length / 240
            )

    def test_what_is_said_of_a_place_is_what_happened_there(self, held, scene, name):
        """The error ratio and the traffic under the pointer, column by column without a hole."""
        drawing, charts = drawing_of(scene, name), charts_of(scene, name)
        errors = columns(charts["errors"], drawing)
        assert errors[0][0] == drawing.shown.start
        assert errors[-1][1] == END
        assert [each[1] for each in errors[:-1]] == [each[0] for each in errors[1:]]
        assert len(errors) <= 242
        for (start, end, title), (_, _, traffic_title) in zip(
            errors, columns(charts["traffic"], drawing), strict=True
        ):
            bad, total, seconds = held[scene].between(start, end)
            if seconds < 1e-3:
                assert title.endswith((": unknown", ": maintenance"))
                assert title == traffic_title
                continue
            counts = f"({formatting.count(round(bad, 6))} of {formatting.count(round(total, 6))})"
            ratio = formatting.small_percent(round(bad, 6) / total)
            assert f": {ratio} {counts}" in title
            assert f"{formatting.count(round(bad, 6))} bad events, " in traffic_title

    def test_the_budget_ends_where_it_is(self, held, scene, name):
        """And at each bound has lost what was bad since the beginning of the period."""
        drawing, status = drawing_of(scene, name), status_of(scene)
        chart = charts_of(scene, name)["budget"]
        start = status.period.start
        allowed = 0.001 * held[scene].between(start, END)[1]
        lowest = float(re.sub("[^-0-9.]", "", chart.levels[0].label)) / 100
        drawn = points(chart.lines[0][1])
        assert drawn
        for x, y in drawn:
            at = moment_at(drawing, x)
            left = 1 - held[scene].between(start, at)[0] / allowed
            assert at >= start
            assert 1 - (y - TOP) / (BOTTOM - TOP) * (1 - lowest) == pytest.approx(left, abs=4e-4)
        assert status.budget is not None
        assert chart.hovers[-1][1].endswith(f": {formatting.percent(status.budget.remaining)} left")

    def test_burn_rates_are_those_of_the_conditions_windows(self, held, scene, name):
        """At each bound the lower one of two; and the newest are those of the snapshot."""
        drawing, status = drawing_of(scene, name), status_of(scene)
        chart = charts_of(scene, name).get("burn")
        assert (chart is None) == (not status.alerts)
        if chart is None:
            return
        low, high = (float(chart.levels[i].label[:-1].replace(",", "")) for i in (0, -1))
        for alert, (look, path) in zip(status.alerts, chart.lines, strict=True):
            assert look.startswith(alert.condition.severity)
            for x, y in points(path)[::17]:
                at = moment_at(drawing, x)
                rates = [
                    held[scene].rate(at, length)
                    for length in (alert.condition.long, alert.condition.short)
                ]
                assert None not in rates
                power = log10(max(min(rates), low))
                height = BOTTOM + TOP - y
                found = log10(low) + (height - TOP) / (BOTTOM - TOP) * log10(high / low)
                assert found == pytest.approx(power, abs=2e-3)


def area(chart: Chart, look: str) -> list[tuple[float, float, float, float]]:
    """Left, right, bottom and top of every bar of a look."""
    path = dict(chart.areas).get(look, "")
    bars = re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)H([\d.]+)V([\d.]+)Z", path)
    return [(float(x), float(r), float(low), float(y)) for x, low, y, r, _ in bars]


class TestHeights:
    @pytest.mark.parametrize("name", NAMES)
    def test_bars_of_errors_are_as_high_as_the_ratio(self, held, name):
        """On the scale that the axis shows; red where it is above what is allowed."""
        drawing, chart = drawing_of("burning", name), charts_of("burning", name)["errors"]
        low, high = (float(chart.levels[i].label[:-1]) / 100 for i in (0, -1))
        assert len(area(chart, "above")) > 1
        for look in ("within", "above"):
            for left, right, bottom, top in area(chart, look):
                bad, total, _ = held["burning"].between(
                    moment_at(drawing, left), moment_at(drawing, right)
                )
                assert (bad / total > 0.001) == (look == "above")
                height = (bottom - top) / (BOTTOM - TOP) * log10(high / low)
                assert height == pytest.approx(max(log10(bad / total / low), 0.012), abs=2e-3)

    def test_traffic_is_events_by_time(self, held):
        """The bad ones at the bottom, the good ones on them; a sliver at the least."""
        drawing, chart = drawing_of("burning", "6h"), charts_of("burning", "6h")["traffic"]
        assert chart.unit == "events per second, the bad ones at the bottom"
        assert chart.levels[1].label == "5"
        unit = BOTTOM - chart.levels[1].at
        good, bad = area(chart, "good"), area(chart, "bad")
        assert len(good) == 720
        for left, right, bottom, top in good:
            start, end = moment_at(drawing, left), moment_at(drawing, right)
            failed, total, _ = held["burning"].between(start, end)
            assert (BOTTOM - top) / unit * 5 * 30 == pytest.approx(total, abs=0.4)
            assert (BOTTOM - bottom) / unit * 5 * 30 == pytest.approx(failed, abs=0.4)
        assert {bottom for _, _, bottom, _ in bad} == {float(BOTTOM)}

    @pytest.mark.parametrize(
        ("scene", "severity", "long"),
        [("burning", "page", HOUR), ("after", "page", HOUR), ("after", "page", 6 * HOUR)],
    )
    def test_a_line_crosses_its_threshold_as_its_condition_fires(self, scene, severity, long):
        """The firing's record is kept by other code than the chart's."""
        drawing, chart = drawing_of(scene, "6h"), charts_of(scene, "6h")["burn"]
        status = status_of(scene)
        [firing] = [
            each for each in status.firings if (each.severity, each.long) == (severity, long)
        ]
        [place] = [i for i, each in enumerate(status.alerts) if each.condition.long == long]
        threshold = next(mark.at for mark in chart.limits if firing.name in mark.label)
        above = [moment_at(drawing, x) for x, y in points(chart.lines[place][1]) if y < threshold]
        assert min(above) == firing.start
        assert max(above) == (END if firing.open else firing.end - INTERVAL)


class TestUnknown:
    def test_it_is_a_gap_and_never_zero(self):
        """Neither bar nor line; maintenance is no gap, and has no events."""
        drawing, charts = drawing_of("holes", "6h"), charts_of("holes", "6h")
        hole = (END - 140 * 60, END - 100 * 60)
        for chart in charts.values():
            [gap] = chart.gaps
            assert (moment_at(drawing, gap.x), moment_at(drawing, gap.x + gap.width)) == hole
        for look in ("good", "bad"):
            for left, right, *_ in area(charts["traffic"], look):
                start, end = moment_at(drawing, left), moment_at(drawing, right)
                assert end <= hole[0] or start >= hole[1]
                assert end <= END - 5 * HOUR or start >= END - 4 * HOUR
        for name in ("budget", "burn"):
            for _, path in charts[name].lines:
                runs = [points(f"M{run}") for run in path.split("M")[1:]]
                ends = [[moment_at(drawing, run[i][0]) for i in (0, -1)] for run in runs]
                assert not any(start < hole[1] and end > hole[0] for start, end in ends)
        assert charts["budget"].lines[0][1].count("M") == 2

    def test_what_was_before_an_slo_is_a_gap(self):
        """A young one has not spent nothing: nothing is known."""
        drawing, charts = drawing_of("young", None), charts_of("young", None)
        assert drawing.shown.name == "period"
        [gap] = charts["errors"].gaps
        assert moment_at(drawing, gap.x) == drawing.shown.start
        assert moment_at(drawing, points(charts["budget"].lines[0][1])[0][0]) >= END - 3 * HOUR

    def test_what_cannot_be_is_a_gap(self):
        """And there is no budget; what was before is still shown."""
        drawing, charts = drawing_of("invalid", "1h"), charts_of("invalid", "1h")
        assert "budget" not in charts
        [gap] = charts["errors"].gaps
        assert moment_at(drawing, gap.x) <= END - 39 * 60
        assert moment_at(drawing, gap.x + gap.width) == END
        bars = area(charts["errors"], "within") + area(charts["errors"], "above")
        assert bars
        assert max(right for _, right, *_ in bars) <= gap.x + 0.1

    def test_an_slo_with_a_short_period_knows_no_week(self):
        """What it is not asked for is unknown."""
        charts = charts_of("short", "7d")
        assert charts["errors"].gaps
        assert "before the period" in charts["budget"].hovers[0][1]
