"""The stage of the end-to-end test: real servers, as the command and deploy/ describe them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from click.testing import CliRunner

from exporter.cli import main
from exporter.demo.ports import free_port
from exporter.demo.servers import (
    Child,
    PrometheusServer,
    find_alertmanager,
    http_get,
)
from exporter.demo.service import serve
from exporter.demo.traffic import Shop, incident
from tests.helpers.alerting.receiver import Inbox, receiving
from tests.helpers.paths import ROOT

PATIENCE = 90.0
"""Seconds until something that takes a few is given up."""

GROUP_WAIT = 4
"""Seconds that Alertmanager collects alerts before it notifies, as 30 do in deploy/."""

RETRIES = 64.0
"""Traffic during the outage, and after it. The page's condition holds a twelfth of the calm time
after the beginning: on a busy machine, too, that is long before the ticket's `GROUP_WAIT` is over.
It is over a fifth of the outage's length after its end."""

EXPORTER = """\
prometheus: {{url: "{url}", scrape_interval: 1s}}
evaluation: {{interval: 1s, delay: 500ms}}
policy: {{min_coverage: 0}}
slos:
  - service: checkout
    name: availability
    # Of the page's conditions one can hold, above 6 x 14% = 84% of failures: so it ends soon after
    # the outage. The ticket's hold above 42% and 14%, and go on for minutes.
    objective: 86
    period: 30d
    labels: {{owner: payments}}
    sli:
      events:
        bad: http_requests_total{{service="checkout", code=~"5.."}}
        total: http_requests_total{{service="checkout"}}
"""


@dataclass
class Stage:
    """What runs."""

    shop: Shop
    inbox: Inbox
    prometheus: PrometheusServer
    alertmanager: Child
    exporter: Child

    def begin_outage(self) -> float:
        """Checkout fails from now on; returns since when."""
        begin = time.time()
        outage = replace(incident(begin), end=begin + 3600, traffic=RETRIES)
        self.shop.outages.append(outage)
        return begin

    def end_outage(self) -> float:
        """Checkout works from now on; returns since when."""
        end = time.time()
        outage = self.shop.outages[-1]
        after = replace(outage, begin=end, failing=0.0)
        self.shop.outages[-1:] = [replace(outage, end=end), after]
        return end

    def restart_exporter(self) -> None:
        """As an update or a crash does; what it stored is still there."""
        self.exporter.stop()
        self.exporter.start()
        self.exporter.wait_ready("/-/healthy")

    def metric(self, line: str) -> bool:
        """Whether the exporter itself shows a line, before Prometheus has scraped it."""
        return line in http_get(self.exporter.port, "/metrics")[1].decode().splitlines()

    def ask(self, query: str) -> list[dict]:
        """Prometheus's answer to an instant query."""
        return self._get(self.prometheus, f"/api/v1/query?query={quote(query)}")["data"]["result"]

    def alerts(self, name: str) -> list[dict]:
        """The alerts of a name that Alertmanager has."""
        alerts = self._get(self.alertmanager, "/api/v2/alerts")
        return [alert for alert in alerts if alert["labels"]["alertname"] == name]

    def until(self, what: str, condition: Callable[[], object]) -> float:
        """Wait until a condition holds; returns when it did."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            for child in (self.prometheus, self.alertmanager, self.exporter):
                child.check()
            assert time.monotonic() < deadline, f"in vain: {what}\n{self.exporter.log_tail()}"
            time.sleep(0.1)
        return time.time()

    def _get(self, child: Child, path: str) -> Any:
        status, body = http_get(child.port, path)
        assert status == 200, body
        return json.loads(body)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start everything, and end it all whatever happens."""
    ports = {name: free_port() for name in ("shop", "inbox", "alertmanager", "exporter")}
    (folder / "rules.yaml").write_text(_rules())
    (folder / "alertmanager.yml").write_text(_alertmanager(ports["inbox"]))
    shop = Shop(start=time.time())
    shop.clock = shop.start
    shop.outages.clear()
    with ExitStack() as stack:
        inbox = stack.enter_context(receiving(ports["inbox"]))
        stack.enter_context(serve(shop, ports["shop"]))

        def child(name: str, ready: str, *command: str | Path) -> Child:
            one = Child(name, command, ports[name], folder / f"{name}.log")
            stack.callback(one.stop)
            one.start()
            one.wait_ready(ready)
            return one

        alertmanager = child(
            "alertmanager",
            "/-/ready",
            find_alertmanager(),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
        )
        prometheus = stack.enter_context(PrometheusServer(_prometheus(folder, ports)))
        (folder / "config.yaml").write_text(EXPORTER.format(url=prometheus.url))
        exporter = child(
            "exporter",
            "/-/healthy",
            *(sys.executable, "-m", "exporter", "run", f"--storage.path={folder / 'store'}"),
            f"--config.file={folder / 'config.yaml'}",
            f"--web.listen-address=127.0.0.1:{ports['exporter']}",
        )
        yield Stage(shop, inbox, prometheus, alertmanager, exporter)


def _rules() -> str:
    """What the command writes, sooner."""
    content = yaml.safe_load(CliRunner().invoke(main, ["rules"]).stdout)
    for group in content["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = "2s"
    return yaml.safe_dump(content)


def _alertmanager(port: int) -> str:
    """The example of deploy/, sooner, with every receiver a webhook."""
    file = ROOT / "deploy/docker-compose/alertmanager/alertmanager.yml"
    content = yaml.safe_load(file.read_text())
    content["route"] |= {"group_wait": f"{GROUP_WAIT}s", "group_interval": "1s"}
    for receiver in content["receivers"]:
        receiver["webhook_configs"] = [{"url": f"http://127.0.0.1:{port}/"}]
    return yaml.safe_dump(content)


def _prometheus(folder: Path, ports: dict[str, int]) -> str:
    def target(name: str) -> list[dict]:
        return [{"targets": [f"127.0.0.1:{ports[name]}"]}]

    jobs = {"shop": "shop", "error-budget-exporter": "exporter"}
    return yaml.safe_dump(
        {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(folder / "rules.yaml")],
            "alerting": {"alertmanagers": [{"static_configs": target("alertmanager")}]},
            "scrape_configs": [
                {"job_name": job, "honor_labels": True, "static_configs": target(name)}
                for job, name in jobs.items()
            ],
        }
    )
