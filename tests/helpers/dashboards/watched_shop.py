"""Two replicas of the exporter that watch a shop during an outage, and a Prometheus that has it."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import yaml

from exporter.demo.blocks import write_blocks
from exporter.demo.history import history_files
from exporter.demo.ports import free_port
from exporter.demo.servers import (
    Child,
    PrometheusServer,
    find_promtool,
    http_get,
)
from exporter.demo.service import serve
from exporter.demo.traffic import Shop, incident
from tests.helpers.dashboards.grafana import interpolate

PATIENCE = 60.0
"""Seconds until something that takes a few is given up."""

HISTORY = 2400
"""Seconds of traffic that Prometheus has before anything runs."""

OUTAGE = 1200
"""Seconds ago that checkout began to fail, and that search's maintenance began."""

CONFIG = """\
prometheus: {{url: "{url}", scrape_interval: 1m}}  # as the history has it
evaluation: {{interval: 1s, delay: 500ms}}
policy: {{min_coverage: 0}}
maintenance:
  - {{reason: moving, start: {maintained}, end: 2100-01-01T00:00:00Z, services: [search]}}
slos:
  - service: checkout
    name: availability
    objective: 99.9
    labels: {{owner: payments}}
    sli:
      events:
        bad: http_requests_total{{service="checkout", code=~"5.."}}
        total: http_requests_total{{service="checkout"}}
  - service: search
    name: latency
    objective: 99
    period: {{calendar: month}}
    sli:
      latency:
        histogram: http_request_duration_seconds{{service="search"}}
        threshold: 300ms
  - service: auth
    name: availability
    objective: 90  # so it stays in its tier, whatever chance brings
    period: 7d
    group_by: [region]
    labels: {{owner: identity}}
    sli:
      events:
        bad: http_requests_total{{service="auth", code=~"5.."}}
        total: http_requests_total{{service="auth"}}
"""

SLOS = {
    ("checkout", "availability", ""),
    ("search", "latency", ""),
    ("auth", "availability", "eu"),
    ("auth", "availability", "us"),
}
"""Service, SLO and region."""

EXPORTERS = ("exporter", "another exporter")

SEEN = (
    'sum(slo_burn_rate_alert{service="checkout", severity="page"}) > 0',
    "sum(slo_maintenance_active) == 2",
    'count(slo_burn_rate{window="1h"}) == 8',
    'count(slo_incident_budget_share_ratio{service="checkout"}) == 2',
    "count(slo_error_budget_remaining_ratio) == 8",
    "count(slo_policy_override_until_timestamp_seconds) == 2",
    "count(slo_service_change_timestamp_seconds) == 2",
    "count(rate(slo_bad_events_total[15s])) == 8",
    "count(rate(process_cpu_seconds_total[15s])) == 2",
    "count(error_budget_exporter_store_last_write_timestamp_seconds) == 2",
)
"""When there is something to look at."""


@dataclass
class Watched:
    """What runs; `since` is when it began."""

    prometheus: PrometheusServer
    exporters: list[Child]
    since: float

    def now(self, query: str) -> list[dict]:
        """Prometheus's answer to an instant query."""
        return self._ask("query", {"query": query})["data"]["result"]

    def over_time(self, query: str) -> list[dict]:
        """Prometheus's answer to a query since the start, up to this very moment."""
        end = time.time()
        begin = end - math.ceil(end - self.since)
        asked = {"query": query, "start": begin, "end": end, "step": 1}
        return self._ask("query_range", asked)["data"]["result"]

    def slos(self) -> list[dict]:
        """What the first exporter's API says of all SLOs."""
        return json.loads(http_get(self.exporters[0].port, "/api/v1/slos")[1])["data"]["slos"]

    def options(self, variable: dict, values: dict[str, str]) -> list[str]:
        """What Grafana offers for a variable."""
        query = interpolate(variable["query"]["query"], values)
        if found := re.fullmatch(r"label_values\((.+), (\w+)\)", query):
            asked = {"match[]": found[1], "start": self.since}
            return self._ask(f"label/{found[2]}/values", asked)["data"]
        found = re.fullmatch(r"query_result\((.+)\)", query)
        assert found, query
        series = [f"{{}} {each['value'][1]} {each['value'][0]}" for each in self.now(found[1])]
        pattern = variable["regex"].strip("/")
        return [match[1] for text in series if (match := re.search(pattern, text))]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            for child in (self.prometheus, *self.exporters):
                child.check()
            assert time.monotonic() < deadline, f"in vain: {what}\n{self.exporters[0].log_tail()}"
            time.sleep(0.2)

    def _ask(self, path: str, parameters: dict[str, Any]) -> Any:
        status, body = http_get(self.prometheus.port, f"/api/v1/{path}?{urlencode(parameters)}")
        assert status == 200, f"{parameters}\n{body.decode()}"
        return json.loads(body)


@contextmanager
def watched_shop(
    folder: Path,
    configuration: str = CONFIG,
    *,
    rules: Callable[[Path], str] | None = None,
    seen: Sequence[str] = SEEN,
) -> Iterator[Watched]:
    """Start everything, wait until there is something to see, and end it all whatever happens.

    `rules` gives Prometheus's rule file for the configuration file; `seen` are the queries that
    have an answer once there is something to see.
    """
    since = float(int(time.time()))
    maintained = datetime.fromtimestamp(since - OUTAGE, UTC).isoformat(timespec="seconds")
    ports = {name: free_port() for name in ("shop", *EXPORTERS)}
    shop = Shop(start=since)
    shop.clock = since - HISTORY
    shop.outages[:] = [replace(incident(since - OUTAGE), end=since + 3600)]
    target = {"job": "shop", "instance": f"127.0.0.1:{ports['shop']}"}
    files = history_files(shop, target, folder / "openmetrics")
    write_blocks(find_promtool(), files, folder / "data")
    with ExitStack() as stack:
        stack.enter_context(serve(shop, ports["shop"]))
        config, rule_file, port = folder / "config.yaml", folder / "rules.yaml", free_port()
        url = f"http://127.0.0.1:{port}"
        config.write_text(configuration.format(url=url, maintained=maintained))
        if rules:
            rule_file.write_text(rules(config))
        prometheus = stack.enter_context(
            PrometheusServer(_prometheus(ports, rule_file), data_dir=folder / "data", port=port)
        )
        exporters = []
        for name in EXPORTERS:
            command = [
                *(sys.executable, "-m", "exporter", "run", f"--config.file={config}"),
                f"--storage.path={folder / name / 'storage'}",
                f"--web.listen-address=127.0.0.1:{ports[name]}",
                "--web.enable-admin-api",
            ]
            exporters.append(Child(name, command, ports[name], folder / f"{name}.log"))
            stack.callback(exporters[-1].stop)
            exporters[-1].start()
        for exporter in exporters:
            exporter.wait_ready()
            _say(exporter.port)
        watched = Watched(prometheus, exporters, since)
        for query in seen:
            watched.until(partial(watched.now, query), query)
        yield watched


def _say(port: int) -> None:
    """Let deploys of checkout pass the gate, and note one, for the marks that these leave."""
    words = {
        "overrides": {"service": "checkout", "by": "jane", "why": "a fix", "duration": "1h"},
        "changes": {"service": "checkout", "what": "v1.2.3"},
    }
    for path, word in words.items():
        asked = Request(
            f"http://127.0.0.1:{port}/api/v1/{path}",
            data=json.dumps(word).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(asked, timeout=PATIENCE) as answer:
            assert answer.status == 201


def _prometheus(ports: dict[str, int], rule_file: Path) -> str:
    def target(*names: str) -> list[dict]:
        return [{"targets": [f"127.0.0.1:{ports[name]}" for name in names]}]

    jobs = {"shop": ("shop",), "error-budget-exporter": EXPORTERS}
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": [str(rule_file)] if rule_file.exists() else [],
            "scrape_configs": [
                {"job_name": job, "honor_labels": True, "static_configs": target(*names)}
                for job, names in jobs.items()
            ],
        }
    )
