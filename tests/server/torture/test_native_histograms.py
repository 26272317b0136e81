"""Latency by a native histogram, chosen by itself where there is no classic one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from exporter.demo.servers import http_get
from exporter.slo.model import LatencySli
from exporter.slo.snapshot import DataState
from tests.helpers.integration.checks import assert_slots, assert_sums
from tests.helpers.integration.histories import END, History, growing, scrapes
from tests.helpers.integration.running import run
from tests.helpers.integration.scenario import SPOTS, Case, slo_of
from tests.helpers.torture.receivers import PrometheusReceiver
from tests.helpers.torture.remote_write import NativeHistogram, write
from tests.oracle import HOUR

FAST, SLOW = 0, 1
"""Buckets of schema 0: 0.5 s to 1 s, and 1 s to 2 s. A threshold of 1 s lies between them."""


@pytest.fixture(scope="module")
def server(prometheus_binary: Path) -> Iterator[PrometheusReceiver]:
    """A Prometheus that takes native histograms, if it can."""
    flags = ["--enable-feature=native-histograms"]
    with PrometheusReceiver(prometheus_binary, flags) as server:
        yield server


@pytest.fixture(scope="module")
def latency(server: PrometheusReceiver) -> Case:
    """Steady traffic, an incident, a restart; and an instance that is born during it."""
    history = History("native")
    found: dict[str, Sequence] = {}
    times = scrapes(END - 5 * HOUR)
    for instance, alive in (("a:80", times), ("b:80", [t for t in times if t > SPOTS[-1]])):
        history.target(times, instance=instance)
        resets = {SPOTS[-1] + 600: [1]}
        fast = growing(alive, 9, first=9, resets=resets)
        slow = growing(
            alive,
            lambda n, at=alive: 4 if at[n] > SPOTS[-1] else n % 7 == 0,
            first=2,
            resets=resets,
        )
        history.counter("fast", fast, instance=instance)
        history.counter("slow", slow, instance=instance)
        found[instance] = [
            (t, NativeHistogram({FAST: int(few), SLOW: int(many)}))
            for (t, few), (_, many) in zip(fast, slow, strict=True)
        ]
    server.store([history])
    names = {"__name__": "latency_seconds", "service": "native", "job": "native"}
    series = ((({**names, "instance": of}).items(), samples) for of, samples in found.items())
    if major(server) >= 3:
        write(server.url, histograms=series)
    fast_count, slow_count = history.events("fast").between, history.events("slow").between
    return Case(
        history,
        slo_of(history, LatencySli('latency_seconds{service="native"}', threshold=1.0)),
        bad=slow_count,
        total=lambda start, end: fast_count(start, end) + slow_count(start, end),
    )


def major(server: PrometheusReceiver) -> int:
    _, body = http_get(server.child.port, "/api/v1/status/buildinfo")
    return int(body.split(b'"version":"')[1].split(b".")[0])


class TestNativeHistogram:
    def test_is_counted_where_prometheus_can(self, server: PrometheusReceiver, latency: Case):
        """Prometheus 3 counts them, as a share of all; where it cannot, there are no data."""
        engine, snapshot = run(server.url, [latency.slo], END)
        [found] = snapshot.slos
        if major(server) < 3:
            assert (found.state, found.problem) == (DataState.NO_DATA, None)
            return
        assert_slots(engine, snapshot, latency.slo, latency.bad, latency.total, exact=False)
        assert_sums(found, END, latency.bad, latency.total)
        assert found.state is DataState.OK
