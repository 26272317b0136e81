"""What is asked about samples, as PromQL."""

from __future__ import annotations

import promql_parser
import pytest

from exporter.prometheus.sample_queries import checksum, widest
from exporter.prometheus.selectors import parse_selector


class TestWidest:
    @pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
    def test_what_another_contains_is_left_out(self, order):
        """In whichever order they come."""
        texts = ["a", 'a{b="c"}', 'a{b="c",d="e"}', "f"][order]
        assert {str(each) for each in widest(map(parse_selector, texts))} == {"a", "f"}


class TestQueries:
    def test_a_counter_that_is_absent_changes_no_checksum(self):
        """Rather than making that of the others unknown."""
        selectors = [parse_selector("a_total"), parse_selector('b_total{c="d"}')]
        assert checksum(selectors, [], 300, closed=True) == (
            "(sum(sum_over_time(a_total[4m59s999ms]) + 1) or vector(0))"
            ' + (sum(sum_over_time(b_total{c="d"}[4m59s999ms]) + 1) or vector(0))'
        )

    def test_native_histograms_are_counted(self):
        """They have no value that a number could be added to, and would be left out."""
        native = parse_selector("h")
        assert checksum([], [native], 30, closed=False) == (
            "(sum(count_over_time(h[30s])) or vector(0))"
        )

    def test_it_is_promql(self):
        """Whatever the selectors hold."""
        one = parse_selector('{__name__="a.b", c="\\"d"}')
        promql_parser.parse(checksum([one], [one], 30, closed=False))
