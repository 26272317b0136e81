"""Periods: the spans of the calendar in any time zone, against datetime's own arithmetic."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.period import UNITS, CalendarPeriod, PeriodBounds, RollingPeriod
from exporter.slo.types import DAY, HOUR

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # had its clocks changed at midnight
    "Asia/Kolkata",  # +05:30
    "Asia/Kathmandu",  # +05:45
    "Australia/Lord_Howe",  # changes by half an hour
    "Pacific/Apia",  # left out a whole day
]


def at(text: str, zone: str = "UTC") -> int:
    """Unix seconds of a time on a zone's clocks."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def span(unit: str, moment: str, zone: str = "UTC") -> tuple[str, str]:
    """Where the period of a moment begins and ends, on the zone's clocks."""
    found = CalendarPeriod(unit, zone).span(at(moment, zone))
    return tuple(
        datetime.fromtimestamp(each, UTC).astimezone(ZoneInfo(zone)).isoformat(" ", "minutes")[:16]
        for each in (found.start, found.end)
    )


class TestRolling:
    def test_it_is_the_last_so_many_seconds(self):
        """It ends now, all of it lies behind, and it is named as a duration."""
        period = RollingPeriod(28 * DAY)
        assert period.span(1_700_000_000) == PeriodBounds(
            1_700_000_000 - 28 * DAY, 1_700_000_000, 28 * DAY
        )
        assert (period.label, period.longest) == ("28d", 28 * DAY)
        assert period.span(0).length == 28 * DAY


class TestCalendar:
    @pytest.mark.parametrize(
        ("unit", "moment", "start", "end"),
        [
            ("week", "2024-05-15 12:00", "2024-05-13 00:00", "2024-05-20 00:00"),
            ("week", "2024-05-19 23:59", "2024-05-13 00:00", "2024-05-20 00:00"),
            ("week", "2024-05-13 00:01", "2024-05-13 00:00", "2024-05-20 00:00"),
            ("week", "2024-12-31 12:00", "2024-12-30 00:00", "2025-01-06 00:00"),
            ("week", "2021-01-03 12:00", "2020-12-28 00:00", "2021-01-04 00:00"),
            ("month", "2024-02-10 12:00", "2024-02-01 00:00", "2024-03-01 00:00"),
            ("month", "2023-02-28 23:59", "2023-02-01 00:00", "2023-03-01 00:00"),
            ("month", "2024-12-31 23:59", "2024-12-01 00:00", "2025-01-01 00:00"),
            ("quarter", "2024-02-10 12:00", "2024-01-01 00:00", "2024-04-01 00:00"),
            ("quarter", "2024-06-30 12:00", "2024-04-01 00:00", "2024-07-01 00:00"),
            ("quarter", "2024-08-31 12:00", "2024-07-01 00:00", "2024-10-01 00:00"),
            ("quarter", "2024-12-01 12:00", "2024-10-01 00:00", "2025-01-01 00:00"),
            ("year", "2024-02-29 12:00", "2024-01-01 00:00", "2025-01-01 00:00"),
            ("year", "2024-12-31 23:59", "2024-01-01 00:00", "2025-01-01 00:00"),
        ],
    )
    @pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
    def test_where_a_period_begins_and_ends(self, unit, moment, start, end, zone):
        """At midnight on the clocks of the zone; weeks begin on Monday."""
        assert span(unit, moment, zone) == (start, end)

    @pytest.mark.parametrize(
        ("unit", "moment", "zone", "hours"),
        [
            ("month", "2024-01-15", "UTC", 31 * 24),
            ("month", "2024-02-15", "UTC", 29 * 24),
            ("month", "2023-02-15", "UTC", 28 * 24),
            ("month", "2024-04-15", "UTC", 30 * 24),
            ("month", "2024-03-15", "Europe/Berlin", 31 * 24 - 1),
            ("month", "2024-10-15", "Europe/Berlin", 31 * 24 + 1),
            ("month", "2024-04-15", "Australia/Lord_Howe", 30 * 24 + 0.5),
            ("month", "2024-10-15", "Australia/Lord_Howe", 31 * 24 - 0.5),
            ("week", "2024-03-29", "Europe/Berlin", 7 * 24 - 1),
            ("week", "2024-10-25", "Europe/Berlin", 7 * 24 + 1),
            ("month", "2011-12-15", "Pacific/Apia", 30 * 24),  # the 30th did not take place
            ("quarter", "2024-02-15", "UTC", 91 * 24),
            ("quarter", "2023-02-15", "UTC", 90 * 24),
            ("quarter", "2024-08-15", "UTC", 92 * 24),
            ("quarter", "2024-02-15", "Europe/Berlin", 91 * 24 - 1),
            ("year", "2024-06-15", "Europe/Berlin", 366 * 24),
            ("year", "2023-06-15", "Europe/Berlin", 365 * 24),
            ("year", "1900-06-15", "UTC", 365 * 24),
        ],
    )
    def test_how_long_a_period_is(self, unit, moment, zone, hours):
        """Months, leap years and changes of the clocks give it the length it has."""
        found = CalendarPeriod(unit, zone).span(at(moment, zone))
        assert found.length == hours * HOUR

    @pytest.mark.parametrize("zone", ZONES)
    def test_the_slot_that_ends_as_a_month_begins_belongs_to_the_month_before(self, zone):
        """At the boundary the old month is whole; a second later the new one has a second."""
        period, boundary = CalendarPeriod("month", zone), at("2024-11-01", zone)
        before, after = period.span(boundary), period.span(boundary + 1)
        assert before == PeriodBounds(at("2024-10-01", zone), boundary, before.length)
        assert (after.start, after.elapsed) == (boundary, 1)

    def test_a_day_that_has_no_midnight_begins_when_it_does(self):
        """The clocks of Asuncion went from 0:00 to 1:00 as 1 October 2023 began."""
        zone = "America/Asuncion"
        found = CalendarPeriod("month", zone).span(at("2023-10-15", zone))
        assert found.start == at("2023-09-30 23:59:59", zone) + 1
        assert found.length == 31 * DAY - HOUR

    @given(
        st.sampled_from(UNITS),
        st.sampled_from(ZONES),
        st.integers(at("2012-01-01"), at("2040-01-01")),
    )
    def test_periods_follow_one_another(self, unit, zone, moment):
        """Each contains its moments, ends where the next begins, and is not too long."""
        period = CalendarPeriod(unit, zone)
        found = period.span(moment)
        assert found.start < moment <= found.end
        assert found.elapsed == moment - found.start
        assert 0 < found.length <= period.longest
        assert period.span(found.end) == PeriodBounds(found.start, found.end, found.length)
        assert period.span(found.end + 1).start == found.end
        assert period.span(found.start).end == found.start

    @given(
        st.sampled_from(UNITS), st.sampled_from(ZONES), st.dates(date(2012, 1, 2), date(2039, 1, 1))
    )
    def test_every_day_lies_in_the_period_that_its_date_says(self, unit, zone, day):
        """By the date's ISO week, month, quarter or year."""

        def numbered(of: date) -> tuple[int, int]:
            return {
                "week": of.isocalendar()[:2],
                "month": (of.year, of.month),
                "quarter": (of.year, (of.month + 2) // 3),
                "year": (of.year, 0),
            }[unit]

        found = CalendarPeriod(unit, zone).span(at(f"{day} 12:00", zone))
        first, last = (
            datetime.fromtimestamp(each, UTC).astimezone(ZoneInfo(zone)).date()
            for each in (found.start, found.end - 1)
        )
        assert numbered(first) == numbered(day) == numbered(last)
        assert numbered(first - timedelta(days=1)) != numbered(day)
        assert numbered(last + timedelta(days=1)) != numbered(day)


class TestBoundary:
    @pytest.mark.parametrize(
        ("zone", "seconds"),
        [
            ("UTC", 3600),
            ("Europe/Berlin", 3600),
            ("Asia/Kolkata", 1800),
            ("Asia/Kathmandu", 900),
            ("Australia/Lord_Howe", 1800),
            ("Pacific/Chatham", 900),
            ("Australia/Eucla", 900),
            ("America/Caracas", 1800),  # until 2016
            ("Asia/Pyongyang", 1800),  # from 2015 to 2018
        ],
    )
    def test_slots_of_this_length_begin_where_periods_do(self, zone, seconds):
        """An hour at the most, less where the clocks are not whole hours from UTC."""
        assert CalendarPeriod("month", zone).boundary == seconds

    @given(
        st.sampled_from(UNITS),
        st.sampled_from(ZONES),
        st.integers(at("2012-01-01"), at("2040-01-01")),
    )
    def test_every_start_is_a_multiple_of_it(self, unit, zone, moment):
        """Whatever the clocks do in between."""
        period = CalendarPeriod(unit, zone)
        assert period.span(moment).start % period.boundary == 0


@pytest.mark.parametrize("unit", UNITS)
def test_a_calendar_period_is_named_by_its_unit(unit):
    """In metrics, whatever its length and zone."""
    assert CalendarPeriod(unit, "Europe/Berlin").label == unit
