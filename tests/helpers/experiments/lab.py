"""The demo's service with an hour of past, and a Prometheus that scrapes it every second."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exporter.demo.blocks import write_blocks, write_openmetrics
from exporter.demo.ports import free_port
from exporter.demo.servers import PrometheusServer, find_promtool
from exporter.demo.service import serve
from exporter.demo.traffic import SERIES, Shop
from tests.helpers.command_line import environment_of_tests

HOUR = 3_600
STEP = 10
"""Seconds between two samples of the past."""

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{shop}"]]
"""

CONFIG = """
prometheus: {{url: "{url}", scrape_interval: 10s}}
evaluation: {{interval: 10s, delay: 1s, settle: 5s}}
alerting: {{windows: [{{severity: page, budget: 50%, long: 5m, short: 30s}}]}}
slos:
  - service: auth
    name: availability
    objective: 97
    period: 1h
    group_by: [region]
    sli:
      events:
        bad: 'http_requests_total{{job="shop", service="auth", code=~"5.."}}'
        total: 'http_requests_total{{job="shop", service="auth"}}'
  - service: checkout
    name: availability
    objective: 99
    period: 1h
    sli:
      events:
        bad: 'http_requests_total{{job="shop", service="checkout", code=~"5.."}}'
        total: 'http_requests_total{{job="shop", service="checkout"}}'
"""


@dataclass(frozen=True)
class Lab:
    """`url` is where the service is; `folder` has the configuration."""

    folder: Path
    shop: Shop
    shop_port: int
    prometheus: PrometheusServer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.shop_port}"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def fault(self, *arguments: str) -> str:
        """A command that breaks or repairs the service, as the file of an experiment has it."""
        command = [sys.executable, "-m", "exporter.demo.fault", self.url, *arguments]
        return json.dumps(command)

    @contextmanager
    def started(self, text: str, *flags: str) -> Iterator[subprocess.Popen[str]]:
        """An experiment that has been started, and is ended with the block; its report is
        `report.json`."""
        file = self.folder / "experiment.yaml"
        file.write_text(text)
        command = [sys.executable, "-m", "exporter", "experiment", "run", str(file)]
        command += [f"--config.file={self.config}", f"--journal={self.journal}"]
        with subprocess.Popen(
            [*command, f"--report={self.folder / 'report.json'}", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment_of_tests(),
        ) as process:
            try:
                yield process
            finally:
                process.terminate()  # so that it rolls back
                with suppress(subprocess.TimeoutExpired):
                    process.wait(60)
                process.kill()

    def run(self, text: str, *flags: str) -> tuple[int, str]:
        """Run an experiment to its end: its exit code, and what it told."""
        with self.started(text, *flags) as process:
            told, _ = process.communicate(timeout=240)
        return process.returncode, told

    def report(self) -> dict[str, Any]:
        """What the newest experiment reports."""
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found

    def broken(self) -> bool:
        """Whether something fails now that an experiment has broken."""
        return any(
            each.begin >= self.shop.start and each.end == float("inf") for each in self.shop.outages
        )


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """Everything that experiments need, on this machine."""
    shop, shop_port = Shop(start=float(int(time.time()))), free_port()
    past = np.arange(shop.start - 2 * HOUR, shop.start + 1, STEP)
    shop.clock = float(past[0]) - STEP
    values = shop.run(past)
    target = {"job": "shop", "instance": f"127.0.0.1:{shop_port}"}
    series: dict[str, list[tuple[int, float]]] = {
        each.text(**target): list(
            zip(past.astype(int).tolist(), values[:, i].tolist(), strict=True)
        )
        for i, each in enumerate(SERIES)
    }
    write_blocks(find_promtool(), write_openmetrics(series, folder / "om"), folder / "data")
    config = PROMETHEUS.format(shop=shop_port)
    with serve(shop, shop_port), PrometheusServer(config, data_dir=folder / "data") as prometheus:
        (folder / "config.yaml").write_text(CONFIG.format(url=prometheus.url))
        yield Lab(folder, shop, shop_port, prometheus)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill an experiment without a chance to do anything."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
