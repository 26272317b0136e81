"""The text of the queries that count."""

from __future__ import annotations

import re
from dataclasses import replace

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.prometheus.histogram_promql import (
    HistogramSelectors,
    native_present,
    total_events,
    within_events,
)
from exporter.prometheus.promql import (
    QueryContext,
    batch,
    events,
    over_slices,
)
from exporter.prometheus.selectors import Matcher, Selector, parse_selector

CONTEXT = QueryContext(group_by=(), slot=30, interval=30, lookback=75)

HISTOGRAM = HistogramSelectors(
    parse_selector("a_count"), parse_selector('a_bucket{le="0.5"}'), parse_selector("a"), 0.5
)


class TestEvents:
    def test_the_query_of_one_selector(self):
        """The difference of last values; +Inf for what only raw samples tell."""
        assert events(parse_selector('a_total{code=~"5.."}'), CONTEXT) == (
            'sum by () ((last_over_time(a_total{code=~"5.."}[1m15s])'
            ' - last_over_time(a_total{code=~"5.."}[1m15s] offset 30s)) >= 0'
            ' unless (resets(a_total{code=~"5.."}[1m45s]) > 0)'
            ' or clamp_min(last_over_time(a_total{code=~"5.."}[30s]), Inf))'
        )

    def test_where_resets_tells_nothing_increase_does(self):
        """Its difference to delta() shows one, unless its extrapolation ends at zero."""
        context = replace(CONTEXT, blind_to_resets=True)
        query = events(parse_selector("a_total"), context)
        assert "resets(" not in query
        assert (
            "unless (increase(a_total[1m45s]) != delta(a_total[1m45s])"
            " or min_over_time(a_total[1m45s]) < 1.1 * increase(a_total[1m45s]))"
        ) in query

    def test_groups_are_summed_apart(self):
        """The labels of group_by are those of the sum."""
        context = QueryContext(("region", "tenant"), slot=3600, interval=30, lookback=75)
        for query in (
            events(parse_selector("a_total"), context),
            total_events(HISTOGRAM, context),
        ):
            assert query.startswith("sum by (region, tenant) (")
            assert "offset 1h" in query

    @given(
        value=st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        group_by=st.lists(st.sampled_from(["region", "tenant", "_x"]), unique=True, max_size=3),
        slot=st.sampled_from([1, 5, 30, 300, 3600, 21_600]),
        lookback=st.integers(2, 9000),
        closed=st.booleans(),
    )
    def test_every_query_is_promql(self, value, group_by, slot, lookback, *, closed):
        """Single ones and batches, whatever the labels hold."""
        number = 3
        selector = Selector("a_total", (Matcher("label", "=", value),))
        context = QueryContext(tuple(group_by), slot, min(slot, 30), lookback, closed)
        for query in (
            events(selector, context),
            total_events(HISTOGRAM, context),
            within_events(HISTOGRAM, context),
            native_present(HISTOGRAM, context),
        ):
            promql_parser.parse(query)
            promql_parser.parse(batch([query] * number))
        assert isinstance(
            promql_parser.parse(events(selector, context)), promql_parser.AggregateExpr
        )


class TestRanges:
    @pytest.mark.parametrize(
        ("seconds", "closed", "text"),
        [
            (30, False, "30s"),
            (30, True, "29s999ms"),
            (3600, True, "59m59s999ms"),
            (1, True, "999ms"),
        ],
    )
    def test_a_closed_range_is_cut_short_of_its_start(self, seconds, closed, text):
        """Prometheus 2 takes in the sample at the very start; it belongs to the slot before."""
        assert QueryContext((), 30, 30, 60, closed).range(seconds) == text

    def test_slices_are_the_evaluation_intervals_of_the_slot(self):
        """A subquery at the interval over the slot, whatever stands in the expression."""
        context = QueryContext((), slot=3600, interval=30, lookback=60, closed=True)
        query = over_slices("sum_over_time", "a or b", context)
        assert query == "sum_over_time((a or b)[59m59s999ms:30s])"


def test_a_batch_numbers_its_parts():
    """Each series of the answer tells which expression it belongs to."""
    assert batch(["a", "sum(b)"]) == (
        'label_replace(a, "slo_query_part", "0", "", "") or '
        'label_replace(sum(b), "slo_query_part", "1", "", "")'
    )


def test_a_batch_of_many_is_a_tree():
    """A chain of `or` looks at the series of the first part once for each of all others."""
    query = batch([f"m{i}" for i in range(64)])
    assert re.findall(r'"(\d+)"', query) == [str(i) for i in range(64)]
    depth = [0]
    for char in query:
        depth.append(depth[-1] + (char == "(") - (char == ")"))
    assert (max(depth), depth[-1]) == (6, 0)  # five of the tree, and the function's own
