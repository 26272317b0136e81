"""The text of the queries."""

from __future__ import annotations

import re

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.prometheus.promql import batch, bound_spellings, counters, events
from exporter.prometheus.selectors import Matcher, Selector, parse_selector
from exporter.slo.model import EventsSli, LatencySli

LATENCY = LatencySli('http_duration_seconds{service="auth"}', 0.5)


class TestCounters:
    def test_bad_events(self):
        """The part that is counted is the bad one."""
        found = counters(EventsSli(total="all_total", bad='all_total{code="500"}'))
        assert (str(found.total), str(found.part)) == ("all_total", 'all_total{code="500"}')
        assert not found.part_is_good

    def test_good_events(self):
        """The part that is counted is the good one."""
        found = counters(EventsSli(total="all_total", good="good_total"))
        assert (str(found.part), found.part_is_good) == ("good_total", True)

    def test_latency(self):
        """All requests are the histogram's count, the good ones its bucket of the threshold."""
        found = counters(LATENCY)
        assert str(found.total) == 'http_duration_seconds_count{service="auth"}'
        assert str(found.part) == r'http_duration_seconds_bucket{service="auth",le=~"0\\.5"}'
        assert found.part_is_good

    def test_events_need_a_part(self):
        """A total alone tells nothing of what is bad."""
        with pytest.raises(ValueError, match="needs bad or good events beside the total"):
            counters(EventsSli(total="all_total"))


class TestBounds:
    @pytest.mark.parametrize(
        ("bound", "written"),
        [
            (1.0, ["1", "1.0"]),
            (0.5, ["0.5"]),
            (0.005, ["0.005"]),
            (2.5, ["2.5"]),
            (10.0, ["10", "10.0"]),
            (0.3, ["0.3"]),
            (1e6, ["1e+06", "1000000", "1000000.0"]),
            (2592000.0, ["2.592e+06", "2592000", "2592000.0"]),
            (0.0001, ["0.0001"]),
            (1e-05, ["1e-05"]),
        ],
    )
    def test_every_spelling_in_use_matches(self, bound, written):
        """Services and Prometheus 2 and 3 write the same bound in several ways."""
        pattern = "|".join(bound_spellings(bound))
        for text in written:
            assert re.fullmatch(pattern, text), text

    @pytest.mark.parametrize(
        ("bound", "other"),
        [(0.5, "0x5"), (0.5, "0.55"), (1.0, "10"), (1.0, "1.05"), (2.5, "25"), (1e6, "1ee06")],
    )
    def test_no_other_bound_matches(self, bound, other):
        """Points and plus signs stand for themselves."""
        assert not re.fullmatch("|".join(bound_spellings(bound)), other)

    @given(st.floats(0.001, 2_592_000))
    def test_the_spellings_are_all_of_the_same_number(self, bound):
        """Each is the bound itself, and the usual one is there."""
        pattern = "|".join(bound_spellings(bound))
        assert re.fullmatch(pattern, repr(bound))
        numbers = {float(text.replace("\\", "")) for text in bound_spellings(bound)}
        assert all(number == pytest.approx(bound, rel=1e-5) for number in numbers)

    @given(st.floats(0.001, 2_592_000), st.floats(0.001, 2_592_000))
    @example(1234.567, 1234.57)
    @example(100_000.5, 100_000.0)
    def test_two_bounds_share_no_spelling(self, one, other):
        """A bucket next to the threshold must not be counted with it."""
        shared = set(bound_spellings(one)) & set(bound_spellings(other))
        assert not shared or one == other


class TestEvents:
    def test_the_query_of_one_selector(self):
        """The difference of last values; +Inf for what only raw samples tell."""
        query = events(parse_selector('a_total{code=~"5.."}'), (), 30, 75)
        assert query == (
            'sum by () ((last_over_time(a_total{code=~"5.."}[1m15s])'
            ' - last_over_time(a_total{code=~"5.."}[1m15s] offset 30s))'
            ' unless (resets(a_total{code=~"5.."}[1m45s]) > 0)'
            ' or clamp_min(last_over_time(a_total{code=~"5.."}[30s]), Inf))'
        )

    def test_groups_are_summed_apart(self):
        """The labels of group_by are those of the sum."""
        query = events(parse_selector("a_total"), ("region", "tenant"), 3600, 75)
        assert query.startswith("sum by (region, tenant) (")
        assert "offset 1h" in query

    @given(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        st.lists(st.sampled_from(["region", "tenant", "job", "_x"]), unique=True, max_size=3),
        st.sampled_from([1, 5, 30, 300, 3600, 21_600]),
        st.integers(2, 9000),
        st.integers(1, 5),
    )
    def test_every_query_is_promql(self, value, group_by, slot, lookback, number):
        """Single ones and batches, whatever the labels hold."""
        selector = Selector("a_total", (Matcher("label", "=", value),))
        query = events(selector, group_by, slot, lookback)
        assert isinstance(promql_parser.parse(query), promql_parser.AggregateExpr)
        promql_parser.parse(batch([query] * number))

    def test_a_batch_numbers_its_parts(self):
        """Each series of the answer tells which expression it belongs to."""
        assert batch(["a", "sum(b)"]) == (
            'label_replace(a, "slo_query_part", "0", "", "") or '
            'label_replace(sum(b), "slo_query_part", "1", "", "")'
        )
