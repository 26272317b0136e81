"""Series that begin: true births, and counters that were there before under another name."""

from __future__ import annotations

from collections.abc import Callable

from tests.field.case import FieldCase, Truth
from tests.field.kit import HOUR, counter, scrapes, up

WATCH = (-HOUR - 300, -HOUR + 300)
"""When what happens an hour ago is polled."""


def availability(metric: str, period: str = "2h") -> str:
    """The configuration of an SLO on requests by their code."""
    return f"""
prometheus: {{url: PROM_URL, scrape_interval: 30s}}
slos:
  - service: shop
    name: availability
    objective: 99
    period: {period}
    sli:
      events:
        bad: {metric}{{code="500"}}
        total: {metric}
"""


def first_error() -> FieldCase:
    def series(now: int):
        target = {"job": "shop", "instance": "a:80"}
        times = scrapes(now)
        after = [t for t in times if t >= now - HOUR]
        return [
            up(times, **target),
            counter("first_error_total", 10, times, first=950_000, code="200", **target),
            counter("first_error_total", 0, after, first=17, code="500", **target),
        ]

    return FieldCase(
        "A service that runs has its first errors: 17 within one scrape interval.",
        series,
        availability("first_error_total"),
        (Truth("2h", bad=17, total=72_017),),
        polled=WATCH,
        rule='increase(first_error_total{code="500"}[2h])',
    )


CASES: list[Callable[[], FieldCase]] = [first_error]
