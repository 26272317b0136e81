"""Daemons of the exporter as real processes: what they show, what they log, what they take."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get
from tests.helpers.logfmt import logfmt

STALE_AFTER = 4

CONFIG = """
prometheus:
  url: {url}
  scrape_interval: 1s
  timeout: 2s
  basic_auth: {{username: exporter, password: a-secret}}
  tls_config: {{ca_file: {ca}}}
evaluation: {{interval: 1s, delay: 500ms, settle: 5m, stale_after: {stale_after}s}}
policy: {{min_coverage: 0}}
slos:
  - service: shop
    name: availability
    objective: 99
    period: 1d
    sli:
      events:
        bad: requests_total{{job="shop", code="500"}}
        total: requests_total{{job="shop"}}
  - service: shop
    name: reachability
    objective: 99
    period: 1d
    sli: {{probe: {{selector: 'up{{job="shop"}}'}}}}
"""

Labels = tuple[tuple[str, str], ...]
Figures = Mapping[tuple[str, Labels], float]
"""Samples about the SLOs, by their names and labels."""


def figures(page: str, prefix: str = "slo_") -> Figures:
    """What a page of metrics says of the SLOs, whichever daemon it comes from.

    With another `prefix`, the samples whose names begin so.
    """
    lines = [line for line in page.splitlines(keepends=True) if line.startswith(prefix)]
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families("".join(lines))
        for sample in family.samples
    }


def last_slot(found: Figures) -> float:
    """The end of the newest slot that is known; 0 without any."""
    slots = (value for (name, _), value in found.items() if name.startswith("slo_last_slot"))
    return max(slots, default=0.0)


def states(found: Figures) -> set[str]:
    """The states of the data of all SLOs."""
    return {
        dict(labels)["state"]
        for (name, labels), value in found.items()
        if name == "slo_data_state" and value == 1
    }


@dataclass(frozen=True)
class Vitals:
    """What a process takes: resident memory and its highest so far (bytes), files, threads."""

    memory: int
    peak: int
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """As the kernel tells."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        memory, peak = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        files, threads = (
            len(list(Path(f"/proc/{pid}/{name}").iterdir())) for name in ("fd", "task")
        )
        return cls(memory, peak, files, threads)


class Daemon:
    """A daemon with a configuration of its own; `ca` is the authority that it trusts."""

    def __init__(self, url: str, folder: Path, ca: Path) -> None:
        folder.mkdir()
        config = folder / "config.yaml"
        config.write_text(CONFIG.format(url=url, ca=ca, stale_after=STALE_AFTER))
        port = free_port()
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
        self.child = Child(
            "daemon",
            [*command, f"--web.listen-address=127.0.0.1:{port}"],
            port,
            folder / "daemon.log",
        )

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self.child.process is not None
        return self.child.process.pid

    def vitals(self) -> Vitals:
        """What it takes now."""
        return Vitals.of(self.pid)

    def scrape(self) -> str:
        """Its metrics as they are now; empty if it does not give any."""
        status, page = http_get(self.child.port, "/metrics")
        return page.decode() if status == 200 else ""

    def log(self) -> list[dict[str, str]]:
        """What it has logged, line by line."""
        return [logfmt(line) for line in self.child.log.read_text().splitlines()]

    def end(self) -> int:
        """End it, politely; its exit code."""
        assert self.child.process is not None
        self.child.process.terminate()
        return self.child.process.wait(timeout=10)
