"""From the values of an answer to bad and total events, slot by slot."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.prometheus.histogram_promql import HistogramSelectors
from exporter.prometheus.indicators import (
    Counters,
    Histogram,
    Indicator,
    Probe,
)
from exporter.prometheus.over_intervals import FreeQuery, TimeWeighted
from exporter.prometheus.promql import QueryContext
from exporter.prometheus.rates import Term
from exporter.prometheus.selectors import parse_selector

CONTEXT = QueryContext((), slot=300, interval=30, lookback=60)
A, B, C = (parse_selector(name) for name in "abc")
BAD = Counters((Term(1, A),), (Term(1, B),), part_is_good=False)
GOOD = Counters((Term(1, A),), (Term(1, B),), part_is_good=True)
OF = HistogramSelectors(A, B, A, 0.5)
BUCKETS = Counters((Term(1, A),), (Term(1, B),), part_is_good=True, histogram=OF)
HISTOGRAM = Histogram(OF)
UNKNOWN = None


def combine(way: Indicator, *values: float) -> tuple[float, float] | None:
    """Bad and total of one slot, None where nothing is known of it."""
    bad, total = way.combine([np.array([float(value)]) for value in values], CONTEXT)
    assert bad.shape == total.shape == (1,)
    if isnan(total[0]):
        return UNKNOWN
    return float(bad[0]), float(total[0])


@pytest.mark.parametrize(
    ("way", "values", "expected"),
    [
        # Counters of bad events: those that are absent did not happen.
        (BAD, (10, 3), (3, 10)),
        (BAD, (10, nan), (0, 10)),
        (BAD, (nan, 3), UNKNOWN),
        (BAD, (nan, nan), UNKNOWN),
        (BAD, (0, 0), (0, 0)),
        # Of good ones: without any everything is bad, and never less than nothing.
        (GOOD, (10, 7), (3, 10)),
        (GOOD, (10, nan), (10, 10)),
        (GOOD, (10, 11), (-1, 10)),
        (GOOD, (nan, 7), UNKNOWN),
        # Buckets exist whenever the count does.
        (BUCKETS, (10, 7), (3, 10)),
        (BUCKETS, (10, nan), UNKNOWN),
        (BUCKETS, (nan, 7), UNKNOWN),
        # A histogram of both kinds: what is not within the bound is bad.
        (HISTOGRAM, (10, 7.5), (2.5, 10)),
        (HISTOGRAM, (10, 0), (10, 10)),
        (HISTOGRAM, (10, nan), UNKNOWN),
        (HISTOGRAM, (nan, nan), UNKNOWN),
        (HISTOGRAM, (10, 11), (-1, 10)),
        # A probe: what did not succeed failed.
        (Probe(A), (10, 8), (2, 10)),
        (Probe(A), (10, 10), (0, 10)),
        (Probe(A), (10, nan), (10, 10)),
        (Probe(A), (nan, nan), UNKNOWN),
        (Probe(A), (2, 5), (-3, 2)),
        # Shares of time: ten intervals of 30 s, of which two and a half were bad.
        (TimeWeighted("x"), (2.5, 10), (75, 300)),
        (TimeWeighted("x"), (0, 4), (0, 120)),
        (TimeWeighted("x"), (nan, nan), UNKNOWN),
        # Rates per second at every interval, and counts over the rate window.
        (FreeQuery("a", "b", False, 60, covered=1), (20, 2), (60, 600)),
        (FreeQuery("a", "b", False, 60, covered=60), (20, 2), (1, 10)),
        (FreeQuery("a", "b", True, 60, covered=1), (20, 2), (540, 600)),
        (FreeQuery("a", "b", True, 60, covered=1), (20, 30), (-300, 600)),
        (FreeQuery("a", "b", False, 60, covered=1), (20, nan), (0, 600)),
        (FreeQuery("a", "b", True, 60, covered=1), (20, nan), (600, 600)),
        (FreeQuery("a", "b", False, 60, covered=1), (nan, 2), UNKNOWN),
    ],
)
def test_what_the_values_of_a_slot_mean(way, values, expected):
    """Bad and total events, or nothing known."""
    found = combine(way, *values)
    assert found == (expected if expected is UNKNOWN else pytest.approx(expected))


class TestSums:
    BOTH = Counters((Term(1, A), Term(-1, B)), (Term(1, C),), part_is_good=False)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ((10, 4, 1), (1, 6)),
            ((10, nan, 1), (1, 10)),
            ((nan, nan, 1), UNKNOWN),
            ((10, 4, nan), (0, 6)),
        ],
    )
    def test_terms_are_added_and_taken_away(self, values, expected):
        """A counter that is absent adds nothing, unless all of them are."""
        assert combine(self.BOTH, *values) == expected

    @given(
        st.lists(
            st.tuples(
                st.one_of(st.just(nan), st.floats(0, 1e9)),
                st.one_of(st.just(nan), st.floats(0, 1e9)),
            ),
            min_size=1,
            max_size=5,
        ),
        st.sampled_from([BAD, GOOD, BUCKETS, HISTOGRAM, Probe(A), TimeWeighted("x")]),
    )
    def test_slots_are_combined_each_for_itself(self, pairs, way):
        """What is unknown of one slot does not spread."""
        first, second = (np.array(each) for each in zip(*pairs, strict=True))
        bad, total = way.combine([first, second], CONTEXT)
        assert not np.isnan(bad[~np.isnan(total)]).any()
        for i, pair in enumerate(pairs):
            alone = combine(way, *pair)
            assert (None if isnan(total[i]) else (bad[i], total[i])) == alone
