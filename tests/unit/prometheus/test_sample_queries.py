"""What is asked about samples, as PromQL."""

from __future__ import annotations

from dataclasses import replace

import promql_parser
import pytest

from exporter.prometheus.promql import QueryContext
from exporter.prometheus.sample_queries import (
    checksum,
    native_checksum,
    newest_sample,
    newest_sample_long_ago,
    scrape_interval,
    widest,
)
from exporter.prometheus.selectors import parse_selector

FORMS = (checksum, native_checksum, newest_sample, newest_sample_long_ago, scrape_interval)


class TestWidest:
    @pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
    def test_what_another_contains_is_left_out(self, order):
        """In whichever order they come."""
        texts = ["a", 'a{b="c"}', 'a{b="c",d="e"}', "f"][order]
        assert {str(each) for each in widest(map(parse_selector, texts))} == {"a", "f"}


class TestQueries:
    def test_a_checksum_counts_series_and_adds_up_their_values(self):
        """By the labels that tell apart what is asked together."""
        one = parse_selector('a_total{c="d"}')
        context = QueryContext((), slot=300, interval=300, lookback=0, closed=True)
        assert checksum(one, context) == 'sum(sum_over_time(a_total{c="d"}[4m59s999ms]) + 1)'
        context = replace(context, group_by=("c",))
        assert checksum(one, context).startswith("sum by (c) (sum_over_time(")

    def test_native_histograms_are_counted(self):
        """They have no value that a number could be added to, and would be left out."""
        context = QueryContext((), slot=30, interval=30, lookback=0)
        assert native_checksum(parse_selector("h"), context) == "sum(count_over_time(h[30s]))"

    @pytest.mark.parametrize("group_by", [(), ("c",), ("é", "d")])
    def test_all_are_promql(self, group_by):
        """Whatever the selectors hold."""
        one = parse_selector('{__name__="a.b", c="\\"d"}')
        context = QueryContext(group_by, slot=30, interval=30, lookback=0)
        for form in FORMS:
            promql_parser.parse(form(one, context))
