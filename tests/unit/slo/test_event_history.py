"""The event history of an SLO: cutting it into buckets, and what is drawn of it."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.slo.event_history import EventHistory


def history(bounds, bad, total, known=None) -> EventHistory:
    known = [1.0] * len(bad) if known is None else known
    return EventHistory(*(np.asarray(values, float) for values in (bounds, bad, total, known)))


class TestCut:
    def test_buckets_are_added_up(self):
        """Whatever their lengths are."""
        one = history([0, 10, 20, 60], [1, 2, 3], [10, 20, 30]).cut(0, 60, 3)
        assert one.bounds.tolist() == [0, 20, 40, 60]
        assert one.bad.tolist() == [3, 1.5, 1.5]
        assert one.total.tolist() == [30, 15, 15]
        assert one.known.tolist() == [1, 1, 1]

    def test_a_bucket_that_is_cut_gives_its_share(self):
        """As a window's edge does."""
        one = history([0, 10, 20], [10, 20], [100, 200], [1.0, 0.5]).cut(5, 15, 1)
        assert (one.bad.tolist(), one.total.tolist()) == ([15], [150])
        assert one.known.tolist() == [0.75]

    def test_what_lies_outside_is_unknown(self):
        """Nothing is made up of it."""
        one = history([10, 20], [1], [10]).cut(0, 40, 4)
        assert one.bad.tolist() == [0, 1, 0, 0]
        assert one.known.tolist() == [0, 1, 0, 0]


class TestBudget:
    def test_it_falls_from_whole_to_what_remains(self):
        """By what each bucket took of the budget of all events."""
        one = history([0, 1, 2, 3], [0, 5, 10], [500, 1000, 500])
        assert one.budget_left(0.01) == pytest.approx([1, 1, 0.75, 0.25])

    def test_it_may_be_overspent(self):
        """Never clamped."""
        assert history([0, 1], [30], [1000]).budget_left(0.01) == pytest.approx([1, -2])

    def test_without_traffic_it_is_whole(self):
        """Nothing can be spent of it."""
        assert history([0, 1, 2], [0, 0], [0, 0]).budget_left(0.01) == [1, 1, 1]


class TestErrorRatios:
    def test_no_traffic_is_zero_and_unknown_is_none(self):
        """As for windows."""
        one = history([0, 1, 2, 3], [1, 0, 0], [4, 0, 0], [1, 1, 0])
        assert one.error_ratios() == [0.25, 0.0, None]


class TestUnknown:
    @pytest.mark.parametrize(
        ("known", "found"),
        [
            ([1, 1, 1], []),
            ([0, 0.4, 1], [(0, 20)]),
            ([0, 0.5, 0], [(0, 10), (20, 30)]),
            ([1, 1, 0], [(20, 30)]),
        ],
    )
    def test_neighbours_are_one_span(self, known, found):
        """Half known is known."""
        assert list(history([0, 10, 20, 30], [0] * 3, [0] * 3, known).unknown()) == found
