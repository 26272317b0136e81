"""The series that the mistakes are about, and metrics that a server knows the types of."""

from __future__ import annotations

from collections.abc import Iterator

from tests.field.kit import HOUR, Series, counter, gauge, scrapes

ALL = "http_requests_total"

TYPES = """\
# TYPE typed_connections gauge
typed_connections 5
# TYPE typed_calls_total counter
typed_calls_total 7
# TYPE typed_wait_seconds summary
typed_wait_seconds_sum 1
typed_wait_seconds_count 3
"""


def series(now: int) -> Iterator[Series]:
    times = scrapes(now, until=120)
    for code, method, per_second in (("200", "POST", 9.8), ("500", "GET", 0.2)):
        at = {"job": "shop", "instance": "s:80"}
        yield counter(ALL, per_second, times, code=code, method=method, **at)
    yield counter("twice_good_total", 10, times)
    yield counter("twice_total", 5, times)
    yield gauge("wobbling", lambda t: 1_000 + (t // 30 * 7_919) % 101, times)
    yield counter("job:requests:sum", 5, times)
    yield counter("job:falling:sum", 5, times, resets=[now - n * 1_000 for n in (1, 2, 3)])
    for name, bounds in (
        ("http_seconds", ("0.5", "1", "+Inf")),
        ("istio_request_time", ("250", "500", "+Inf")),
    ):
        yield counter(f"{name}_count", 10, times)
        for le in bounds:
            yield counter(f"{name}_bucket", 10, times, le=le)
    for job, instance in (("a", "m1"), ("b", "m2")):
        yield counter("mixed_seconds_count", 10, times, job=job, instance=instance)
        for le in ("0.5", "+Inf") if job == "a" else ("+Inf",):
            yield counter("mixed_seconds_bucket", 10, times, le=le, job=job, instance=instance)
    yield gauge("in_percent", 3, times)
    yield gauge("a_ratio", 0.01, times, service="a")
    yield counter("rare_total", 0.01, times)
    yield counter("rare_bad_total", 0, times)
    yield counter("ended_total", 10, scrapes(now, until=-HOUR))
    yield counter("slow_total", 10, scrapes(now, until=600, every=300))
    yield counter("late_total", 10, scrapes(now, until=-120))
    yield counter("young_total", 10, scrapes(now, -1_800, 120), first=50)
