"""Queries that the server refuses for a while."""

from __future__ import annotations

from tests.field.case import FieldCase, Truth
from tests.field.kit import HOUR, STALE, counter, gauge, scrapes

CONFIG = """
prometheus: {url: PROM_URL, scrape_interval: 30s}
slos:
  - service: shop
    name: joined
    objective: 99
    period: PERIOD
    sli:
      query:
        bad: sum(rate(METRIC_total{code="500"}[$window]) * on (pod) group_left METRIC_labels)
        total: sum(rate(METRIC_total[$window]) * on (pod) group_left METRIC_labels)
"""


def two_of_them(metric: str, ago: int, period: str, truth: Truth, since: int) -> FieldCase:
    """Two kube-state-metrics for five minutes, `ago` seconds ago."""

    def series(now: int):
        times = scrapes(now, since)
        other = scrapes(now, -ago, -ago + 300)
        second = gauge(f"{metric}_labels", 1, other, pod="p1", instance="ksm-2")
        second.samples.append((other[-1] + 30, STALE))
        return [
            counter(f"{metric}_total", 9, times, code="200", pod="p1"),
            counter(f"{metric}_total", 1, times, code="500", pod="p1"),
            gauge(f"{metric}_labels", 1, times, pod="p1", instance="ksm-1"),
            second,
        ]

    return FieldCase(
        f"Two kube-state-metrics run for five minutes, {ago // 60} minutes ago: a join is refused.",
        series,
        CONFIG.replace("METRIC", metric).replace("PERIOD", period),
        (truth,),
        words=("many-to-many",) if ago < 6 * HOUR else (),
        polled=(-ago - 300, -ago + 900) if ago < 6 * HOUR else None,
        prometheus_alone=True,
    )


def an_hour_ago() -> FieldCase:
    truth = Truth("2h", 6_900, 69_000, unknown=300, within=1)
    return two_of_them("refused_an_hour_ago", HOUR, "2h", truth, -3 * HOUR)


def ten_hours_ago() -> FieldCase:
    truth = Truth("1d", None, None, unknown=300)
    return two_of_them("refused_long_ago", 10 * HOUR, "1d", truth, -26 * HOUR)


CASES = (an_hour_ago, ten_hours_ago)
