"""Windows, thresholds of the alert rungs, and the rungs that can never fire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.period import CalendarPeriod, Period, RollingPeriod
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.slo.windows import (
    CONDITIONS,
    WINDOWS,
    BurnRateCondition,
    cannot_hold,
    windows,
)
from tests.helpers.samples import AT


def conditions_for(period: Period, length: int, error_budget: float) -> list[BurnRateCondition]:
    return [each for each in CONDITIONS if cannot_hold(each, period, length, error_budget) is None]


FOUR = ["page 1h/5m", "page 6h/30m", "ticket 1d/2h", "ticket 3d/6h"]


def test_the_windows_are_those_of_the_design():
    """5m to 3d, and the period on top, shortest first."""
    expected = {
        "5m": 300,
        "30m": 1800,
        "1h": 3600,
        "2h": 7200,
        "6h": 21_600,
        "1d": 86_400,
        "3d": 259_200,
        "30d": 2_592_000,
    }
    found = windows(RollingPeriod(30 * DAY), AT)
    assert dict(found) == expected
    assert [seconds for _, seconds in found] == sorted(expected.values())


@pytest.mark.parametrize(
    ("period", "last"), [(HOUR, (300, 1800, 3600)), (3 * DAY, WINDOWS), (DAY + 1, (86_400, 86_401))]
)
def test_a_short_period_is_the_longest_window(period, last):
    """No window is longer than the period, and none is there twice."""
    found = [seconds for _, seconds in windows(RollingPeriod(period), AT)]
    assert tuple(found[-len(last) :]) == last
    assert len(set(found)) == len(found)
    assert max(found) == period


@pytest.mark.parametrize(
    ("days", "thresholds"),
    [
        (30, [14.4, 6.0, 3.0, 1.0]),
        (28, [13.44, 5.6, 2.8, 0.9333333333333333]),
        (7, [3.36, 1.4, 0.7, 0.23333333333333334]),
        (90, [43.2, 18.0, 9.0, 3.0]),
    ],
)
def test_thresholds_are_scaled_to_the_period(days, thresholds):
    """A rung stands for the same share of the budget whatever the period."""
    found = [condition.threshold(days * DAY) for condition in CONDITIONS]
    assert found == pytest.approx(thresholds, rel=1e-15)


def test_the_thresholds_of_30_days_are_the_workbooks():
    """Severities, windows and 14.4, 6, 3, 1 as everybody knows them."""
    table = [(r.severity, r.long, r.short, r.threshold(30 * DAY)) for r in CONDITIONS]
    assert table == [
        ("page", HOUR, 5 * MINUTE, 14.4),
        ("page", 6 * HOUR, 30 * MINUTE, 6.0),
        ("ticket", DAY, 2 * HOUR, 3.0),
        ("ticket", 3 * DAY, 6 * HOUR, 1.0),
    ]


@pytest.mark.parametrize(
    ("error_budget", "period", "left"),
    [
        (0.001, 30 * DAY, FOUR),
        (0.05, 30 * DAY, FOUR),  # 14.4 x 0.05 = 0.72
        (0.1, 30 * DAY, FOUR[1:]),  # 14.4 x 0.1 = 1.44
        (0.2, 30 * DAY, FOUR[2:]),  # 6 x 0.2 = 1.2
        (0.4, 30 * DAY, FOUR[3:]),  # 3 x 0.4 = 1.2
        (0.5, 60 * DAY, []),  # 2 x 0.5 = 1: an error ratio of 1 is not above it
        (0.25, 20 * DAY, FOUR[2:]),  # 4 x 0.25 = 1 for the second
        (0.001, 3 * DAY, FOUR),
        (0.001, 2 * DAY, FOUR[:3]),
        (0.001, DAY - 1, FOUR[:2]),
        (0.001, HOUR, FOUR[:1]),
    ],
)
def test_a_rung_that_can_never_fire_is_left_out(error_budget, period, left):
    """Nor is there a rung whose long window is longer than the period."""
    assert [
        str(condition) for condition in conditions_for(RollingPeriod(period), period, error_budget)
    ] == left


@given(st.floats(1e-6, 0.99), st.integers(HOUR, 400 * DAY))
def test_every_rung_that_is_left_can_fire_and_has_its_windows(error_budget, period):
    """Total failure exceeds its threshold, and both windows are computed."""
    lengths = {seconds for _, seconds in windows(RollingPeriod(period), AT)}
    for condition in conditions_for(RollingPeriod(period), period, error_budget):
        assert 1 / error_budget > condition.threshold(period) * (1 - 1e-12)
        assert {condition.long, condition.short} <= lengths


class TestCalendar:
    MONTH = CalendarPeriod("month")

    def test_the_windows_look_across_the_calendars_boundary(self):
        """All of them, however young the month is, and the month so far under its own name."""
        start = 1_698_796_800  # 2023-11-01
        found = windows(self.MONTH, start + HOUR)
        assert found == (*windows(RollingPeriod(30 * DAY), AT)[:-1], ("month", HOUR))

    def test_a_slot_that_ends_as_the_month_begins_is_the_last_one_of_the_month_before(self):
        """The window is the whole of October."""
        assert windows(self.MONTH, 1_698_796_800)[-1] == ("month", 31 * DAY)

    @pytest.mark.parametrize("unit", ["week", "month", "quarter", "year"])
    def test_all_rungs_are_there_from_the_first_minute_on(self, unit):
        """Their windows are those of the clock, not of the period so far."""
        found = conditions_for(CalendarPeriod(unit), 7 * DAY, 0.001)
        assert [str(condition) for condition in found] == FOUR

    def test_rungs_that_can_never_fire_are_left_out_by_the_whole_length(self):
        """28.8 x 0.05 is impossible where the month has 60 days."""
        assert [str(condition) for condition in conditions_for(self.MONTH, 60 * DAY, 0.05)] == FOUR[
            1:
        ]
