"""What may be written in several ways: strings, names of metrics, bounds of buckets."""

from __future__ import annotations

import promql_parser
import pytest

from exporter.prometheus.bucket_bounds import any_spelling
from exporter.prometheus.metric_names import by_metric
from exporter.prometheus.raw_strings import quoted_strings
from exporter.prometheus.selectors import parse_selector


class TestRawStrings:
    @pytest.mark.parametrize(
        ("written", "quoted"),
        [
            (r"a{b=~`5\d\d`}", r'a{b=~"5\\d\\d"}'),
            (r"a{b=~`\w`, c=`\"`}", r'a{b=~"\\w", c="\\\""}'),
            ("a{b=`é\\`}", r'a{b="é\\"}'),
            # These are read alike everywhere, and what is stored for them stays.
            ("a{b=`plain`}", "a{b=`plain`}"),
            (r'a{b="`\\d`"}', r'a{b="`\\d`"}'),
            (r"a{b='`\\d`'}", r"a{b='`\\d`'}"),
            ("a # `\\d`", "a # `\\d`"),
            (r"a{b=`\d", r"a{b=`\d"),
        ],
    )
    def test_with_a_backslash_are_quoted(self, written, quoted):
        """And nothing else is changed."""
        assert quoted_strings(written) == quoted

    def test_are_read_as_selectors(self):
        """With the value that they stand for."""
        [matcher] = parse_selector(r"a{b=~`5\d`}").matchers
        assert matcher.value == r"5\d"
        promql_parser.parse(str(parse_selector(r"a{b=~`5\d`}")))


class TestMetricNames:
    @pytest.mark.parametrize(
        ("pattern", "names"),
        [
            ("a|b", ["a", "b"]),
            ("tn_(http|grpc)_total", ["tn_http_total", "tn_grpc_total"]),
            ("(?:a|b(c|d))_total", ["a_total", "bc_total", "bd_total"]),
            ("a|a", ["a"]),
            ("^(a|b)_total$", ["a_total", "b_total"]),
            ("(a|b)(c|d)", ["ac", "ad", "bc", "bd"]),
        ],
    )
    def test_of_a_pattern_are_counted_one_by_one(self, pattern, names):
        """With the other matchers of the selector."""
        selector = parse_selector(f'{{__name__=~"{pattern}", code="500"}}')
        assert [*map(str, by_metric(selector))] == [f'{name}{{code="500"}}' for name in names]

    @pytest.mark.parametrize(
        "text",
        [
            '{__name__=~"http_.*"}',
            '{__name__=~"a?", job="x"}',
            '{__name__=~"a|", job="x"}',
            '{__name__=~"[ab]"}',
            '{__name__!~"a|b", job="x"}',
            '{job="a"}',
            "a_total",
            '{__name__=~"' + "|".join(f"a{i}" for i in range(51)) + '"}',
        ],
    )
    def test_of_other_patterns_are_not_known(self, text):
        """They are asked for as they stand."""
        selector = parse_selector(text)
        assert by_metric(selector) == (selector,)


class TestBounds:
    def test_are_found_in_every_spelling(self):
        """Prometheus 3 stores 1.0 where the service wrote 1."""
        selector = any_spelling(parse_selector('a_bucket{le="1", code="200"}'))
        assert str(selector) == r'a_bucket{le=~"1|1\\.0",code="200"}'

    @pytest.mark.parametrize(
        "text",
        ['a{le="+Inf"}', 'a{le="NaN"}', 'a{le="x"}', 'a{le=~"1"}', 'a{le!="1"}', 'a{ge="1"}'],
    )
    def test_other_matchers_stay(self, text):
        """They say what they say."""
        assert str(any_spelling(parse_selector(text))) == text
