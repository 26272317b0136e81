"""A daemon that is killed again and again, and what its store has in the end."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get
from exporter.store.chunks import CHUNK, decode

CONFIG = """
prometheus: {{url: "{url}", scrape_interval: 30s, timeout: 5s}}
evaluation: {{interval: 2s, delay: 500ms, settle: 3s, stale_after: 6s, concurrency: 2}}
policy: {{min_coverage: 0}}
slos:
"""

SLO = """
  - service: {service}
    name: availability
    objective: 99
    sli:
      events:
        bad: requests_total{{{selector}, code=~"5.."}}
        total: requests_total{{{selector}}}
"""

PATIENCE = 90.0
"""Seconds until something that takes half of them is given up."""

Slot = tuple[str, int, int]
"""Service, length and start of a slot."""


class Watcher:
    """A daemon with a store in `folder`, that watches services by their label or their job."""

    def __init__(self, url: str, folder: Path, selectors: dict[str, str]) -> None:
        folder.mkdir()
        self.store = folder / "ledger"
        config = folder / "config.yaml"
        slos = (SLO.format(service=name, selector=item) for name, item in selectors.items())
        config.write_text(CONFIG.format(url=url) + "".join(slos))
        port = free_port()
        self.child = Child(
            f"the daemon in {folder.name}",
            [
                *(sys.executable, "-m", "exporter", "run", f"--config.file={config}"),
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            port,
            folder / "daemon.log",
        )

    def kill(self, seconds: float) -> None:
        """Start it, and kill it so soon."""
        self.child.start()
        process, self.child.process = self.child.process, None
        assert process is not None
        time.sleep(seconds)
        assert process.poll() is None, self.child.log_tail()
        process.kill()
        process.wait()

    def wait_stored(self, until: float) -> None:
        """Wait until everything older than `until` is known and stored."""
        deadline = time.monotonic() + PATIENCE
        while not self._stored(until):
            assert time.monotonic() < deadline, self.child.log_tail()
            time.sleep(0.3)

    def _stored(self, until: float) -> bool:
        self.child.check()
        try:
            _, page = http_get(self.child.port, "/metrics")
        except OSError:
            return False
        done = b"error_budget_exporter_backfill_progress_ratio 1.0" in page
        newest: dict[str, int] = {}
        for service, _, start in settled(self.store):
            newest[service] = max(start, newest.get(service, 0))
        return done and min(newest.values(), default=0) > until


def settled(folder: Path) -> dict[Slot, tuple[float, float, float]]:
    """Bad, total and the known share of every settled slot that a store has."""
    found = {}
    file = folder / "ledger.sqlite"
    if not file.exists():
        return {}
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT service, slot, number, counts FROM chunk"
            " JOIN series ON series.id = chunk.series JOIN slo ON slo.id = series.slo"
        ).fetchall()
    for service, slot, number, counts in rows:
        stretch = decode(slot, {number: {0: counts}}, 1)
        columns = (array[0].tolist() for array in stretch.slots.arrays())
        for i, values in enumerate(zip(*columns, strict=True)):
            if stretch.asked[i]:
                found[service, slot, (number * CHUNK + i) * slot] = values
    return found
