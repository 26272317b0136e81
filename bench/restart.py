"""How long a first start and a restart take: from the process's start to readiness, and to its end.

A real daemon, on a Prometheus with a month of data that reach into the future, so that they are
never old. The restart has a store with 30 days of every SLO, which is written straight. Elapsed
times suffer from whatever else the machine does; CPU seconds and memory do not.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.history import DAY, OFFSET, store
from bench.many import cpu_of
from bench.many_series import blocks, multiply
from bench.steady import full_state
from bench.table import show, written
from exporter.config.reading.loading import load_file
from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer, http_get
from exporter.evaluation.build_snapshot import build_snapshot
from exporter.slo.types import SloIndex
from exporter.store.store import Store

SIZES = (50, 1_000)
"""SLOs, unless the command line names other numbers."""

PERIOD = 31 * DAY
AHEAD = 3 * 3_600
"""How far the data reach into the future, in seconds."""

COUNTER_SCRAPE = 300
"""A tenth of the usual samples: writing 30 days of them for a thousand SLOs would take long."""

PATIENCE = 1_200.0

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

WHOLE = b"error_budget_exporter_backfill_progress_ratio 1.0"


def history() -> Iterable[str]:
    """The two counters of one SLO."""
    start = int(time.time()) // COUNTER_SCRAPE * COUNTER_SCRAPE + AHEAD - PERIOD + OFFSET
    for code, step in (("200", 70), ("500", 1)):
        for n in range(PERIOD // COUNTER_SCRAPE):
            yield (
                f'requests_total{{service="s0",code="{code}",job="many",instance="a:80"}} '
                f"{n * step} {start + n * COUNTER_SCRAPE:.3f}\n"
            )


def labels(n: int, code: str) -> dict[str, str]:
    """Those of a counter of an SLO."""
    fixed = {"__name__": "requests_total", "job": "many", "instance": "a:80"}
    return {**fixed, "service": f"s{n}", "code": code}


def fill(folder: Path, config: Path) -> None:
    """Write a store of 30 days that ended a minute ago, with tiers and incidents."""
    state = full_state(load_file(config).slos, int(time.time()) // 30 * 30 - 60)
    ledger = Store(folder)
    ledger.load(state.keys())
    everything = [SloIndex(n) for n in range(len(state.slos))]
    build_snapshot(state, {}, state.ledger.end - 300, refused=everything)
    state.take_unsaved().write(ledger)
    ledger.close()


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
        time.sleep(0.05)
    raise TimeoutError(daemon.log_tail())


def most_mb(pid: int) -> float:
    """The memory that a process has held at the most."""
    [line] = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in x]
    return int(line.split()[1]) / 1024


class Run:
    """A daemon of some SLOs, and the Prometheus that it asks."""

    def __init__(self, server: PrometheusServer, count: int, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.config = folder / "config.yaml"
        slos = "".join(SLO.format(n=n) for n in range(count))
        self.config.write_text(CONFIG.format(url=server.url) + slos)
        port = free_port()
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={self.config}"]
        command += [f"--web.listen-address=127.0.0.1:{port}"]
        self._daemon = Child("daemon", command, port, folder / "log")

    @property
    def ledger(self) -> Path:
        """Where it stores."""
        return self._folder / "ledger"

    def start(self, wanted: Sequence[tuple[str, bytes]]) -> list[float]:
        """Start it, and end it once it has answered all that is wanted, a path and a text each.

        Returns:
            For each: elapsed, its CPU, Prometheus's CPU, the most memory until then (MB); and then
            how long it took to end.
        """
        assert self._server.process is not None
        before, began = cpu_of(self._server.process.pid), time.perf_counter()
        self._daemon.start()
        assert self._daemon.process is not None
        pid, found = self._daemon.process.pid, []
        try:
            for path, text in wanted:
                until(self._daemon, path, text)
                found += [time.perf_counter() - began, cpu_of(pid)]
                found += [cpu_of(self._server.process.pid) - before, most_mb(pid)]
        finally:
            began = time.perf_counter()
            self._daemon.stop()
        return [*found, time.perf_counter() - began]


def measure(count: int, folder: Path, *, whole: bool, again: bool) -> list[list[object]]:
    """The rows of the table for some SLOs, which are printed at once, as they take minutes."""
    rows: list[list[object]] = []

    def note(name: str, figures: Sequence[float], size: float = 0.0) -> None:
        rows.append([f"{count:,} SLOs, {name}", *figures, size / count / 1000])
        print(" | ".join(map(written, rows[-1])), file=sys.stderr, flush=True)

    ready = ("/-/ready", b"ready")
    data = folder / "data"
    if not data.exists():
        store(history(), folder)
        for block in blocks(data):
            multiply(block, count, labels)
    with PrometheusServer(data_dir=data) as server:
        run = Run(server, count, folder)
        if not again:
            shutil.rmtree(run.ledger, ignore_errors=True)
            note("first start", run.start([ready]))
        if whole:
            shutil.rmtree(run.ledger, ignore_errors=True)
            note("all of history", run.start([ready, ("/metrics", WHOLE)])[4:])
        shutil.rmtree(run.ledger, ignore_errors=True)
        fill(run.ledger, run.config)
        size = (run.ledger / "ledger.sqlite").stat().st_size
        note("restart", run.start([ready]), size)
        note("restart, and all stored", run.start([ready, ("/metrics", WHOLE)])[4:], size)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--folder", type=Path, help="where data are kept for the next time")
    parser.add_argument("--restart", action="store_true", help="no first start")
    parser.add_argument("--history", action="store_true", help="until all history is read, too")
    options = parser.parse_args()
    rows = []
    for count in options.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = options.folder / f"data{count}" if options.folder else Path(name)
            folder.mkdir(exist_ok=True)
            rows += measure(count, folder, whole=options.history, again=options.restart)
    columns = ["", "elapsed, s", "CPU, s", "CPU of Prometheus, s", "at most, MB", "to its end, s"]
    show("Start and restart", [*columns, "store, kB per SLO"], rows)


if __name__ == "__main__":
    main()
