"""A daemon that lives fast: an interval of 1 s, and what happens in a day happens again and again.

A real Prometheus scrapes a service whose processes restart, burn, and are rolled out under new
names. Clients scrape the daemon, read its pages, leave in the middle of answers, reload it,
override, acknowledge, and have an SLO read again. Now and then Prometheus is suspended.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer
from tests.helpers.faults.daemons import Vitals
from tests.helpers.tcp_servers import MetricsServer

PODS, TENANTS = 2, 4
"""Processes of a service, and tenants of those that have some; a fifth tenant comes and goes."""

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: services
    static_configs: [targets: ["127.0.0.1:{port}"]]
"""

HEAD = """
prometheus: {{url: "{url}", scrape_interval: 1s, timeout: 5s}}
evaluation: {{interval: 1s, delay: 500ms, settle: 20s, stale_after: 10s}}
storage: {{path: ledger}}
policy: {{min_coverage: 0, overrides: {{per_quarter: 1000}}}}
slos:
"""

SLO = """
  - {{service: s{n}, name: availability, objective: 99, period: {period},{groups} sli: {{events: {{
     total: 'requests_total{{service="s{n}"}}',
     bad: 'requests_total{{service="s{n}",code="500"}}'}}}}}}
"""

PAGES = (
    "/",
    "/slo/s1/availability",
    "/slo/s0/availability",
    "/slo/s2/availability?objective=99.5",
    "/rollups",
    "/config",
    "/api/v1/slos",
    "/api/v1/status",
    "/api/v1/gate?service=s3",
    "/api/v1/reports/budget",
    "/api/v1/history?service=s2&slo=availability",
    "/api/v1/backtest?service=s2&slo=availability",
    "/slo/no/such",
)


class Services:
    """Counters of many services, which go up once a second."""

    def __init__(self, count: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._born = itertools.count()
        self._series: dict[tuple[int, str, str], list[int]] = {}
        for service in range(count):
            for _ in range(PODS):
                self._start(service)
        self._count = count
        self._burning: dict[int, int] = {}
        self._lock = threading.Lock()

    def _start(self, service: int) -> None:
        pod = f"pod-{next(self._born)}"
        for tenant in range(TENANTS) if service % 10 == 0 else (0,):
            self._series[service, pod, f"t{tenant}"] = [0, 0]

    def second(self, number: int) -> None:
        """What happens within one: requests, and one thing that is not as usual."""
        with self._lock:
            for (service, *_), counts in self._series.items():
                requests = self._random.randrange(12)
                failing = 0.4 if self._burning.get(service, 0) > number else 0.002
                counts[1] += sum(self._random.random() < failing for _ in range(requests))
                counts[0] += requests
            service = self._random.randrange(self._count)
            mine = [key for key in self._series if key[0] == service]
            match number % 4:
                case 0:  # a rollout
                    for key in mine:
                        if key[1] == mine[0][1]:
                            del self._series[key]
                    self._start(service)
                case 1:  # a restart under the same name
                    self._series[mine[0]] = [0, 0]
                case 2:
                    self._burning[service] = number + 30
                case _ if service % 10 == 0:
                    fifth = (service, mine[0][1], f"t{TENANTS}")
                    if self._series.pop(fifth, None) is None:
                        self._series[fifth] = [0, 0]

    def text(self) -> str:
        """As Prometheus reads it."""
        with self._lock:
            lines = [
                f'requests_total{{service="s{service}",pod="{pod}",tenant="{tenant}"'
                f',code="{code}"}} {count}\n'
                for (service, pod, tenant), counts in self._series.items()
                for code, count in zip(("200", "500"), counts, strict=True)
            ]
        return "".join(["# TYPE requests_total counter\n", *lines])


class Soak:
    """All of it; `answered` counts what clients were answered, by what they did and the status."""

    def __init__(self, prometheus_binary: Path | None, folder: Path, slos: int) -> None:
        self._services = Services(slos, seed=1)
        self._folder, self._count = folder, slos
        self.answered: Counter[tuple[str, int | str]] = Counter()
        self._over = threading.Event()
        self._metrics = MetricsServer(self._services.text)
        self.prometheus = PrometheusServer(
            PROMETHEUS.format(port=self._metrics.port), binary=prometheus_binary
        )
        port = free_port()
        self._config = folder / "config.yaml"
        run = [sys.executable, "-m", "exporter", "run", f"--config.file={self._config}"]
        run += [f"--web.listen-address=127.0.0.1:{port}", "--web.trust-loopback"]
        self.daemon = Child("daemon", run, port, folder / "log")
        every: list[tuple[float, Callable[[int], None]]] = [
            (1, self._services.second),
            (1, self._scrape),
            (1, self._read),
            (5, self._leave),
            (10, self._override),
            (10, self._acknowledge),
            (10, self._note_a_change),
            (20, self._reload),
            (60, self._rebuild),
            (120, self._suspend),
        ]
        self._threads = [threading.Thread(target=self._repeat, args=each) for each in every]

    def __enter__(self) -> Self:
        self._write(0)
        self._metrics.start()
        self._threads[0].start()
        try:
            self.prometheus.start()
            self.daemon.start()
            self.daemon.wait_ready(timeout=300)
        except BaseException:
            self._end()
            raise
        for thread in self._threads[1:]:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._over.set()
        self._metrics.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self.daemon.stop()
        self.prometheus.close()

    def vitals(self) -> Vitals:
        """What the daemon takes now."""
        self.daemon.check()
        assert self.daemon.process is not None
        return Vitals.of(self.daemon.process.pid)

    def figure(self, name: str) -> float:
        """One of the exporter's own figures."""
        _, page = self._ask("figure", "GET", "/metrics")
        found = re.search(rf"^error_budget_exporter_{name} (\S+)$", page, re.MULTILINE)
        return float(found[1]) if found else float("nan")

    def _repeat(self, pause: float, do: Callable[[int], None]) -> None:
        began = time.monotonic()
        for number in itertools.count():
            if self._over.wait(max(0.0, began + number * pause - time.monotonic())):
                return
            do(number)

    def _ask(self, kind: str, method: str, path: str, **body: object) -> tuple[int, str]:
        """One request on a connection of its own; the status is 0 without an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self.answered[kind, type(error).__name__] += 1
            return 0, ""
        finally:
            connection.close()
        self.answered[kind, response.status] += 1
        return response.status, text if response.status < http.client.BAD_REQUEST else ""

    def _scrape(self, _: int) -> None:
        self._ask("scrape", "GET", "/metrics")

    def _read(self, number: int) -> None:
        self._ask("page", "GET", PAGES[number % len(PAGES)])

    def _leave(self, number: int) -> None:
        """Ask, and go away without the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        connection.request("GET", PAGES[number % 4])
        connection.close()

    def _override(self, number: int) -> None:
        body = {"service": f"s{number % 5}", "by": "ada", "why": "a test", "duration": "5m"}
        status, text = self._ask("override", "POST", "/api/v1/overrides", **body)
        if status == http.client.CREATED and number % 2:
            name = json.loads(text)["data"]["override"]["id"]
            self._ask("end of an override", "DELETE", f"/api/v1/overrides/{name}")

    def _acknowledge(self, _: int) -> None:
        _, text = self._ask("incidents", "GET", "/api/v1/slos")
        for slo in json.loads(text)["data"]["slos"] if text else ():
            for incident in slo["incidents"]:
                if incident["postmortem"] and not incident["acknowledged"]:
                    body = {name: slo[name] for name in ("service", "slo", "groups")}
                    path = "/api/v1/postmortems/acknowledge"
                    body |= {"start": incident["start"], "by": "ada", "note": "a test"}
                    self._ask("acknowledgement", "POST", path, **body)
                    return

    def _note_a_change(self, number: int) -> None:
        body = {"service": f"s{number % 5}", "what": f"version {number}", "by": "ada"}
        self._ask("change", "POST", "/api/v1/changes", **body)

    def _write(self, number: int) -> None:
        """The configuration, each time another one: one SLO more, or another period."""
        slos = [
            SLO.format(
                n=n,
                period="2h" if n == 1 and number % 3 == 1 else "1h",
                groups=" group_by: [tenant]," if n % 10 == 0 else "",
            )
            for n in range(self._count - number % 2)
        ]
        made = self._folder / "new.yaml"
        made.write_text(HEAD.format(url=self.prometheus.url) + "".join(slos))
        made.replace(self._config)

    def _reload(self, number: int) -> None:
        self._write(number)
        self._ask("reload", "POST", "/-/reload")

    def _rebuild(self, number: int) -> None:
        body = {"service": f"s{number % 5}", "slo": "availability"}
        since = int(time.time()) // 60 * 60 - 600
        self._ask("rebuild", "POST", "/api/v1/rebuilds", **body, since=since)

    def _suspend(self, number: int) -> None:
        """Let Prometheus hang for some seconds."""
        process = self.prometheus.process
        if number and process is not None:
            os.kill(process.pid, signal.SIGSTOP)
            self._over.wait(8)
            os.kill(process.pid, signal.SIGCONT)
