"""How the ledger's memory is cut into levels."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exporter.ledger.levels import Level, fitting_intervals, levels, middle_slot
from exporter.slo.types import DAY, HOUR

DIVISORS = [interval for interval in range(1, 301) if HOUR % interval == 0]


def test_the_levels_of_the_default_interval():
    """30 s for six hours, 5 m for three days, 1 h for the period."""
    expected = (Level(30, 6 * HOUR), Level(300, 3 * DAY), Level(HOUR, 30 * DAY))
    assert levels(30, 30 * DAY) == expected


def test_long_periods_have_a_fourth_level():
    """Beyond 35 days slots of six hours carry on."""
    assert levels(30, 90 * DAY)[2:] == (Level(HOUR, 35 * DAY), Level(6 * HOUR, 90 * DAY))
    assert len(levels(30, 35 * DAY)) == 3


class TestBoundaries:
    def test_slots_stay_as_short_as_the_boundary_of_calendar_periods(self):
        """Months that begin at half past have slots of half an hour, all the way back."""
        assert levels(30, 31 * DAY + HOUR, 1800)[2:] == (Level(1800, 31 * DAY + HOUR),)
        assert levels(30, 366 * DAY, 900)[2:] == (Level(900, 366 * DAY),)

    def test_slots_of_a_calendar_year_stay_hours(self):
        """Six-hour slots would hold the new year inside of one."""
        assert levels(30, 366 * DAY, HOUR)[2:] == (Level(HOUR, 366 * DAY),)

    @pytest.mark.parametrize("boundary", [900, 1800, 3600])
    @pytest.mark.parametrize("interval", DIVISORS)
    def test_no_period_begins_inside_of_a_slot(self, interval, boundary):
        """For every interval: it is refused where that cannot be, and others are named."""
        fitting = fitting_intervals(interval, boundary, 300)
        try:
            chosen = levels(interval, 31 * DAY, boundary)
        except ValueError:
            assert boundary % middle_slot(interval)
            assert fitting
        else:
            assert all(boundary % level.slot == 0 for level in chosen)
        for each in fitting:
            assert each != interval
            assert all(boundary % level.slot == 0 for level in levels(each, 31 * DAY, boundary))


@pytest.mark.parametrize(
    ("interval", "slot"),
    [(1, 300), (30, 300), (60, 300), (25, 300), (36, 360), (400, 400), (3600, 3600)],
)
def test_the_middle_slots_are_about_five_minutes(interval, slot):
    """The shortest multiple of the interval from there on that divides an hour."""
    assert middle_slot(interval) == slot


@given(
    st.sampled_from(DIVISORS),
    st.integers(HOUR, 400 * DAY),
    st.sampled_from([None, 900, 1800, 3600]),
)
def test_slots_merge_without_a_rest(interval, period, boundary):
    """Each level's slot is a multiple of the finer one, reaches farther, and covers the period."""
    assume(boundary is None or boundary % middle_slot(interval) == 0)
    chosen = levels(interval, period, boundary)
    assert chosen[0].slot == interval
    for fine, coarse in pairwise(chosen):
        assert coarse.slot % fine.slot == 0
        assert fine.horizon % coarse.slot == 0
        assert coarse.horizon > fine.horizon
    assert chosen[-1].horizon >= period


@pytest.mark.parametrize("interval", [0, -30, 7, 45 * 60, 7200])
def test_an_interval_must_divide_an_hour(interval):
    """Anything else could not be merged; the message says so."""
    with pytest.raises(ValueError, match=f"must divide an hour, {interval} s does not"):
        levels(interval, DAY)


@given(st.sampled_from(DIVISORS), st.integers(HOUR, 400 * DAY), st.sampled_from([None, 900, 1800]))
def test_no_two_levels_have_slots_of_one_length(interval, longest, boundary):
    """The store knows slots by their length: one level's would take the place of the other's."""
    assume(boundary is None or boundary % middle_slot(interval) == 0)
    slots = [level.slot for level in levels(interval, longest, boundary)]
    assert len(set(slots)) == len(slots)
