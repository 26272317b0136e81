"""The demo's service: the shop's counters, served for Prometheus to scrape.

`python -m exporter.demo.service` runs it alone, for a Prometheus of one's own.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
import numpy as np
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exporter.demo.traffic import DURATION, REQUESTS, SERIES, Shop, incident

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
def serve(shop: Shop, port: int, host: str = "127.0.0.1") -> Iterator[None]:
    """Serve the shop's /metrics at `host` while the context lasts.

    Raises:
        OSError: the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(ShopCollector(shop))
    server, thread = start_http_server(port, addr=host, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--incident-after",
    type=click.FloatRange(min=0),
    help="Let checkout fail for four minutes, so many seconds after the start.",
)
def main(host: str, port: int, incident_after: float | None) -> None:
    """Serve the shop's counters, which begin now, until SIGINT or SIGTERM."""
    shop = Shop(start=time.time())
    shop.clock = shop.start  # nobody has seen its past
    if incident_after is not None:
        shop.outages.append(incident(shop.start + incident_after))
    ends = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ends.set())
    with serve(shop, port, host):
        click.echo(f"The shop is open at http://{host}:{port}/metrics")
        ends.wait()


if __name__ == "__main__":
    main()
