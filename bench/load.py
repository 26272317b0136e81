"""A daemon under load: are evaluations on time while 200 clients scrape and 50 read pages?

The source answers at once, from another process; the clients are a third. First everybody comes at
the pace of real ones (a scrape every 15 s, a page every 10 s), then as a flood: the next request as
soon as the last one is answered.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles

from bench.restart import SLO, until
from bench.scrape import ACCEPT, ACCEPT_ENCODING
from bench.table import show
from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get
from tests.helpers.faults.daemons import Vitals

SIZES = (1_000, 10_000)
"""SLOs, unless the command line names other numbers."""

SCRAPERS, READERS = 200, 50
PACE = {"/metrics": 15.0, "/": 10.0}
"""Seconds between two requests of one client; pages of SLOs are as frequent as the overview."""

SECONDS = 180.0
"""How long each load goes on."""

CONFIG = """
prometheus: {{url: "{url}", scrape_interval: 30s, timeout: 2m}}
evaluation: {{interval: 30s}}
storage: {{path: none}}
slos:
"""


@dataclass
class Answers:
    """What clients of one kind were answered, and after how many seconds."""

    seconds: list[float] = field(default_factory=list)
    busy: int = 0
    failed: int = 0

    def figures(self) -> list[object]:
        """Requests that were answered, turned away and failed; seconds: half, 99%, all."""
        if len(self.seconds) < 2:
            return [len(self.seconds), self.busy, self.failed, "-", "-", "-"]
        cuts = quantiles(self.seconds, n=100)
        worst = max(self.seconds)
        return [len(self.seconds), self.busy, self.failed, cuts[49], cuts[98], worst]


async def ask(port: int, path: str, answers: Answers) -> None:
    """One request on a connection of its own."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: {ACCEPT}\r\n"
    started = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Accept-Encoding: {ACCEPT_ENCODING}\r\n\r\n".encode())
        status = int((await reader.readline()).split()[1])
        while await reader.read(1 << 20):
            pass
        writer.close()
    except (OSError, IndexError):
        answers.failed += 1
        return
    if status == 200:
        answers.seconds.append(time.perf_counter() - started)
    else:
        answers.busy += status == 503
        answers.failed += status != 503


async def client(port: int, paths: Iterable[str], pace: float, late: float, of: Answers) -> None:
    """Ask for one path after the other; `late` says when to begin, as a share of the pace."""
    await asyncio.sleep(late * pace)
    for path in paths:
        started = time.perf_counter()
        await ask(port, path, of)
        await asyncio.sleep(max(0.0, pace - (time.perf_counter() - started)))


async def clients(port: int, paced: bool) -> tuple[Answers, Answers]:
    """All of them; what scrapers and readers were answered."""
    scrapers, readers = Answers(), Answers()
    pages = ["/", "/slo/s1/availability", "/?page=3", "/slo/s7/availability"]
    tasks = [
        client(port, itertools.repeat("/metrics"), PACE["/metrics"] * paced, i / SCRAPERS, scrapers)
        for i in range(SCRAPERS)
    ]
    tasks += [
        client(port, itertools.cycle(pages[i % 4 :] + pages[: i % 4]), PACE["/"] * paced,
               i / READERS, readers)
        for i in range(READERS)
    ]  # fmt: skip
    running = [asyncio.ensure_future(task) for task in tasks]
    await asyncio.sleep(SECONDS)
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return scrapers, readers


def load(port: int, paced: bool) -> tuple[Answers, Answers]:
    """The same, in a process of its own."""
    return asyncio.run(clients(port, paced))


def figure(page: bytes, name: str) -> float:
    """One of the exporter's own figures."""
    found = re.search(rf"^error_budget_exporter_{name} (\S+)$", page.decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def watched(daemon: Child, paced: bool) -> list[list[object]]:
    """The rows of one load: of evaluations, of scrapes and of pages."""

    def now() -> bytes:
        return http_get(daemon.port, "/metrics", timeout=120)[1]

    assert daemon.process is not None
    before, seconds = now(), []
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        loading = process.submit(load, daemon.port, paced)
        while not loading.done():
            time.sleep(5)
            seconds.append(figure(now(), "last_evaluation_duration_seconds"))
        scrapers, readers = loading.result()
    after = now()
    done, missed = (
        int(figure(after, name) - figure(before, name))
        for name in ("evaluations_total", "evaluations_missed_total")
    )
    vitals = Vitals.of(daemon.process.pid)
    evaluations: list[object] = [done, missed, sorted(seconds)[len(seconds) // 2], max(seconds)]
    resources: list[object] = [vitals.memory // 2**20, vitals.peak // 2**20, vitals.files]
    return [evaluations + resources, scrapers.figures(), readers.figures()]


def measure(count: int, folder: Path) -> list[list[list[object]]]:
    """The rows of a daemon with so many SLOs: paced, then as a flood."""
    port, source_port = free_port(), free_port()
    source = Child(
        "source",
        [sys.executable, "-m", "bench.canned_source", str(source_port)],
        source_port,
        folder / "source.log",
    )
    config = folder / "config.yaml"
    slos = "".join(SLO.format(n=n).replace("sli:", "period: 1d, sli:") for n in range(count))
    config.write_text(CONFIG.format(url=source.url) + slos)
    command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
    daemon = Child(
        "daemon", [*command, f"--web.listen-address=127.0.0.1:{port}"], port, folder / "log"
    )
    try:
        source.start()
        source.wait_ready("/")
        daemon.start()
        until(daemon, "/-/ready", b"ready")
        until(daemon, "/metrics", b"error_budget_exporter_backfill_progress_ratio 1.0")
        return [watched(daemon, paced) for paced in (True, False)]
    finally:
        daemon.stop()
        source.stop()


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the tables."""
    tables: list[list[list[object]]] = [[], [], []]
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            for words, rows in zip(("paced", "flood"), measure(count, Path(name)), strict=True):
                for table, row in zip(tables, rows, strict=True):
                    table.append([f"{count:,} SLOs, {words}", *row])
    columns = ["", "evaluations", "boundaries missed", "half within, s", "longest, s"]
    show("Evaluations under load", [*columns, "resident, MB", "at most, MB", "files"], tables[0])
    columns = ["", "answered", "503", "failed", "half within, s", "99% within, s", "longest, s"]
    show(f"{SCRAPERS} scrapers", columns, tables[1])
    show(f"{READERS} readers of pages", columns, tables[2])


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
