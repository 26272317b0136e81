"""The demo's service: the shop's counters, served for Prometheus to scrape."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exporter.demo.traffic import DURATION, REQUESTS, SERIES, Shop

FAMILIES: Final = {
    REQUESTS: ("counter", "Requests answered."),
    DURATION: ("histogram", "Time to answer a request."),
}


class ShopCollector(Collector):
    """Runs the shop up to the present at every scrape and exposes its counters."""

    def __init__(self, shop: Shop, clock: Callable[[], float] = time.time) -> None:
        self._shop = shop
        self._clock = clock
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """The families of the shop, at this moment."""
        with self._lock:
            now = max(self._clock(), self._shop.clock)
            # Steps of a second, so that an outage begins and ends when it says.
            steps = np.arange(self._shop.clock + 1, now, 1.0)
            values = self._shop.run(np.append(steps, now))[-1].tolist()
        for family, (kind, help_text) in FAMILIES.items():
            metric = Metric(family, help_text, kind)
            for series, value in zip(SERIES, values, strict=True):
                if series.name.startswith(f"{family}_"):
                    metric.add_sample(series.name, series.labels, value)
            yield metric


@contextmanager
def serve(shop: Shop, port: int) -> Iterator[None]:
    """Serve the shop's /metrics on 127.0.0.1 while the context lasts.

    Raises:
        OSError: the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(ShopCollector(shop))
    server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
