"""Series that begin: true births, and counters that had counted before they were seen."""

from __future__ import annotations

from collections.abc import Callable

from tests.field.case import FieldCase, Truth
from tests.field.kit import HOUR, counter, gauge, scrapes, up

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
        target = {"job": "first_error", "instance": "a:80"}
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


def foreign_counters_appear() -> FieldCase:
    def series(now: int):
        target = {"job": "foreign_counters_appear", "instance": "e:9187"}
        times = scrapes(now)
        shop = {**target, "datname": "shop"}
        there = [t for t in times if t >= now - HOUR]
        return [
            up(times, **target),
            counter("foreign_commit_total", 10, there, first=950_000, **shop),
            counter("foreign_rollback_total", 0, there, first=50_000, **shop),
        ]

    return FieldCase(
        "An exporter that was up all along shows the counters of a database that comes back.",
        series,
        """
prometheus: {url: PROM_URL, scrape_interval: 30s}
slos:
  - service: db
    name: commits
    objective: 99
    period: 2h
    sli:
      query:
        bad: sum(rate(foreign_rollback_total[$window]))
        total: sum(rate(foreign_rollback_total[$window])) + sum(rate(foreign_commit_total[$window]))
""",
        (Truth("2h", bad=0, total=36_000, unknown=3_600),),
        words=("foreign_rollback_total", "began at 50,000"),
        polled=WATCH,
        rule="increase(foreign_rollback_total[2h])",
    )


def first_error_under_its_own_name() -> FieldCase:
    def series(now: int):
        target = {"job": "first_error_under_its_own_name", "instance": "a:80"}
        times = scrapes(now)
        after = [t for t in times if t >= now - HOUR]
        return [
            up(times, **target),
            counter("own_name_requests_total", 10, times, first=950_000, **target),
            counter("own_name_errors_total", 0, after, first=1, **target),
        ]

    return FieldCase(
        "A library that does not initialise its counters shows its first error ever.",
        series,
        availability("own_name_requests_total").replace(
            'own_name_requests_total{code="500"}', "own_name_errors_total"
        ),
        (Truth("2h", bad=1, total=72_000),),
        polled=WATCH,
        rule="increase(own_name_errors_total[2h])",
    )


def errors_of_another_system() -> FieldCase:
    def series(now: int):
        target = {"job": "errors_of_another_system", "instance": "a:80"}
        times = scrapes(now)
        after = [t for t in times if t >= now - HOUR]
        return [
            up(times, **target),
            counter("another_requests_total", 10, times, first=950_000, **target),
            counter("another_errors_total", 0, after, first=2_000, **target),
        ]

    return FieldCase(
        "A counter of errors appears with more of them than there were requests since.",
        series,
        availability("another_requests_total").replace(
            'another_requests_total{code="500"}', "another_errors_total"
        ),
        (Truth("2h", bad=0, total=71_700, unknown=30),),
        words=("2,000 of 300 events",),
        polled=WATCH,
        rule="increase(another_errors_total[2h])",
    )


def foreign_counters_among_others() -> FieldCase:
    def series(now: int):
        target = {"job": "foreign_counters_among_others", "instance": "e:9187"}
        times = scrapes(now)
        there = [t for t in times if t >= now - HOUR]
        return [
            up(times, **target),
            counter("among_total", 10, times, first=7_000, code="200", db="a", **target),
            counter("among_total", 1, there, first=90_000, code="200", db="b", **target),
            counter("among_total", 0, there, first=9_000, code="500", db="b", **target),
        ]

    return FieldCase(
        "An exporter of several databases shows one more, with all that it has counted.",
        series,
        availability("among_total"),
        (Truth("2h", bad=0, total=72_000 - 300 + 3_600, unknown=30),),
        words=("began at 90,000",),
        polled=WATCH,
        rule='increase(among_total{code="500"}[2h])',
    )


def first_traffic_of_a_new_instance() -> FieldCase:
    def series(now: int):
        old, new = (
            {"job": "first_traffic_of_a_new_instance", "instance": f"{name}:80"} for name in "ab"
        )
        times = scrapes(now)
        scraped = [t for t in times if t >= now - HOUR]
        return [
            up(times, **old),
            up(scraped, **new),
            counter("first_traffic_total", 10, times, first=950_000, code="200", **old),
            counter("first_traffic_total", 10, scraped[1:], first=290, code="200", **new),
            counter("first_traffic_total", 0, scraped[1:], first=10, code="500", **new),
        ]

    return FieldCase(
        "A pod is scraped once before its first requests, and shows 300 at the next scrape.",
        series,
        availability("first_traffic_total"),
        (Truth("2h", bad=10, total=72_000 + 36_000),),
        polled=WATCH,
        rule='increase(first_traffic_total{code="500"}[2h])',
    )


def created_since_the_last_scrape() -> FieldCase:
    def series(now: int):
        target = {"job": "created_since_the_last_scrape", "instance": "a:80"}
        times = scrapes(now)
        after = [t for t in times if t >= now - HOUR]
        both = [{"code": code, **target} for code in ("200", "500")]
        return [
            up(times, **target),
            *(gauge("created_created", now - HOUR - 20, after, **each) for each in both),
            counter("created_total", 0, after, first=9_000, **both[0]),
            counter("created_total", 0, after, first=1_000, **both[1]),
        ]

    return FieldCase(
        "An idle service gets 10,000 requests at once, and tells when its counters were created.",
        series,
        availability("created_total"),
        (Truth("2h", bad=1_000, total=10_000, unknown=3_570),),
        polled=WATCH,
        rule='increase(created_total{code="500"}[2h])',
    )


CASES: list[Callable[[], FieldCase]] = [
    first_error,
    first_error_under_its_own_name,
    errors_of_another_system,
    foreign_counters_appear,
    foreign_counters_among_others,
    first_traffic_of_a_new_instance,
    created_since_the_last_scrape,
]
