"""The demo's service: the shop's counters, served for Prometheus to scrape.

`python -m exporter.demo.service` runs it alone, for a Prometheus of one's own. It can be broken and
repaired, as experiments do: see `exporter.demo.fault`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import click
import numpy as np
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exporter.demo.traffic import DURATION, PARTS, REQUESTS, SERIES, Array, Outage, Shop, incident

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
        self._broken: list[Outage] = []

    def collect(self) -> Iterator[Metric]:
        """The families of the shop, at this moment."""
        with self._lock:
            values = self._run().tolist()
        for family, (kind, help_text) in FAMILIES.items():
            metric = Metric(family, help_text, kind)
            for series, value in zip(SERIES, values, strict=True):
                if series.name.startswith(f"{family}_"):
                    metric.add_sample(series.name, series.labels, value)
            yield metric

    def _run(self) -> Array:
        now = max(self._clock(), self._shop.clock)
        # Steps of a second, so that an outage begins and ends when it says.
        steps = np.arange(self._shop.clock + 1, now, 1.0)
        last: Array = self._shop.run(np.append(steps, now))[-1]
        return last

    def break_(self, name: str, failing: float) -> None:
        """Let a share of the requests of a part (`auth-us`) fail from now on.

        Raises:
            LookupError: there is no such part.
        """
        part = {f"{each.service}-{each.region}": each for each in PARTS}[name]
        with self._lock:
            self._run()
            broken = Outage(part, self._shop.clock, float("inf"), failing)
            self._shop.outages.append(broken)
            self._broken.append(broken)

    def repair(self) -> None:
        """Let nothing fail any longer that was broken here."""
        with self._lock:
            self._run()
            for each in self._broken:
                ended = replace(each, end=self._shop.clock)
                self._shop.outages[self._shop.outages.index(each)] = ended
            self._broken.clear()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(shop: Shop, port: int, host: str = "127.0.0.1") -> Iterator[None]:
    """Serve the shop's /metrics at `host` while the context lasts.

    Raises:
        OSError: the port is taken.
    """
    registry, collector = CollectorRegistry(), ShopCollector(shop)
    registry.register(collector)
    metrics = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
        if environ["REQUEST_METHOD"] != "POST" or path not in ("/-/break", "/-/repair"):
            shown: Iterable[bytes] = metrics(environ, start_response)
            return shown
        status = HTTPStatus.OK
        try:
            if path == "/-/break":
                collector.break_(query["part"][0], float(query["failing"][0]))
            else:
                collector.repair()
        except (LookupError, ValueError):
            status = HTTPStatus.BAD_REQUEST
        start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
        return [b""]

    server = make_server(host, port, answer, ThreadingWSGIServer, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
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
