"""Maintenance windows: how much of each slot they exclude."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.maintenance import MaintenanceWindow, excluded, one_off

SLOT = 10


def daily(start: float, end: float) -> MaintenanceWindow:
    """A window that recurs every 100 s for ever, from `start` to `end` within them."""

    def between(low: float, high: float) -> list[tuple[float, float]]:
        first = int(low // 100) - 1
        found = [(100 * i + start, 100 * i + end) for i in range(first, int(high // 100) + 2)]
        return [(a, b) for a, b in found if a < high and b > low]

    return MaintenanceWindow("nightly", between)


def shares(*windows: MaintenanceWindow, start: int = 100, count: int = 6) -> list[float]:
    return excluded(windows, start, SLOT, count).tolist()


class TestOneOff:
    def test_it_is_on_from_its_start_until_its_end(self):
        """The end is no longer part of it."""
        window = one_off("upgrade", 100, 200)
        found = [window.active(at) for at in (99, 99.5, 100, 150, 199, 200)]
        assert found == [False, False, True, True, True, False]
        assert (window.reason, window.last_end) == ("upgrade", 200)

    @pytest.mark.parametrize(
        ("low", "high", "there"),
        [(0, 100, False), (0, 101, True), (199, 300, True), (200, 300, False), (120, 130, True)],
    )
    def test_it_is_found_in_the_spans_that_it_overlaps(self, low, high, there):
        """Whole, and not in those that it only touches."""
        assert list(one_off("upgrade", 100, 200).between(low, high)) == [(100, 200)] * there

    def test_a_recurring_one_is_on_at_each_of_its_times(self):
        """And it has no last end."""
        window = daily(20, 30)
        assert [window.active(at) for at in (319, 320, 329, 330, 425)] == [
            False,
            True,
            True,
            False,
            True,
        ]
        assert window.last_end is None


class TestExcluded:
    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            (120, 140, [0, 0, 1, 1, 0, 0]),
            (0, 1000, [1, 1, 1, 1, 1, 1]),
            (0, 100, [0, 0, 0, 0, 0, 0]),
            (160, 170, [0, 0, 0, 0, 0, 0]),
            (0, 105, [0.5, 0, 0, 0, 0, 0]),
            (158, 170, [0, 0, 0, 0, 0, 0.2]),
            (125, 131, [0, 0, 0.5, 0.1, 0, 0]),
            (122, 127, [0, 0, 0.5, 0, 0, 0]),
            (120.5, 121, [0, 0, 0.05, 0, 0, 0]),
        ],
    )
    def test_the_share_of_each_slot_that_a_window_takes(self, start, end, expected):
        """All of those inside, part of those that it cuts."""
        assert shares(one_off("x", start, end)) == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize(
        "pairs",
        [
            [(105, 125), (115, 145)],
            [(115, 145), (105, 125)],
            [(105, 145), (110, 120)],
            [(105, 145), (105, 145)],
            [(105, 125), (125, 145)],
            [(105, 145), (106, 107), (130, 145)],
        ],
    )
    def test_a_moment_is_excluded_once(self, pairs):
        """Windows that overlap, hold one another or touch take no more than their union."""
        found = shares(*(one_off("x", *pair) for pair in pairs))
        assert found == pytest.approx([0.5, 1, 1, 1, 0.5, 0])

    def test_windows_that_recur_take_all_their_times(self):
        """In spans that hold several of them."""
        found = shares(daily(20, 35), start=200, count=20)
        assert np.flatnonzero(found).tolist() == [2, 3, 12, 13]
        assert [found[i] for i in (2, 3, 12, 13)] == [1, 0.5, 1, 0.5]

    def test_without_windows_nothing_is_excluded(self):
        """And there is a share for every slot."""
        assert shares() == [0] * 6

    @given(
        st.lists(st.tuples(st.integers(0, 250), st.integers(1, 120)), max_size=6),
        st.integers(0, 120),
        st.integers(1, 12),
    )
    def test_it_is_the_seconds_that_lie_in_any_window(self, windows, start, count):
        """Counted one by one."""
        made = [one_off("x", low, low + length) for low, length in windows]
        expected = [
            sum(
                any(low <= second < low + length for low, length in windows)
                for second in range(begin, begin + SLOT)
            )
            / SLOT
            for begin in range(start, start + count * SLOT, SLOT)
        ]
        assert shares(*made, start=start, count=count) == pytest.approx(expected, abs=1e-9)
