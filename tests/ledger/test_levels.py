"""How the ledger's memory is cut into levels."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.levels import DAY, HOUR, Level, levels

DIVISORS = [interval for interval in range(1, 301) if HOUR % interval == 0]


def test_the_levels_of_the_default_interval():
    """30 s for six hours, 5 m for three days, 1 h for the period."""
    expected = (Level(30, 6 * HOUR), Level(300, 3 * DAY), Level(HOUR, 30 * DAY))
    assert levels(30, 30 * DAY) == expected


def test_long_periods_have_a_fourth_level():
    """Beyond 35 days slots of six hours carry on."""
    assert levels(30, 90 * DAY)[2:] == (Level(HOUR, 35 * DAY), Level(6 * HOUR, 90 * DAY))
    assert len(levels(30, 35 * DAY)) == 3


@given(st.sampled_from(DIVISORS), st.integers(HOUR, 400 * DAY))
def test_slots_merge_without_a_rest(interval, period):
    """Each level's slot is a multiple of the finer one, reaches farther, and covers the period."""
    chosen = levels(interval, period)
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
