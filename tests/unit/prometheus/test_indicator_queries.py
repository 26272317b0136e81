"""From an SLI to what is asked: which counters, which expressions, and that all are PromQL."""

from __future__ import annotations

import re

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.prometheus.bucket_bounds import bound_spellings
from exporter.prometheus.counters_behind import stored_selectors
from exporter.prometheus.indicators import (
    Counters,
    Histogram,
    Probe,
    indicators,
)
from exporter.prometheus.over_intervals import FreeQuery, TimeWeighted
from exporter.prometheus.promql import QueryContext, batch
from exporter.slo.model import (
    EventsSli,
    LatencySli,
    ProbeSli,
    QuerySli,
    RatioSli,
    Sli,
    ThresholdSli,
)

LATENCY = LatencySli('http_duration_seconds{service="auth"}', 0.5)
SLIS = {
    "events": EventsSli(total="all_total", bad='all_total{code=~"5.."}'),
    "good events": EventsSli(total="all_total", good='all_total{code!~"5.."}'),
    "latency": LATENCY,
    "query": QuerySli(
        total="rate(all_total[$window])", bad='rate(all_total{a="$window"}[$window])'
    ),
    "good query": QuerySli(
        total="increase(a[$window])", good="increase(a[$window]) - b", window=90, unit="per_window"
    ),
    "recognised query": QuerySli(total="sum(rate(a[$window]))", bad="sum(rate(b[$window]))"),
    "ratio": RatioSli(error="my:errors:ratio"),
    "success ratio": RatioSli(success="1 - my:errors:ratio or vector(1)"),
    "probe": ProbeSli('up{job="auth"}'),
    "threshold": ThresholdSli("histogram_quantile(0.99, sum by (le) (rate(b[5m])))", "<", 0.5),
    "freshness": ThresholdSli("time() - last_seconds", "<=", 600),
    "throughput": ThresholdSli("sum(rate(a[5m])) or vector(0)", ">=", 1e-9),
    "saturation": ThresholdSli("-a", ">", -80),
}


def only(sli: Sli, group_by: tuple[str, ...] = ()) -> object:
    [found] = indicators(sli, group_by)
    return found


class TestCounters:
    def test_bad_events(self):
        """The part that is counted is the bad one."""
        found = only(EventsSli(total="all_total", bad='all_total{code="500"}'))
        assert isinstance(found, Counters)
        assert [*map(str, found.selectors)] == ["all_total", 'all_total{code="500"}']
        assert (found.part_is_good, found.histogram) == (False, None)

    def test_good_events(self):
        """The part that is counted is the good one."""
        found = only(EventsSli(total="all_total", good="good_total"))
        assert isinstance(found, Counters)
        assert [*map(str, found.selectors)] == ["all_total", "good_total"]
        assert found.part_is_good

    def test_latency_by_classic_buckets_first(self):
        """All requests are the histogram's count, the good ones its bucket of the threshold."""
        found, both = indicators(LATENCY, ())
        assert isinstance(found, Counters)
        assert [*map(str, stored_selectors(found))] == [
            'http_duration_seconds_count{service="auth"}',
            r'http_duration_seconds_bucket{service="auth",le=~"0\\.5"}',
        ]
        assert found.part_is_good
        assert isinstance(both, Histogram)
        assert [*map(str, stored_selectors(both))] == [
            *map(str, stored_selectors(found)),
            'http_duration_seconds{service="auth"}',
        ]

    def test_a_query_of_rates_alone_is_counted(self):
        """Its sums and differences are kept as signs."""
        found = only(
            QuerySli(
                total="sum(rate(a[$window])) + sum(rate(b[$window]))",
                good="sum(rate(c[$window])) - (sum(increase(d[$window])) + sum(rate(e[$window])))",
            )
        )
        assert isinstance(found, Counters)
        assert [(term.sign, str(term.selector)) for term in (*found.total, *found.part)] == [
            (1, "a"),
            (1, "b"),
            (1, "c"),
            (-1, "d"),
            (-1, "e"),
        ]
        assert (found.part_is_good, found.histogram) == (True, None)

    def test_a_query_that_is_recognised_in_one_half_alone_is_free(self):
        """Exact and estimated counts do not mix."""
        sli = QuerySli(total="sum(rate(a[$window]))", bad="rate(b[$window])")
        assert isinstance(only(sli), FreeQuery)


class TestExpressions:
    @pytest.mark.parametrize("sli", SLIS.values(), ids=SLIS)
    @pytest.mark.parametrize("group_by", [(), ("region",), ("region", "tenant")])
    @pytest.mark.parametrize("slot", [5, 300, 21_600])
    @pytest.mark.parametrize("closed", [False, True])
    def test_every_expression_is_promql(self, sli, group_by, slot, closed):
        """Alone and in a batch, and there is a selector (or None) for each of them."""
        context = QueryContext(group_by, slot=slot, interval=5, lookback=60, closed=closed)
        for way in indicators(sli, group_by):
            expressions = [question.text(context) for question in way.questions]
            for text in expressions:
                promql_parser.parse(text)
            promql_parser.parse(batch(expressions))
            assert len(expressions) == len(way.selectors)

    def asked(self, sli: Sli, group_by: tuple[str, ...] = ()) -> list[str]:
        context = QueryContext(group_by, slot=300, interval=30, lookback=60)
        return [each.text(context) for each in indicators(sli, group_by)[-1].questions]

    def test_a_probe_counts_and_sums_its_samples(self):
        """Those of the slot alone."""
        assert isinstance(only(ProbeSli("up")), Probe)
        assert self.asked(ProbeSli('up{job="a"}'), ("instance",)) == [
            'sum by (instance) (count_over_time(up{job="a"}[5m]))',
            'sum by (instance) (sum_over_time(up{job="a"}[5m]))',
        ]

    @pytest.mark.parametrize(
        ("sli", "share"),
        [
            (RatioSli(error="e"), "avg by () ((e) >= 0)"),
            (RatioSli(success="s"), "(1 - avg by () ((s) >= 0))"),
            (ThresholdSli("q", "<", 0.5), "max by () (((q) >= -Inf) >= bool 0.5)"),
            (ThresholdSli("q", "<=", 0.5), "max by () (((q) >= -Inf) > bool 0.5)"),
            (ThresholdSli("q", ">", 0.5), "max by () (((q) >= -Inf) <= bool 0.5)"),
            (ThresholdSli("q", ">=", 0.5), "max by () (((q) >= -Inf) < bool 0.5)"),
        ],
    )
    def test_bad_time_is_a_share_of_each_interval(self, sli, share):
        """Ratios as they are, and thresholds by what violates them; NaN is dropped."""
        assert isinstance(only(sli), TimeWeighted)
        assert self.asked(sli) == [
            f"sum_over_time(({share})[5m:30s])",
            f"count_over_time(({share})[5m:30s])",
        ]

    def test_a_free_query_is_asked_for_at_every_interval(self):
        """With the rate window in place of `$window`, wherever it stands."""
        sli = QuerySli(total="rate(a[$window])", bad="b:rate$window", window=90)
        assert self.asked(sli) == [
            "sum_over_time((sum by () (rate(a[1m30s])) >= 0)[5m:30s])",
            "sum_over_time((sum by () (b:rate1m30s) >= 0)[5m:30s])",
        ]

    def test_a_native_histogram_is_read_at_both_ends(self):
        """Histograms are not subtracted, as those with other buckets could not be."""
        context = QueryContext(group_by=(), slot=300, interval=30, lookback=60)
        for question in indicators(LatencySli("h", 0.5), ())[1].questions:
            query = question.text(context)
            assert "last_over_time(h[1m]) - " not in query
            assert "histogram_count(last_over_time(h[1m] offset 5m))" in query


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
