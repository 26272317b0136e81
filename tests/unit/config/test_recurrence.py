"""Recurring maintenance windows: when they occur, and that daylight saving does not move them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.types.recurrence import recurring
from exporter.config.types.times import moment
from exporter.slo.maintenance import MaintenanceWindow
from tests.helpers.thorough import examples

HOUR = 3_600
DAY = 24 * HOUR
SUNDAYS = "FREQ=WEEKLY;BYDAY=SU"


def utc(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()


def window(rule: str, start: str, zone: str = "UTC", duration: int = 2 * HOUR) -> MaintenanceWindow:
    return recurring("test", rule, moment(start, zone), zone, duration)


def starts(of: MaintenanceWindow, low: str, high: str) -> list[str]:
    """The starts in UTC of what overlaps a span, given in UTC."""
    return [
        datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:%M")
        for start, _ in of.between(utc(low), utc(high))
    ]


class TestDaylightSaving:
    @pytest.mark.parametrize(
        ("written", "span", "expected"),
        [
            (  # clocks go from 02:00 CET to 03:00 CEST on 29 March
                (SUNDAYS, "2026-01-04T03:00:00", "Europe/Berlin"),
                ("2026-03-20 00:00", "2026-04-10 00:00"),
                ["2026-03-22 02:00", "2026-03-29 01:00", "2026-04-05 01:00"],
            ),
            (  # and from 03:00 CEST back to 02:00 CET on 25 October
                (SUNDAYS, "2026-01-04T03:00:00", "Europe/Berlin"),
                ("2026-10-12 00:00", "2026-11-03 00:00"),
                ["2026-10-18 01:00", "2026-10-25 02:00", "2026-11-01 02:00"],
            ),
            (  # from 02:00 EST to 03:00 EDT on 8 March
                ("FREQ=DAILY", "2026-01-01T23:30:00", "America/New_York"),
                ("2026-03-07 00:00", "2026-03-10 00:00"),
                ["2026-03-07 04:30", "2026-03-08 04:30", "2026-03-09 03:30"],
            ),
            (  # from 02:00 EDT back to 01:00 EST on 1 November
                ("FREQ=DAILY", "2026-01-01T23:30:00", "America/New_York"),
                ("2026-10-31 02:00", "2026-11-03 00:00"),
                ["2026-10-31 03:30", "2026-11-01 03:30", "2026-11-02 04:30"],
            ),
            (  # Lord Howe Island moves by half an hour, from +11:00 to +10:30 on 5 April
                (SUNDAYS, "2026-01-04T12:00:00", "Australia/Lord_Howe"),
                ("2026-03-28 12:00", "2026-04-13 00:00"),
                ["2026-03-29 01:00", "2026-04-05 01:30", "2026-04-12 01:30"],
            ),
        ],
    )
    def test_the_clock_on_the_wall_is_kept(self, written, span, expected):
        """A window begins at the same local time before and after clocks change."""
        assert starts(window(*written), *span) == expected

    def test_a_window_across_the_change_lasts_as_long_as_ever(self):
        """The duration is real time: four hours from midnight end at 05:00, or at 03:00."""
        nights = window(SUNDAYS, "2026-01-04T00:00:00", "Europe/Berlin", 4 * HOUR)
        (spring,) = nights.between(utc("2026-03-29 00:00"), utc("2026-03-30 00:00"))
        (autumn,) = nights.between(utc("2026-10-25 00:00"), utc("2026-10-26 00:00"))
        assert spring == (utc("2026-03-28 23:00"), utc("2026-03-29 03:00"))
        assert autumn == (utc("2026-10-24 22:00"), utc("2026-10-25 02:00"))

    def test_a_time_that_clocks_skip_does_not_occur(self):
        """02:30 is not there on 29 March in Berlin, and is not counted either."""
        nights = window("FREQ=DAILY;COUNT=3", "2026-03-28T02:30:00", "Europe/Berlin", HOUR)
        assert starts(nights, "2026-03-01 00:00", "2026-05-01 00:00") == [
            "2026-03-28 01:30",
            "2026-03-30 00:30",
            "2026-03-31 00:30",
        ]

    def test_a_time_that_clocks_show_twice_occurs_the_first_time(self):
        """On 25 October 02:30 in Berlin is 00:30 in UTC, not 01:30."""
        nights = window("FREQ=DAILY", "2026-10-24T02:30:00", "Europe/Berlin", HOUR)
        assert starts(nights, "2026-10-24 12:00", "2026-10-26 12:00") == [
            "2026-10-25 00:30",
            "2026-10-26 01:30",
        ]


class TestEnd:
    def test_a_count_ends_it(self):
        """The last end is that of the last occurrence."""
        thrice = window("FREQ=WEEKLY;COUNT=3", "2026-01-04T03:00:00")
        assert thrice.last_end == utc("2026-01-18 05:00")
        assert len(thrice.between(0, utc("2100-01-01 00:00"))) == 3

    @pytest.mark.parametrize(
        ("until", "last"),
        [
            ("20261025T003000Z", "2026-10-25 00:30"),
            ("20261025T002959Z", "2026-10-24 00:30"),
            # 02:10, but the second time that clocks show it
            ("20261025T011000Z", "2026-10-25 00:30"),
            ("20261025T023000", "2026-10-25 00:30"),
            ("20261025T022959", "2026-10-24 00:30"),
        ],
    )
    def test_an_end_in_utc_is_a_moment_and_another_is_wall_clock_time(self, until, last):
        """UNTIL takes in an occurrence at that very moment, also while clocks change."""
        nights = window(f"FREQ=DAILY;UNTIL={until}", "2026-10-20T02:30:00", "Europe/Berlin", HOUR)
        assert nights.last_end == utc(last) + HOUR

    def test_without_one_it_goes_on(self):
        """A rule without COUNT and UNTIL has no last end, and occurs in decades, too."""
        sundays = window(SUNDAYS, "2026-01-04T03:00:00")
        assert sundays.last_end is None
        assert starts(sundays, "2051-01-01 00:00", "2051-01-07 00:00") == ["2051-01-01 03:00"]


class TestBetween:
    def test_it_begins_with_the_first_occurrence(self):
        """Nothing is excluded before start."""
        assert window("FREQ=DAILY", "2026-01-04T03:00:00").between(0, utc("2026-01-04 03:00")) == []

    def test_only_what_overlaps_is_given(self):
        """Spans and occurrences are half-open: touching is no overlap."""
        daily = window("FREQ=DAILY", "2026-01-04T03:00:00")
        assert daily.between(utc("2026-02-01 05:00"), utc("2026-02-02 03:00")) == []
        assert starts(daily, "2026-02-01 04:59", "2026-02-02 03:01") == [
            "2026-02-01 03:00",
            "2026-02-02 03:00",
        ]

    def test_windows_longer_than_the_gap_overlap_one_another(self):
        """Two days, every day: two of them are on at any time."""
        daily = window("FREQ=DAILY", "2026-01-04T03:00:00", duration=2 * DAY)
        assert len(daily.between(utc("2026-02-01 12:00"), utc("2026-02-01 12:01"))) == 2

    def test_spans_may_come_in_any_order(self):
        """What was asked before makes no difference."""
        daily = window("FREQ=DAILY", "2026-01-04T03:00:00")
        late = daily.between(utc("2030-01-01 00:00"), utc("2030-01-03 00:00"))
        early = daily.between(utc("2026-01-05 00:00"), utc("2026-01-06 00:00"))
        assert early == [(utc("2026-01-05 03:00"), utc("2026-01-05 05:00"))]
        assert late == daily.between(utc("2030-01-01 00:00"), utc("2030-01-03 00:00"))

    def test_a_rule_may_say_more_than_a_weekday(self):
        """The last Friday of every second month, written in small letters and with its name."""
        fridays = window("rrule:freq=monthly;interval=2;byday=-1fr", "2026-01-30T20:00:00")
        assert starts(fridays, "2026-01-01 00:00", "2026-08-01 00:00") == [
            "2026-01-30 20:00",
            "2026-03-27 20:00",
            "2026-05-29 20:00",
            "2026-07-31 20:00",
        ]

    def test_a_window_is_active_while_an_occurrence_lasts(self):
        """From its start, up to its end."""
        daily = window("FREQ=DAILY", "2026-01-04T03:00:00")
        minutes = [utc("2026-02-01 02:59") + 60 * minute for minute in (0, 1, 120, 121)]
        assert [daily.active(minute) for minute in minutes] == [False, True, True, False]


SINCE = datetime(2015, 1, 1, 2, 30)


@examples(60)
@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.integers(300, 3 * DAY),
    st.integers(1, 5),
    st.integers(0, 400 * DAY),
    st.lists(st.integers(1, 40 * DAY), min_size=1, max_size=8),
)
def test_pieces_of_a_span_give_what_the_whole_gives(zone, duration, every, offset, lengths):
    """However a span is cut, the union of its pieces is the whole; and each overlaps its piece."""
    daily = window(f"FREQ=DAILY;INTERVAL={every}", "2015-01-01T02:30:00", zone, duration)
    low = utc("2025-01-01 00:00") + offset
    found, at = set(), low
    for length in lengths:
        piece = daily.between(at, at + length)
        assert all(start < at + length and end > at for start, end in piece)
        assert list(piece) == sorted(piece)
        found |= set(piece)
        at += length
    assert found == set(daily.between(low, at))
    # Told apart from the rule: each lasts its duration and begins at 02:30 on the wall.
    zone_of = moment("2025-01-01T00:00:00", zone).tzinfo
    for start, end in found:
        local = datetime.fromtimestamp(start, zone_of)
        assert end - start == duration
        assert (local.hour, local.minute) == (2, 30)
        assert (local.replace(tzinfo=None) - SINCE) % timedelta(days=every) == timedelta(0)
