"""Thousands of SLOs of mixed kinds on a real Prometheus: what they cost, here and there.

Of ten SLOs six are alike (availability), one is a latency, one is grouped, one has a metric of its
own, and one has series that are born and reset at every slot that is measured. Once all keep their
objectives, and once all burn and fire. CPU is counted in seconds of each process, which other work
on the machine changes little.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry

from bench.cpu import resident_mb
from bench.history import END, OFFSET, SCRAPE, lines, store
from bench.loop import Ticker
from bench.scrape import ACCEPT, ACCEPT_ENCODING
from bench.table import show, tell
from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.daemon.interpreter import spare_the_loop
from exporter.demo.servers import PrometheusServer, http_get
from exporter.exposition.publisher import Publisher, negotiate
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import EventsSli, LatencySli, Objective, Sli, Slo

SIZES = (100, 1_000, 10_000)
"""SLOs, unless the command line names other numbers."""

HISTORY = 1_800
"""Seconds of data. Beyond them Prometheus answers with nothing, which costs little."""

TICKS = 5
"""Usual evaluations that are measured."""

WARM_UP = 2
"""Evaluations before."""

ODD = TICKS + WARM_UP
"""Scrapes with births and resets."""

OBJECTIVES = {"": "40", ", all burning": "99.9"}
"""Percent, by what is told of them; an eighth to a half of the events are bad."""

KINDS = ("alike",) * 6 + ("latency", "grouped", "unlike", "born and reset")


def series(n: int) -> Iterable[str]:
    """The series of one SLO."""
    own = f'service="s{n}",job="many",instance="a:80"'
    match KINDS[n % 10]:
        case "latency":
            for name, step in (("_count", 8), ("_bucket", 7)):
                bound = ',le="0.5"' if name == "_bucket" else ""
                yield from lines(f"seconds{name}", own + bound, HISTORY, itertools.count(0, step))
        case "grouped":
            for region, code in itertools.product(("eu", "us", "ap"), ("200", "500")):
                labels = f'{own},region="{region}",code="{code}"'
                yield from lines("requests_total", labels, HISTORY, itertools.count(0, 5))
        case "unlike":
            for code in ("200", "500"):
                labels = f'{own},code="{code}"'
                yield from lines(f"own{n}_total", labels, HISTORY, itertools.count(0, 5))
        case "born and reset":
            # At the end, a reset at every other scrape, and at each a series that was not there.
            labels, calm = f'{own},code="200"', HISTORY // SCRAPE - ODD
            values = itertools.chain(range(3, calm + 3), itertools.cycle((2, 9)))
            yield from lines("odd_total", labels, HISTORY, values)
            for i in range(calm, HISTORY // SCRAPE):
                at = END - HISTORY + OFFSET + i * SCRAPE
                yield f'odd_total{{{own},code="500",path="p{i}"}} 2 {at:.3f}\n'
        case _:
            for code, step in (("200", 7), ("500", 1)):
                labels = f'{own},code="{code}"'
                yield from lines("requests_total", labels, HISTORY, itertools.count(0, step))


def slo(n: int, percent: str) -> Slo:
    """One SLO, with an objective in percent."""
    of = f'service="s{n}"'
    name = {"unlike": f"own{n}_total", "born and reset": "odd_total"}.get(
        KINDS[n % 10], "requests_total"
    )
    sli: Sli = EventsSli(total=f"{name}{{{of}}}", bad=f'{name}{{{of},code=~"5.."}}')
    if KINDS[n % 10] == "latency":
        sli = LatencySli(f"seconds{{{of}}}", 0.5)
    return Slo(
        service=f"s{n}",
        name="slo",
        objective=Objective.from_percent(Decimal(percent)),
        sli=sli,
        group_by=("region",) if KINDS[n % 10] == "grouped" else (),
    )


def up() -> Iterable[str]:
    """The scrapes of the only target."""
    return lines("up", 'job="many",instance="a:80"', HISTORY, itertools.repeat(1))


def data(count: int) -> Iterable[str]:
    """All of it, metric by metric."""
    yield from up()
    for kind in range(10):
        for n in range(kind, count, 10):
            yield from series(n)


def cpu_of(pid: int) -> float:
    """The CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def samples_of(port: int) -> float:
    """The samples that a Prometheus has loaded for queries; NaN before version 2.43."""
    _, page = http_get(port, "/metrics")
    name = b"prometheus_engine_query_samples_total "
    found = [line for line in page.splitlines() if line.startswith(name)]
    return float(found[0].removeprefix(name)) if found else float("nan")


@dataclass
class Spent:
    """What was spent so far: CPU seconds here and at Prometheus, queries, the samples that it has
    loaded for them, elapsed seconds."""

    here: float
    there: float
    queries: int
    samples: float
    elapsed: float

    def since(self, before: Spent) -> list[float]:
        """What has been spent since."""
        return [
            self.here - before.here,
            self.there - before.there,
            self.queries - before.queries,
            self.samples - before.samples,
            self.elapsed - before.elapsed,
        ]


async def measure(
    server: PrometheusServer, count: int, kept: str
) -> tuple[list[object], list[object]]:
    """A row of both tables; `kept` names the objectives."""
    assert server.process is not None
    pid = server.process.pid
    queries = 0

    def count_query(_name: str, _outcome: str, _seconds: float) -> None:
        nonlocal queries
        queries += 1

    def spent() -> Spent:
        return Spent(
            time.process_time(),
            cpu_of(pid),
            queries,
            samples_of(server.port),
            time.perf_counter(),
        )

    settings, ticker = EvaluationSettings(interval=SCRAPE), Ticker()
    publisher = Publisher(CollectorRegistry())
    publisher.page(negotiate(ACCEPT, ACCEPT_ENCODING))
    first_row: list[object] = [f"{count:,} SLOs{kept}"]
    async with PrometheusClient(
        PrometheusSettings(url=server.url, timeout=120), on_query=count_query
    ) as client:
        slos = [slo(n, OBJECTIVES[kept]) for n in range(count)]
        engine = Engine(slos, settings, {"prometheus": client})
        spare_the_loop()
        begin = END - (TICKS + WARM_UP) * SCRAPE + settings.delay
        before = spent()
        await ticker.during("first poll", engine.poll_datasource("prometheus", begin))
        await engine.evaluate_in_thread(begin)
        first_row += spent().since(before)
        before = spent()
        while await engine.fill_history():
            pass
        first_row += spent().since(before)
        phases = [0.0, 0.0, 0.0]
        for tick in range(1, TICKS + WARM_UP):
            now = begin + tick * SCRAPE
            if tick == WARM_UP:
                before, phases = spent(), [0.0, 0.0, 0.0]
            times = [time.process_time()]
            await ticker.during("poll", engine.poll_datasource("prometheus", now))
            times.append(time.process_time())
            snapshot = await ticker.during("evaluation", engine.evaluate_in_thread(now))
            times.append(time.process_time())
            await ticker.during("rendering", asyncio.to_thread(publisher.publish, snapshot))
            times.append(time.process_time())
            phases = [
                a + c - b for a, (b, c) in zip(phases, itertools.pairwise(times), strict=True)
            ]
        here, there, asked, samples, _ = (each / TICKS for each in spent().since(before))
    row = [
        f"{count:,} SLOs{kept}",
        *(each / TICKS for each in phases),
        here,
        1e6 * here / count,
        there,
        asked,
        samples,
        max(ticker.held[name] for name in ("poll", "evaluation", "rendering")),
        resident_mb(),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    ]
    return row, first_row


def live(count: int, kept: str) -> tuple[list[object], list[object]]:
    """A row of both tables, measured on a Prometheus of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = store(data(count), Path(name))
        with PrometheusServer(data_dir=folder) as server:
            return asyncio.run(measure(server, count, kept))


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the tables."""
    rows, firsts = [], []
    for count, kept in itertools.product(sizes, OBJECTIVES):
        # A process each: what one has held at most is not given back.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            row, first = process.submit(live, count, kept).result()
        rows.append(row)
        firsts.append(first)
        tell(*row)
        tell(*first)
    columns = ["", "poll, s", "evaluate, s", "render, s", "together, s", "per SLO, us"]
    columns += ["Prometheus, s", "queries", "samples"]
    columns += ["loop held, ms", "resident, MB", "at most, MB"]
    show("One evaluation of SLOs of mixed kinds, CPU seconds", columns, rows)
    columns = ["", "first figures, CPU s", "Prometheus, s", "queries", "samples", "elapsed, s"]
    columns += ["history, CPU s", "Prometheus, s", "queries", "samples", "elapsed, s"]
    show("The first start", columns, firsts)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
