"""The series that the specs under tests/specs are about; all rates are steady unless said."""

from __future__ import annotations

from collections.abc import Iterator

from tests.field.kit import Series, counter, gauge, scrapes, up
from tests.helpers.torture.remote_write import NativeHistogram

HOUR = 3_600

REQUESTS = {
    ("eu", "cart"): {"200": 8.0, "404": 0.5, "429": 0.25, "500": 0.125},
    ("us", "cart"): {"200": 4.0, "404": 0.25, "500": 0.5},
    ("us", "web"): {"200": 2.0, "429": 0.25, "503": 0.0625},
}
"""Requests per second, by region, service and code."""

BUCKETS = {"0.1": 2.0, "0.5": 3.5, "1.0": 3.75, "+Inf": 4.0}
"""Requests per second within each bound; Prometheus 3 stores 1 as 1.0."""

DOWN = 12
"""Samples of the last hour in which the probe failed."""


def series(now: int) -> Iterator[Series]:
    """Every series, three hours of it."""
    times = scrapes(now, phase=7)
    for (region, service), codes in REQUESTS.items():
        for code, rate in codes.items():
            yield counter(
                "http_requests_total",
                rate,
                times,
                job="shop",
                region=region,
                service=service,
                code=code,
            )
    yield counter("shop_failures_total", 0.25, times, kind="timeout")
    yield counter("queue_messages_total", 1.0, times, job="shop")
    yield counter("queue_failures_total", 0.25, times, job="shop")
    for metric in ("http_request_duration_seconds", "rpc_duration_milliseconds"):
        for bound, rate in BUCKETS.items():
            le = (
                bound
                if metric.endswith("_seconds") or bound == "+Inf"
                else f"{float(bound) * 1e3:g}"
            )
            yield counter(f"{metric}_bucket", rate, times, job="shop", le=le, code="200")
        yield counter(f"{metric}_count", 4.0, times, job="shop", code="200")
        yield counter(f"{metric}_count", 0.5, times, job="shop", code="500")
        yield counter(f"{metric}_bucket", 0.25, times, job="shop", le="1.0", code="500")
    for client, value in (("phone", 0.5), ("laptop", 0.9)):
        yield gauge("satisfaction_ratio", value, times, job="wifi", client=client)
    for window in ("5m", "1h"):
        yield gauge(f"job:errors:ratio_rate{window}", 0.03125, times, job="batch")
    yield gauge("workers_ready", 3.0, times, job="pool")
    yield gauge("workers_wanted", 4.0, times, job="pool")
    yield gauge("queue_age_seconds", lambda t: 90.0 if t > now - HOUR / 4 else 30.0, times)
    failing = set(scrapes(now, -HOUR / 2, 0, phase=7)[:DOWN])
    for instance in ("a", "b"):
        yield gauge(
            "probe_success",
            lambda t, a=instance: 0.0 if a == "a" and t in failing else 1.0,
            times,
            job="blackbox",
            instance=instance,
        )
    # The first failure appears with the counter itself, at 7: rate() does not see it.
    mailer = {"job": "mailer", "instance": "m:80"}
    yield up(times, **mailer)
    yield counter("jobs_total", 0.5, times, result="sent", **mailer)
    late = scrapes(now, -HOUR / 2, phase=7)
    yield counter("jobs_total", 0.0, late, first=7, result="failed", **mailer)
    yield Series(
        {"__name__": "rpc_seconds", "job": "shop"},
        histograms=[
            (t, NativeHistogram({-1: 30 * n, 0: 20 * n, 2: 10 * n})) for n, t in enumerate(times, 1)
        ],
    )
