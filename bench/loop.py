"""The longest time that the event loop is held, while everything that the daemon does is done.

A task sleeps for a millisecond again and again, and notes how much too late it wakes up: that is
what any request of the web server, and any timer, has to wait. Part of it may be others' doing, as
the loop waits for a processor that another process has. So two times are told: for how long it was
late, and for how long this process held it. The source answers at once, from another process;
storing, evaluating and rendering are real.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry

from bench.cpu import slos
from bench.scrape import ACCEPT, ACCEPT_ENCODING
from bench.table import show, tell
from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.daemon.interpreter import keep, spare_the_loop
from exporter.daemon.persister import Persister
from exporter.demo.ports import free_port
from exporter.demo.servers import Child
from exporter.exposition.publisher import Publisher, negotiate
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.store.store import Store

SIZES = (1_000, 10_000)
"""SLOs, unless the command line names other numbers."""

INTERVAL = 30
END = 1_700_000_100
TICKS = 12
"""Usual evaluations: what has settled is asked for again at every tenth."""

PAUSE = 0.001


R = TypeVar("R")


class Processor:
    """What the thread that makes it has had to wait for a processor, and what its process has used.

    Where the system does not tell how long threads wait (Linux does), they are taken not to.
    """

    def __init__(self) -> None:
        try:
            self._told: int | None = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        except OSError:
            self._told = None

    def seconds(self) -> tuple[float, float]:
        """Seconds that the thread has waited for a processor; CPU seconds of the whole process."""
        if self._told is None:
            return 0.0, time.process_time()
        return int(os.pread(self._told, 100, 0).split()[1]) / 1e9, time.process_time()

    def close(self) -> None:
        """Ask no more."""
        if self._told is not None:
            os.close(self._told)


class Ticker:
    """Measures, in milliseconds, the worst delay of the loop while something is awaited (`late`),
    and for how long at the most this process `held` it.

    The latter is the delay without the time that the loop waited for a processor, and no more than
    the CPU seconds of all threads meanwhile.
    """

    def __init__(self) -> None:
        self.late: dict[str, float] = {}
        self.held: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    async def during(self, phase: str, work: Awaitable[R]) -> R:
        """Await something, and note how long the loop was held meanwhile."""
        ticking = asyncio.create_task(self._tick(phase))
        await asyncio.sleep(0)
        started = time.perf_counter()
        try:
            return await work
        finally:
            spent = time.perf_counter() - started
            self.seconds[phase] = max(self.seconds.get(phase, 0.0), spent)
            await asyncio.sleep(PAUSE)  # what was held at the very end is seen, too
            ticking.cancel()

    async def _tick(self, phase: str) -> None:
        processor = Processor()
        try:
            while True:
                before, (waited, computed) = time.perf_counter(), processor.seconds()
                await asyncio.sleep(PAUSE)
                late = time.perf_counter() - before - PAUSE
                waited_now, computed_now = processor.seconds()
                held = max(0.0, min(late - (waited_now - waited), computed_now - computed))
                self.late[phase] = max(self.late.get(phase, 0.0), 1_000 * late)
                self.held[phase] = max(self.held.get(phase, 0.0), 1_000 * held)
        finally:
            processor.close()


async def live(url: str, count: int, folder: Path, ticker: Ticker) -> None:
    """The first start and some usual evaluations of a daemon, apart from its web server."""
    settings = EvaluationSettings(interval=INTERVAL)
    publisher = Publisher(CollectorRegistry())
    publisher.page(negotiate(ACCEPT, ACCEPT_ENCODING))  # rendered at every evaluation from now on
    persister = Persister(Store(folder))
    async with PrometheusClient(PrometheusSettings(url=url, timeout=120)) as client:
        engine = Engine(slos(count), settings, {"prometheus": client})
        await persister.begin(engine, END + settings.delay)

        spare_the_loop()

        async def fill() -> None:
            while await engine.fill_history():
                pass

        now = END + settings.delay
        await ticker.during("first poll", engine.poll_datasource("prometheus", now))
        await ticker.during("history", fill())
        await ticker.during("history", asyncio.to_thread(keep))  # as a daemon does by then
        for tick in range(TICKS):
            first = tick == 0
            if not first:
                now += INTERVAL
                await ticker.during("poll", engine.poll_datasource("prometheus", now))
            name = "first evaluation" if first else "evaluation"
            snapshot = await ticker.during(name, engine.evaluate_in_thread(now))
            rendering = asyncio.to_thread(publisher.publish, snapshot)
            await ticker.during("rendering", rendering)
            await ticker.during("first saving" if first else "saving", persister.save(engine))
        await ticker.during("garbage", asyncio.to_thread(gc.collect))
    persister.close()


PHASES = ("first poll", "history", "first evaluation", "first saving")
USUAL = ("poll", "evaluation", "rendering", "saving", "garbage")


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the tables."""
    held: list[list[object]] = []
    late: list[list[object]] = []
    took: list[list[object]] = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            port = free_port()
            command = [sys.executable, "-m", "bench.canned_source", str(port)]
            source = Child("source", command, port, Path(name) / "source.log")
            ticker = Ticker()
            try:
                source.start()
                source.wait_ready("/")
                asyncio.run(live(source.url, count, Path(name) / "ledger", ticker))
            finally:
                source.stop()
        label = f"{count:,} SLOs"
        held.append([label, *(ticker.held[phase] for phase in (*PHASES, *USUAL))])
        late.append([label, *(ticker.late[phase] for phase in (*PHASES, *USUAL))])
        tell(*held[-1])
        took.append([label, *(ticker.seconds[phase] for phase in (*PHASES, *USUAL))])
    columns = ["", *PHASES, *USUAL]
    show("Longest time that the event loop is held by this process, ms", columns, held)
    show(
        "Longest time that it is late, others that have the processors among it, ms", columns, late
    )
    show("Longest time of each, s", columns, took)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
