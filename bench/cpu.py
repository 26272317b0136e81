"""What one evaluation and one scrape cost the exporter's own process, for many SLOs.

An evaluation is what happens at every interval: ask for the newest slots, read the answers,
compute every window, render the metrics. CPU time is this process's; Prometheus is another.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import mean
from typing import cast

from prometheus_client import CollectorRegistry

from bench.history import END, SCRAPE, lines, store
from bench.scrape import ACCEPT, ACCEPT_ENCODING, scrape_over_http, scrape_server_side
from bench.table import show
from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.demo.servers import PrometheusServer
from exporter.exposition.publisher import Publisher, negotiate
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import EventsSli, Objective, Slo
from exporter.web.daemon import Daemon
from exporter.web.routes import create_app

SIZES = (1_000,)
"""SLOs, unless the command line names other numbers. The first poll of 10,000 takes minutes."""

HISTORY = 6 * 3_600 + 1_800
"""Seconds of data: what the finest slots reach back over, and a little more."""

COUNTER_SCRAPE = 60
"""Half as many samples to write as at the usual interval; the exporter's work is the same."""

TICKS = 20
"""Evaluations that are measured: slots are asked again every ten, so two of those are in it."""


def history(count: int) -> Iterable[str]:
    """Two counters per SLO."""
    for n in range(count):
        for code, step in (("200", 7), ("500", 1)):
            labels = f'service="s{n}",code="{code}",job="many",instance="a:80"'
            grown = itertools.count(0, step)
            yield from lines("requests_total", labels, HISTORY, grown, COUNTER_SCRAPE)


def slos(count: int) -> list[Slo]:
    """An availability SLO per service."""
    objective = Objective.from_percent(Decimal("99.9"))
    return [
        Slo(
            service=f"s{n}",
            name="availability",
            objective=objective,
            sli=EventsSli(
                total=f'requests_total{{service="s{n}"}}',
                bad=f'requests_total{{service="s{n}",code=~"5.."}}',
            ),
        )
        for n in range(count)
    ]


def resident_mb() -> float:
    """The memory that this process holds now."""
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x]
    return int(line.split()[1]) / 1024


async def measure(url: str, count: int) -> list[object]:
    """One row of the table."""
    settings = EvaluationSettings(interval=SCRAPE)
    publisher = Publisher(CollectorRegistry())
    form = negotiate(ACCEPT, ACCEPT_ENCODING)
    phases: dict[str, list[float]] = {"poll": [], "evaluate": [], "render": []}
    prometheus = PrometheusSettings(url=url, scrape_interval=COUNTER_SCRAPE)
    async with PrometheusClient(prometheus) as client:
        engine = Engine(slos(count), settings, {"prometheus": client})
        warm_up = settings.settle // SCRAPE
        moments = [END - n * SCRAPE + settings.delay for n in range(TICKS + warm_up)][::-1]
        started = time.perf_counter()
        await engine.poll(moments[0])
        first_poll = time.perf_counter() - started
        while await engine.fill_history():  # tiers are computed once all of it is read
            pass
        for tick, moment in enumerate(moments[1:], start=1):
            times = [time.process_time()]
            await engine.poll(moment)
            times.append(time.process_time())
            snapshot = engine.evaluate(moment)
            times.append(time.process_time())
            publisher.publish(snapshot)
            page = publisher.page(form)
            times.append(time.process_time())
            if tick >= warm_up:
                for phase, (begin, end) in zip(phases, itertools.pairwise(times), strict=True):
                    phases[phase].append(end - begin)
    nobody = cast(Daemon, None)  # only /metrics is asked for, and that asks no daemon
    app = create_app(publisher, nobody, version="bench")
    means = {phase: mean(times) for phase, times in phases.items()}
    worst = max(map(sum, zip(*phases.values(), strict=True)))
    here = await scrape_server_side(app)
    return [
        f"{count:,} SLOs",
        *means.values(),
        sum(means.values()),
        worst,
        1000 * here,
        1000 * scrape_over_http(app),
        len(page) / 1e6,
        resident_mb(),
        first_poll,
    ]


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    rows = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            data = store(history(count), Path(name))
            with PrometheusServer(data_dir=data) as server:
                rows.append(asyncio.run(measure(server.url, count)))
    columns = ["", "poll, s", "evaluate, s", "render, s", "together, s", "worst, s"]
    columns += ["scrape, server, ms", "scrape, client, ms", "page (gzip), MB", "resident, MB"]
    columns += ["first poll, s"]
    show("CPU per evaluation, and median time of a scrape", columns, rows)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
