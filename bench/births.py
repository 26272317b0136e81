"""What a poll costs this process in whose slot all series of all SLOs are born, in CPU seconds.

The SLOs are alike, each with two series of a target of its own that was scraped before: the first
requests after a start, or a rollout that changes a label. Prometheus is a real one.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from bench.cpu import resident_mb, slos
from bench.history import END, OFFSET, SCRAPE, lines, store
from bench.table import show, tell
from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.daemon.interpreter import spare_the_loop
from exporter.demo.servers import PrometheusServer
from exporter.ledger.slot_status import SlotStatus
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings

SIZES = (100, 1_000, 10_000)
"""SLOs, unless the command line names other numbers."""

HISTORY = 1_800
"""Seconds of scrapes before."""

WARM_UP = 2
"""Polls before, in whose slots there is nothing."""


def data(count: int) -> Iterable[str]:
    """Targets that are scraped all the time, and counters that begin with the last scrape but
    one."""
    for n in range(count):
        yield from lines("up", of(n), HISTORY, itertools.repeat(1))
    for n in range(count):
        for code, first in (("200", 7), ("500", 1)):
            for scrape in (1, 2):
                moment = END - (3 - scrape) * SCRAPE + OFFSET
                labels = f'service="s{n}",code="{code}",{of(n)}'
                yield f"requests_total{{{labels}}} {first * scrape} {moment:.3f}\n"


def of(n: int) -> str:
    """The labels of the target of an SLO."""
    return f'job="many",instance="s{n}:80"'


async def measure(url: str, count: int) -> list[object]:
    """One row of the table."""
    settings, queries = EvaluationSettings(interval=SCRAPE), 0

    def asked(_name: str, _outcome: str, _seconds: float) -> None:
        nonlocal queries
        queries += 1

    prometheus = PrometheusSettings(url=url, timeout=120, scrape_interval=SCRAPE)
    async with PrometheusClient(prometheus, on_query=asked) as client:
        engine = Engine(slos(count), settings, {"prometheus": client})
        first = END - (WARM_UP + 1) * SCRAPE + settings.delay
        engine.go_to(first)
        for level, each in enumerate(engine.ledger.levels):
            start, end = engine.ledger.cover(level)
            known = np.full((count, (end - start) // each.slot), SlotStatus.SETTLED, np.uint8)
            engine.ledger.mark_all(level, np.arange(count), start, known)
        for tick in range(WARM_UP + 1):
            if tick == WARM_UP:
                spare_the_loop()  # as a daemon does once it is ready
            began, before = time.process_time(), queries
            await engine.poll_datasource("prometheus", first + tick * SCRAPE)
        spent = time.process_time() - began
        found = engine.ledger.window(SCRAPE)
        assert found.total.tolist() == [8.0] * count, "every SLO has its eight events"
    return [f"{count:,} SLOs", spent, 1e6 * spent / count, queries - before, resident_mb()]


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    rows = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            with PrometheusServer(data_dir=store(data(count), Path(name))) as server:
                rows.append(asyncio.run(measure(server.url, count)))
            tell(*rows[-1])
    columns = ["", "poll, CPU s", "per SLO, us", "queries", "resident, MB"]
    show("A poll in whose slot all series are born", columns, rows)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
