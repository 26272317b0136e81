"""Native histograms: what is within a bound, what is a reset, and how kinds follow each other."""

from __future__ import annotations

from math import inf

import pytest

from exporter.prometheus.histogram_readings import Reading, as_counters, merged, native_reading
from exporter.prometheus.native_histograms import Bucket, NativeHistogram


def histogram(*buckets: tuple[float, float, float]) -> NativeHistogram:
    return NativeHistogram(sum(count for *_, count in buckets), tuple(Bucket(*b) for b in buckets))


EXPONENTIAL = histogram((-1e-128, 1e-128, 3), (0.25, 0.5, 8), (0.5, 1, 4))
CUSTOM = histogram((-inf, 0.1, 5), (0.1, 0.5, 8), (1, inf, 2))


class TestWithin:
    @pytest.mark.parametrize(
        ("of", "bound", "count"),
        [
            (EXPONENTIAL, 0.5, 11),
            (EXPONENTIAL, 1, 15),
            (EXPONENTIAL, 0.25, 3),
            (EXPONENTIAL, 0.5 / 2**0.5, 7),  # half of the bucket by the logarithm
            (CUSTOM, 0.1, 5),
            (CUSTOM, 0.5, 13),
            (CUSTOM, 0.3, 9),  # half of the bucket
            (CUSTOM, 0.05, 2.5),
            (CUSTOM, 7, 13),
            (histogram(), 1, 0),
        ],
    )
    def test_counts_up_to_the_bound(self, of, bound, count):
        """Whole buckets, and of one that the bound cuts what PromQL takes of it."""
        assert of.within(bound) == count


class TestResets:
    @pytest.mark.parametrize(
        ("before", "after", "reset"),
        [
            ([(0, 1, 5), (1, 2, 5)], [(0, 1, 5), (1, 2, 6)], False),
            ([(0, 1, 5), (1, 2, 5)], [(0, 1, 5), (1, 2, 4)], True),
            ([(0, 1, 5), (1, 2, 5)], [(0, 1, 50), (1, 2, 4)], True),
            ([(0, 1, 5), (1, 2, 5)], [(0, 1, 50)], True),
            # Coarser and finer buckets of the same observations.
            ([(0, 1, 5), (1, 2, 5)], [(0, 2, 10)], False),
            ([(0, 2, 10)], [(0, 1, 5), (1, 2, 5)], False),
            ([(0, 2, 10)], [(2, 4, 10)], True),
            ([], [(0, 1, 5)], False),
        ],
    )
    def test_no_observation_leaves_its_range(self, before, after, reset):
        """Fewer of them, in all or where a bucket was, tell that counting began from zero."""
        assert histogram(*before).was_reset(histogram(*after)) is reset


class TestKinds:
    def test_the_classic_sample_is_taken_where_both_are_there(self):
        """A classic sample is one that has its bucket, too."""
        found = merged([(1, 10), (2, 12)], [(1, 9)], [(1, EXPONENTIAL), (2, EXPONENTIAL)], 1.0)
        assert found == [(1, Reading(10, 9)), (2, native_reading(EXPONENTIAL, 1.0))]

    def test_a_process_goes_on_in_the_other_form(self):
        """Only its count tells a reset then: forms divide the same observations differently."""
        native = native_reading(EXPONENTIAL, 0.3)
        totals, withins = as_counters([(1, Reading(14, 14)), (2, native), (3, Reading(5, 4))])
        assert [value for _, value in totals] == [14, 15, 20]
        assert [value for _, value in withins] == [14, 14, 18]
