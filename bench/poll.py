"""What polling costs this process alone, by the number of SLOs that are alike, in CPU seconds.

The source answers at once, from another process. The ledger is taken to have its history.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.cpu import resident_mb, slos
from bench.loop import END, INTERVAL
from bench.table import show, tell
from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.daemon.interpreter import spare_the_loop
from exporter.demo.ports import free_port
from exporter.demo.servers import Child
from exporter.ledger.slot_status import SlotStatus
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings

SIZES = (100, 1_000, 10_000)
"""SLOs, unless the command line names other numbers."""

WARM_UP = 21
"""Evaluations until slots have settled twice: every query has been written then."""

TICKS = 20
"""Evaluations that are measured: slots settle ten at a time, so two of those are in it."""


async def measure(url: str, count: int) -> list[object]:
    """One row of the table."""
    settings, queries = EvaluationSettings(interval=INTERVAL), 0

    def asked(_name: str, _outcome: str, _seconds: float) -> None:
        nonlocal queries
        queries += 1

    async with PrometheusClient(PrometheusSettings(url=url, timeout=120), on_query=asked) as client:
        engine = Engine(slos(count), settings, {"prometheus": client})
        engine.go_to(END + settings.delay)
        for level in range(len(engine.ledger.levels)):
            start, end = engine.ledger.cover(level)
            shape = count, (end - start) // engine.ledger.levels[level].slot
            known = np.full(shape, SlotStatus.SETTLED, dtype=np.uint8)
            engine.ledger.mark_all(level, np.arange(count), start, known)
        spent = 0.0
        for tick in range(1, WARM_UP + TICKS + 1):
            began = time.process_time()
            await engine.poll_datasource("prometheus", END + tick * INTERVAL + settings.delay)
            if tick == WARM_UP:
                spare_the_loop()  # as a daemon does once it is ready
                spent, queries = 0.0, 0
            elif tick > WARM_UP:
                spent += time.process_time() - began
    each = spent / TICKS
    return [f"{count:,} SLOs", each, 1e6 * each / count, queries / TICKS, resident_mb()]


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    rows = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            port = free_port()
            command = [sys.executable, "-m", "bench.canned_source", str(port)]
            source = Child("source", command, port, Path(name) / "source.log")
            try:
                source.start()
                source.wait_ready("/")
                rows.append(asyncio.run(measure(source.url, count)))
                tell(*rows[-1])
            finally:
                source.stop()
    columns = ["", "poll, CPU s", "per SLO, us", "queries", "resident, MB"]
    show("Polling SLOs that are alike", columns, rows)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
