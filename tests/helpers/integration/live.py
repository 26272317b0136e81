"""A service, a Prometheus and the daemon, watching one another as in real life."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer
from tests.helpers.tcp_servers import MetricsServer

PATIENCE = 60.0
"""Seconds until something that takes a few is given up."""

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{service}"]]
  - job_name: error-budget-exporter
    honor_labels: true
    static_configs: [targets: ["127.0.0.1:{exporter}"]]
"""

EXPORTER = """
prometheus: {{url: "http://127.0.0.1:{prometheus}", scrape_interval: 1s, timeout: 5s}}
evaluation: {{interval: 1s, delay: 500ms, settle: 2s, stale_after: 5s}}
policy: {{min_coverage: 0}}
slos:
  - service: shop
    name: availability
    objective: 99
    labels: {{owner: "team \\"shop\\""}}
    sli:
      events:
        bad: requests_total{{job="shop", code="500"}}
        total: requests_total{{job="shop"}}
"""


class Service(MetricsServer):
    """Counts requests that tests claim to have made, and shows them to Prometheus.

    While it `fails`, scrapes of it do.
    """

    def __init__(self) -> None:
        self.good = 0
        self.bad = 0
        self.fails = False
        super().__init__(self._page)
        self.start()

    def _page(self) -> str | None:
        if self.fails:
            return None
        counts = (("200", self.good), ("500", self.bad))
        lines = [f'requests_total{{code="{code}"}} {count}\n' for code, count in counts]
        return "".join(["# TYPE requests_total counter\n", *lines])


class Live:
    """The three of them; Prometheus and the daemon are started by the test."""

    def __init__(self, prometheus_binary: Path, folder: Path) -> None:
        self.service = Service()
        port = free_port()
        self.prometheus = PrometheusServer(
            PROMETHEUS.format(service=self.service.port, exporter=port), binary=prometheus_binary
        )
        config = folder / "config.yaml"
        config.write_text(EXPORTER.format(prometheus=self.prometheus.port))
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
        self.daemon = Child(
            "daemon",
            [*command, f"--web.listen-address=127.0.0.1:{port}", "--web.enable-admin-api"],
            port,
            folder / "daemon.log",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.daemon.stop()
        self.prometheus.close()
        self.service.close()

    def scraped(self) -> None:
        """Wait until Prometheus has scraped the service twice since now."""
        began = time.time()
        query = f'timestamp(requests_total{{code="200"}}) - {began}'
        self.until(lambda: min(self.ask(query).values(), default=0.0) > 1)

    def requests(self, *, good: int, bad: int) -> None:
        """Let the service count requests."""
        self.service.good += good
        self.service.bad += bad

    def ask(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """What Prometheus answers to an instant query; nothing while it does not answer."""
        form = urlencode({"query": query}).encode()
        with urlopen(f"{self.prometheus.url}/api/v1/query", data=form) as answer:
            result = json.load(answer)["data"]["result"]
        return {tuple(sorted(each["metric"].items())): float(each["value"][1]) for each in result}

    def value(self, query: str) -> float | None:
        """The only value that Prometheus answers with, or None."""
        values = list(self.ask(query).values())
        return values[0] if len(values) == 1 else None

    def scrape(self, accept: str = "*/*") -> str:
        """The daemon's metrics as they are now."""
        request = Request(f"{self.daemon.url}/metrics", headers={"Accept": accept})
        with urlopen(request) as answer:
            return answer.read().decode()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; with what the daemon logged where it does not."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.daemon.check()
            assert time.monotonic() < deadline, f"waited in vain:\n{self.daemon.log_tail()}"
            time.sleep(0.1)
