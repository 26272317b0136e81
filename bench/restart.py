"""How long a first start and a restart take: from the process's start to readiness, and to history.

Elapsed time of a real daemon, on a Prometheus with 30 days of data that no longer grow; its clock
is this machine's, so the newest day is without data.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.history import DAY, lines, store
from bench.table import show
from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer, http_get

SIZES = (50, 1_000)
"""SLOs, unless the command line names other numbers."""

PERIOD = 30 * DAY
COUNTER_SCRAPE = 300
"""A tenth of the usual samples: writing 30 days of them for a thousand SLOs would take long."""

PATIENCE = 600.0

CONFIG = """
prometheus: {{url: "{url}", scrape_interval: 5m}}
evaluation: {{interval: 30s}}
slos:
"""

SLO = """
  - {{service: s{n}, name: availability, objective: 99.9, sli: {{events: {{
     total: 'requests_total{{service="s{n}"}}',
     bad: 'requests_total{{service="s{n}", code=~"5.."}}'}}}}}}
"""


def history(count: int) -> Iterable[str]:
    """Two counters per SLO."""
    for n in range(count):
        for code, step in (("200", 70), ("500", 1)):
            labels = f'service="s{n}",code="{code}",job="many",instance="a:80"'
            yield from lines(
                "requests_total", labels, PERIOD, itertools.count(0, step), COUNTER_SCRAPE
            )


def until(daemon: Child, path: str, wanted: bytes) -> float:
    """Seconds until a path answers 200 with some text."""
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        daemon.check()
        try:
            status, body = http_get(daemon.port, path)
        except OSError:
            status, body = 0, b""
        if status == 200 and wanted in body:
            return time.perf_counter() - began
        time.sleep(0.02)
    raise TimeoutError(daemon.log_tail())


def measure(url: str, count: int, folder: Path) -> list[object]:
    """One row of the table."""
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(url=url) + "".join(SLO.format(n=n) for n in range(count)))
    port = free_port()
    command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
    daemon = Child(
        "daemon", [*command, f"--web.listen-address=127.0.0.1:{port}"], port, folder / "log"
    )
    try:
        daemon.start()
        ready = until(daemon, "/-/ready", b"ready")
        whole = until(daemon, "/metrics", b"error_budget_exporter_backfill_progress_ratio 1.0")
        daemon.stop()
        size = (folder / "ledger" / "ledger.sqlite").stat().st_size
        daemon.start()
        again = until(daemon, "/-/ready", b"ready")
    finally:
        daemon.stop()
    return [f"{count:,} SLOs", ready, ready + whole, again, size / count / 1000]


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    rows = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            data = store(history(count), folder)
            with PrometheusServer(data_dir=data) as server:
                rows.append(measure(server.url, count, folder))
    columns = ["", "first start, ready, s", "history read, s", "restart, ready, s"]
    show("Start and restart", [*columns, "store, kB per SLO"], rows)


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or SIZES)
