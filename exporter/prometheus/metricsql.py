"""Telling VictoriaMetrics's MetricsQL from PromQL, to say why a query is refused."""

from __future__ import annotations

import re

_MARKS = re.compile(
    r"\b(histogram_share|histograms?_?quantiles|vmrange|keep_metric_names|default\s+[\d(]|"
    r"(?:share|count|sum)_(?:le|gt|eq|ne)_over_time|(?:sum2|tfirst|tlast|distinct|median|geomean|"
    r"first|mode|hoeffding_bound_\w+|ascent|descent|integrate|zscore)_over_time|increase_pure|"
    r"increase_prometheus|delta_prometheus|changes_prometheus|rollup\w*|range_\w+|running_\w+|"
    r"prometheus_buckets|buckets_limit|label_set|label_keep|label_del|ifnot|aggr_over_time|"
    r"lifetime|lag|scrape_interval|rate_over_sum|union)\b|\bWITH\s*\(",
)
_NO_RANGE = re.compile(r"\b(rate|increase|delta|irate)\s*\(\s*[\w:]+\s*(\{[^}]*\})?\s*\)")


def metricsql_hint(text: str) -> str:
    """What to add to a parser's message where a query is MetricsQL rather than PromQL."""
    found = _MARKS.search(text)
    if found is None and not _NO_RANGE.search(text):
        return ""
    what = f" ({found[0].strip()})" if found else " (a rate without a range)"
    return (
        f". It looks like VictoriaMetrics's MetricsQL{what}: queries must be PromQL here, which "
        "VictoriaMetrics understands, too"
    )
