"""The demo's stage: history, service, Prometheus and exporter, all on this machine."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.demo.blocks import write_blocks
from exporter.demo.history import BLOCKS, history_files
from exporter.demo.past import Past
from exporter.demo.ports import free_port
from exporter.demo.servers import (
    Child,
    PrometheusServer,
    find_prometheus,
    find_promtool,
)
from exporter.demo.service import serve
from exporter.demo.traffic import Shop

JOB: Final = "shop"

PROMETHEUS_CONFIG: Final = """\
global:
  scrape_interval: 5s
  scrape_timeout: 4s
scrape_configs:
  - job_name: {job}
    static_configs:
      - targets: ["127.0.0.1:{shop}"]
  - job_name: error-budget-exporter
    honor_labels: true  # the label `service` is the exporter's own
    static_configs:
      - targets: ["127.0.0.1:{exporter}"]
"""

EXPORTER_CONFIG: Final = """\
prometheus:
  url: {url}
  scrape_interval: 1m  # the spacing of the history; the present is scraped every 5s
evaluation:
  interval: 5s
  delay: 1s
  settle: 30s
policy:
  min_stay: 2m
policies:
  - name: shop
    services: [checkout]
    tiers:
      - {{name: normal, above: 40, gate: allow}}
      - {{name: slow_down, above: 20, gate: caution, guidance: "small changes, one at a time"}}
      - name: freeze
        gate: block
        guidance: nothing but what makes checkout reliable
        exemptions: [p0, security]
        burn_rate: {{window: 5m, above: 14.4}}  # at once while it burns like this
slos:
  - service: checkout
    name: availability
    description: Customers can pay. What fails here is a sale that is lost.
    criticality: tier 1
    labels: {{owner: team shop}}
    objective: 99.9
    period: 30d
    sli:
      events:
        bad: http_requests_total{{service="checkout", code=~"5.."}}
        total: http_requests_total{{service="checkout"}}
  - service: search
    name: latency
    description: Searches answer before people give up.
    labels: {{owner: team shop}}
    objective: 99
    period: 30d
    sli:
      latency:
        histogram: http_request_duration_seconds{{service="search"}}
        threshold: 300ms
  - service: auth
    name: availability
    description: Customers can sign in.
    labels: {{owner: team identity}}
    objective: 99.5
    period: 30d
    group_by: [region]
    sli:
      events:
        bad: http_requests_total{{service="auth", code=~"5.."}}
        total: http_requests_total{{service="auth"}}
"""

EXPERIMENT: Final = """\
title: Half of the sign-ins in us fail for half a minute
description: |
  We believe that half a minute costs next to nothing, and that nobody is woken for it.
hypothesis:
  steady:
    - {{slo: auth/availability, groups: {{region: us}}, error_ratio: 2%, window: 20s}}
  impact:
    - {{slo: auth/availability, groups: {{region: us}}, budget: 0.5%}}
  recovery: {{within: 15s, of: rollback}}
baseline: 30s
method:
  - name: break the sign-in
    command: [{python}, -m, exporter.demo.fault, {shop}, break, --part=auth-us, --failing=0.5]
  - wait: 30s
rollback:
  - name: repair it
    command: [{python}, -m, exporter.demo.fault, {shop}, repair]
abort:
  - {{slo: auth/availability, groups: {{region: us}}, error_ratio: 90%, for: 15s}}
watch: 45s
grain: 5s
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs while the demo plays."""

    shop: Shop
    prometheus: PrometheusServer
    exporter: Child
    past: Past
    experiment: str
    """The command that runs an experiment against it."""

    def check(self) -> None:
        """Do nothing while all servers live.

        Raises:
            ServerError: one has ended; with the end of its log.
        """
        self.prometheus.check()
        self.exporter.check()


def set_up(stack: ExitStack, say: Callable[[str], None]) -> Scene:
    """Write the history and start everything; `stack` takes it all down again.

    Raises:
        ServerError: a program is missing, or did not do what it should.
    """
    prometheus_binary, promtool = find_prometheus(), find_promtool()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="error-budget-demo-")))
    shop_port, exporter_port = free_port(), free_port()
    shop = Shop(start=float(int(time.time())))

    def progress(files: int) -> None:
        if files % (BLOCKS // 4) == 0:
            say(f"  {round(100 * files / BLOCKS)}%")

    say(f"Writing 30 days of history for Prometheus ({promtool})")
    target = {"job": JOB, "instance": f"127.0.0.1:{shop_port}"}
    text = folder / "openmetrics"
    write_blocks(promtool, history_files(shop, target, text), folder / "data", progress)
    shutil.rmtree(text)

    stack.enter_context(serve(shop, shop_port))
    say(f"Starting Prometheus ({prometheus_binary})")
    prometheus = stack.enter_context(
        PrometheusServer(
            PROMETHEUS_CONFIG.format(job=JOB, shop=shop_port, exporter=exporter_port),
            binary=prometheus_binary,
            data_dir=folder / "data",
        )
    )
    config = folder / "config.yaml"
    config.write_text(EXPORTER_CONFIG.format(url=prometheus.url))
    command = [
        *(sys.executable, "-m", "exporter", "run"),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{exporter_port}",
        "--web.trust-loopback",  # overrides may be tried from here
    ]
    say(f"Starting the exporter ({' '.join(command)})")
    exporter = Child("the exporter", command, exporter_port, folder / "exporter.log")
    stack.callback(exporter.stop)
    past = Past(config, prometheus, exporter, promtool)
    stack.callback(past.stop)
    exporter.start()
    exporter.wait_ready()
    file = folder / "experiment.yaml"
    url = f"http://127.0.0.1:{shop_port}"
    file.write_text(EXPERIMENT.format(python=sys.executable, shop=url))
    experiment = (
        f"{sys.executable} -m exporter experiment run {file} --config.file={config} "
        f"--journal={folder / 'journal'} --server={exporter.url} --report=experiment.md"
    )
    return Scene(shop, prometheus, exporter, past, experiment)
