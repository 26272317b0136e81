"""Seconds from a total outage to the page: ours, and rules of the shape that other tools write.

    python -m bench.race            # some twenty minutes, nearly all of it waiting

One Prometheus scrapes services of which each fails altogether, one some seconds after the other, so
that rounds of scrapes, slots and rules are met in every phase. All alerts are rules of this one
Prometheus, so its own timestamps tell who was first. There are six hours of history, at ten
requests a second: at an objective of 99.9% over 30 days, 14.4 times too fast is reached after
52 s, whoever counts.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from bench.race_rules import BUDGET, PYRRA, SLOTH, SLOTH_OFTEN, racing_rules
from bench.table import show
from exporter.demo.blocks import write_blocks, write_openmetrics
from exporter.demo.ports import free_port
from exporter.demo.servers import (
    Child,
    PrometheusServer,
    find_promtool,
    http_get,
)

RATE = 10.0
HISTORY = 23_000
"""Seconds before the start: the six hours of the longest window of a page, and some."""

LEAST = 14.4 * BUDGET * 3_600
"""Seconds of total outage until an hour's error ratio is above the threshold."""

OURS = "ErrorBudgetBurnPage"
PATIENCE = 400.0


@dataclass(frozen=True)
class Pace:
    """Seconds between scrapes of the services and of the exporter, and between its evaluations.

    `delay` is how long after its end a slot is asked for.
    """

    scrape: int = 15
    own_scrape: int = 15
    interval: int = 15
    delay: int = 5


PACES = (Pace(5, 5, 5, 1), Pace(15, 5, 5, 1), Pace(15, 15, 15, 5), Pace(30, 30, 30, 5))
"""The last has the exporter's defaults."""


class Services:
    """Counters of some services as a function of time; each fails from its own moment on."""

    def __init__(self, count: int) -> None:
        self.start = time.time()
        self.outages = {f"s{n}": float("inf") for n in range(count)}

    def counts(self, name: str, at: float) -> tuple[float, float]:
        """Good and bad requests until a moment."""
        begun = self.start - HISTORY
        broken = max(begun, min(at, self.outages[name]))
        return RATE * (broken - begun), RATE * max(0.0, at - broken)

    def text(self, at: float) -> str:
        """What a scrape reads."""
        lines = ["# TYPE requests_total counter"]
        for name in self.outages:
            good, bad = self.counts(name, at)
            lines.append(f'requests_total{{service="{name}",code="200"}} {good!r}')
            lines.append(f'requests_total{{service="{name}",code="500"}} {bad!r}')
        return "\n".join(lines) + "\n"


@contextmanager
def _served(services: Services, port: int) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = services.text(time.time()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _config(folder: Path, ports: dict[str, int], pace: Pace) -> str:
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": f"{pace.scrape}s"},  # rules: every minute, the default
            "rule_files": [str(folder / "rules.yaml")],
            "scrape_configs": [
                {
                    "job_name": job,
                    "honor_labels": True,
                    "scrape_interval": f"{every}s",
                    "scrape_timeout": f"{min(every, 10)}s",
                    "static_configs": [{"targets": [f"127.0.0.1:{ports[job]}"]}],
                }
                for job, every in (
                    ("services", pace.scrape),
                    ("error-budget-exporter", pace.own_scrape),
                )
            ],
        }
    )


def _exporter_config(services: Services, url: str, pace: Pace) -> str:
    slos = [
        {
            "service": name,
            "name": "availability",
            "objective": 99.9,
            "sli": {
                "events": {
                    "bad": f'requests_total{{service="{name}",code="500"}}',
                    "total": f'requests_total{{service="{name}"}}',
                }
            },
        }
        for name in services.outages
    ]
    return yaml.safe_dump(
        {
            "prometheus": {"url": url},
            "evaluation": {"interval": f"{pace.interval}s", "delay": f"{pace.delay}s"},
            "policy": {"min_coverage": 0},
            "slos": slos,
        }
    )


def race(folder: Path, count: int, apart: float, pace: Pace) -> dict[str, dict[str, float]]:
    """Let services fail, one `apart` seconds after the other.

    Returns:
        Seconds from the beginning of each service's outage to the first evaluation at which an
        alert fired, by the alert's name and the service.
    """
    services = Services(count)
    ports = {name: free_port() for name in ("services", "error-budget-exporter")}
    instance = f'job="services",instance="127.0.0.1:{ports["services"]}"'
    times = [services.start - HISTORY + n * pace.scrape for n in range(HISTORY // pace.scrape)]
    history = {
        f'requests_total{{service="{name}",code="{code}",{instance}}}': [
            (at, services.counts(name, at)[code == "500"]) for at in times
        ]
        for name in services.outages
        for code in ("200", "500")
    }
    data = folder / "data"
    write_blocks(find_promtool(), write_openmetrics(history, folder / "history"), data)
    (folder / "rules.yaml").write_text(yaml.safe_dump(racing_rules(services.outages)))
    with ExitStack() as stack:
        stack.enter_context(_served(services, ports["services"]))
        config = _config(folder, ports, pace)
        prometheus = stack.enter_context(PrometheusServer(config, data_dir=data))
        (folder / "config.yaml").write_text(_exporter_config(services, prometheus.url, pace))
        port = ports["error-budget-exporter"]
        command = (
            *(sys.executable, "-m", "exporter", "run", "--storage.path=none"),
            f"--config.file={folder / 'config.yaml'}",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        exporter = Child("exporter", command, port, folder / "exporter.log")
        stack.callback(exporter.stop)
        exporter.start()

        def ask(query: str) -> list[dict[str, Any]]:
            path = f"/api/v1/query?query={quote(query)}"
            found: list[dict[str, Any]] = json.loads(http_get(prometheus.port, path)[1])["data"][
                "result"
            ]
            return found

        def until(query: str, wanted: int) -> None:
            deadline = time.monotonic() + PATIENCE
            while len(ask(query)) < wanted:
                exporter.check()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{query}: {ask(query)}\n{exporter.log_tail()}")
                time.sleep(1)

        until("error_budget_exporter_backfill_progress_ratio == 1", 1)
        until(f"{OURS_SERIES} == 0", count)
        begin = time.time() + 2
        for n, name in enumerate(services.outages):
            services.outages[name] = begin + n * apart
        for name in (OURS, SLOTH, SLOTH_OFTEN, PYRRA):
            until(f'count by (service) (ALERTS{{alertname="{name}",alertstate="firing"}})', count)
        found: dict[str, dict[str, float]] = {}
        for series in ask('ALERTS{alertstate="firing"}[15m]'):
            name, service = series["metric"]["alertname"], series["metric"].get("service", "")
            if service in services.outages:
                after = float(series["values"][0][0]) - services.outages[service]
                seen = found.setdefault(name, {})
                seen[service] = min(after, seen.get(service, after))
        return found


OURS_SERIES = 'slo_alert_burn_rate{severity="page"}'


def main() -> None:
    """Print the table."""
    rows: list[tuple[object, ...]] = []
    for pace in PACES:
        with tempfile.TemporaryDirectory() as folder:
            found = race(Path(folder), 12, 5.0, pace)
        named = (
            f"{pace.scrape} s, the exporter's {pace.own_scrape} s, "
            f"slots {pace.interval} s after {pace.delay} s"
        )
        for name, tool in (
            (OURS, "error-budget-exporter, groups of 15 s"),
            (SLOTH_OFTEN, "Sloth's rules in groups of 15 s"),
            (SLOTH, "Sloth's rules, Prometheus's default of 1m"),
            (PYRRA, "Pyrra's rules, groups of 30 s"),
        ):
            times = sorted(found[name].values())
            rows.append((tool, named, times[0], statistics.median(times), times[-1]))
    show(
        f"Seconds from a total outage to the page ({LEAST:.0f} is the least)",
        ("rules", "scrapes", "soonest", "median", "latest"),
        rows,
    )


if __name__ == "__main__":
    main()
