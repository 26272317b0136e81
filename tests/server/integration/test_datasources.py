"""Two Prometheus servers, each with a service: what becomes of one is no matter to the other."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer, http_get
from tests.helpers.integration.live import PATIENCE, Service
from tests.helpers.logfmt import logfmt

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{service}"]]
"""

EXPORTER = """
prometheus: &one {{url: "http://127.0.0.1:{one}", scrape_interval: 1s, timeout: 1s}}
datasources:
  other: {{<<: *one, url: "http://127.0.0.1:{other}"}}
evaluation: {{interval: 1s, delay: 500ms, settle: 5s, stale_after: 5s}}
policy: {{min_coverage: 0}}
slos:
  - service: shop
    name: one
    objective: 99
    sli: &sli
      events: {{bad: 'requests_total{{code="500"}}', total: requests_total}}
  - {{service: shop, name: other, objective: 99, sli: *sli, datasource: other}}
"""


class Two:
    """Both of everything, and the daemon; `one` is the section prometheus."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.services = {name: Service() for name in ("one", "other")}
        self.servers = {
            name: PrometheusServer(PROMETHEUS.format(service=service.port), binary=binary)
            for name, service in self.services.items()
        }
        config = folder / "config.yaml"
        ports = {name: server.port for name, server in self.servers.items()}
        config.write_text(EXPORTER.format(**ports))
        port = free_port()
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
        command.append(f"--web.listen-address=127.0.0.1:{port}")
        self.daemon = Child("daemon", command, port, folder / "daemon.log")

    def close(self) -> None:
        self.daemon.stop()
        for server in self.servers.values():
            server.close()
        for service in self.services.values():
            service.close()

    def samples(self) -> dict[str, float]:
        """The daemon's metrics: values by name and labels."""
        _, body = http_get(self.daemon.port, "/metrics")
        lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def value(self, name: str, of: str, **labels: str) -> float | None:
        """A metric of one of the two SLOs."""
        known = {"service": "shop", "slo": of} | labels
        text = ",".join(f'{key}="{value}"' for key, value in known.items())
        return self.samples().get(f"{name}{{{text}}}")

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.daemon.check()
            assert time.monotonic() < deadline, f"waited in vain:\n{self.daemon.log_tail()}"
            time.sleep(0.1)

    def is_stale(self, of: str) -> bool:
        return self.value("slo_data_state", of, state="stale") == 1

    def troubles(self) -> set[str]:
        """The datasources of which the log says that they do not answer."""
        lines = [logfmt(line) for line in self.daemon.log.read_text().splitlines()]
        return {each["datasource"] for each in lines if each["msg"] == "Prometheus does not answer"}

    def counted(self, of: str) -> tuple[float | None, float | None]:
        """Bad and all events since the start."""
        return self.value("slo_bad_events_total", of), self.value("slo_events_total", of)


@pytest.fixture
def two(prometheus_binary: Path, tmp_path: Path) -> Iterator[Two]:
    """All of it runs, and a hundred requests are counted on both sides."""
    found = Two(prometheus_binary, tmp_path)
    try:
        for server in found.servers.values():
            server.start()
        found.daemon.start()
        found.daemon.wait_ready()
        for name in found.services:
            found.until(
                lambda name=name: found.value("slo_last_slot_timestamp_seconds", name) is not None
            )
        for name, service in found.services.items():
            service.good, service.bad = 90, 10
            found.until(lambda name=name: found.counted(name) == (10, 100))
        yield found
    finally:
        found.close()


@pytest.mark.parametrize("suspended", [False, True], ids=["down", "never answers"])
def test_while_one_is_away_the_other_goes_on_untouched_and_exact(two: Two, suspended: bool):
    """Its SLO is counted to the last event; that of the other is stale, and exact again later."""
    other = two.servers["other"]
    process = other.process
    assert process is not None
    if suspended:
        process.send_signal(signal.SIGSTOP)
    else:
        other.stop()
    two.services["other"].bad += 7
    rounds = 0
    while not two.is_stale("other"):
        rounds += 1
        two.services["one"].good += 9
        two.services["one"].bad += 1
        expected = (10 + rounds, 100 + 10 * rounds)
        two.until(lambda expected=expected: two.counted("one") == expected)
        assert not two.is_stale("one")
    assert rounds >= 2
    samples = two.samples()
    up = 'error_budget_exporter_datasource_up{{datasource="{}"}}'.format
    assert (samples[up("prometheus")], samples[up("other")]) == (1, 0)
    two.until(lambda: two.troubles() == {"other"})
    if suspended:
        process.send_signal(signal.SIGCONT)
    else:
        other.start()
    two.until(lambda: two.counted("other") == (17, 107))
    two.until(lambda: not two.is_stale("other"))
    assert two.counted("one") == (10 + rounds, 100 + 10 * rounds)
