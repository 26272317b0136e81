"""How many samples Prometheus touches per SLO and evaluation, here and with recording rules.

Recording rules: those that Sloth generates for an events SLO. Both are asked of the same
Prometheus for the same SLO, and Prometheus itself counts the samples (`stats=all`).
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median
from urllib.parse import urlencode
from urllib.request import urlopen

from bench.counting_proxy import CountingProxy
from bench.history import DAY, END, SCRAPE, lines, store
from bench.table import show, tell
from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.daemon.engine import Engine
from exporter.daemon.revisits import Samples
from exporter.demo.servers import PrometheusServer
from exporter.ledger.checksums import BLOCK
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.durations import format_duration
from exporter.slo.model import EventsSli, Objective, Slo
from exporter.slo.period import RollingPeriod
from exporter.slo.types import HOUR, SloIndex
from exporter.slo.windows import windows
from exporter.state.past_days import PASSES, USUAL
from exporter.state.past_samples import AGES

SERIES = (2, 12, 50)
"""Series per SLO, half of them of errors; unless the command line names other numbers. Those of 50
are most of the data, whose writing takes most of the time."""

PERIODS = (7 * DAY, 30 * DAY, 90 * DAY)
USUAL_PERIOD = 30 * DAY
USUAL_SERIES = 12

TICKS = 60
"""Evaluations that are measured: long enough for every slot to be asked again in its turn."""


def history(sizes: Sequence[int]) -> Iterable[str]:
    """Thirty days of every counter, and ninety of the ratio that the rules record."""
    for count in sizes:
        service = f'service="s{count}"'
        for instance in range(count // 2):
            target = f'job="s{count}",instance="i{instance}:80"'
            up = itertools.repeat(1)
            yield from lines("up", target, USUAL_PERIOD, up)
            for code, step in (("200", 7), ("500", 1)):
                labels = f'{service},code="{code}",{target}'
                grown = itertools.count(0, step)
                yield from lines("requests_total", labels, USUAL_PERIOD, grown)
        ratio = itertools.repeat(0.125)
        yield from lines("slo:sli_error:ratio_rate5m", service, max(PERIODS), ratio)


def rules(count: int, period: int) -> list[str]:
    """The expressions of Sloth's SLI recording rules for an events SLO."""
    total = f'requests_total{{service="s{count}"}}'
    bad = f'requests_total{{service="s{count}",code=~"5.."}}'
    expressions = []
    for w, _ in windows(RollingPeriod(period), END)[:-1]:
        expressions.append(f"(sum(rate({bad}[{w}]))) / (sum(rate({total}[{w}])))")
    recorded = f'slo:sli_error:ratio_rate5m{{service="s{count}"}}[{format_duration(period)}]'
    expressions.append(f"sum_over_time({recorded}) / count_over_time({recorded})")
    return expressions


def ask_rules(url: str, expressions: Iterable[str]) -> float:
    """Evaluate rules once and return the seconds it took."""
    started = time.perf_counter()
    for expression in expressions:
        form = urlencode({"query": expression, "time": END}).encode()
        with urlopen(f"{url}/api/v1/query", data=form) as answer:
            answer.read()
    return time.perf_counter() - started


def slo(count: int, period: int) -> Slo:
    """The SLO that both watch."""
    return Slo(
        service=f"s{count}",
        name="availability",
        objective=Objective.from_percent(Decimal("99.9")),
        sli=EventsSli(
            total=f'requests_total{{service="s{count}"}}',
            bad=f'requests_total{{service="s{count}",code=~"5.."}}',
        ),
        period=RollingPeriod(period),
    )


async def fill(url: str, count: int) -> float:
    """Start with nothing and read the whole usual period; return the seconds it took."""
    settings = EvaluationSettings(interval=SCRAPE)
    started = time.perf_counter()
    async with PrometheusClient(PrometheusSettings(url=url)) as client:
        engine = Engine([slo(count, USUAL_PERIOD)], settings, {"prometheus": client})
        await engine.poll(END + settings.delay)
        while await engine.fill_history():
            pass
    return time.perf_counter() - started


async def poll(
    url: str, count: int, period: int, steady: Callable[[], None] = lambda: None
) -> float:
    """Poll for an SLO and return the seconds per poll in steady state.

    `steady` is called when that is reached.
    """
    settings = EvaluationSettings(interval=SCRAPE)
    async with PrometheusClient(PrometheusSettings(url=url)) as client:
        engine = Engine([slo(count, period)], settings, {"prometheus": client})
        warm_up = 2 * settings.settle // SCRAPE
        moments = [END - n * SCRAPE + settings.delay for n in range(TICKS + warm_up)][::-1]
        for moment in moments[:warm_up]:
            await engine.poll(moment)
        steady()
        started = time.perf_counter()
        for moment in moments[warm_up:]:
            await engine.poll(moment)
        return (time.perf_counter() - started) / TICKS


async def look_again(url: str, proxy: CountingProxy, count: int, period: int) -> float:
    """Samples per evaluation for looking again at what has settled, hours and days ago.

    One look at every age and one pass of each kind, by how often they come.
    """
    settings = EvaluationSettings(interval=SCRAPE)
    async with PrometheusClient(PrometheusSettings(url=url)) as client:
        engine = Engine([slo(count, period)], settings, {"prometheus": client})
        moment = END - 4 * HOUR
        await engine.poll(moment + settings.delay)
        while await engine.fill_history():
            pass
        # The sums of six hours are asked for at two ages.
        proxy.reset()
        block = SlotRange(END - 2 * BLOCK, END - BLOCK, BLOCK)
        queries = SlotCounter({"prometheus": client}, engine.slos, SCRAPE, 1).queries
        samples = Samples.of({"prometheus": client}, engine.slos, queries, SCRAPE)
        await samples.summed_up.ask([SloIndex(0)], block)
        of_block = proxy.samples
        sums = of_block * sum(age < period for age in AGES) / (BLOCK / SCRAPE)
        # All days are looked at once, at the moments of both passes; a week of sums among them.
        proxy.reset()
        for _ in range(2 * period // DAY + 4):
            await engine.revisit("prometheus")
        asked = engine.state.revisiting.past_samples.asked
        moments = sum(DAY // each.step for each in PASSES)
        passes = sum(
            (DAY // each.step / moments) * SCRAPE / (each.every * max(1, period / USUAL))
            for each in PASSES
        )
        past = (proxy.samples - asked * of_block) * passes + sums
        # Then the hours that have passed are, at the ages at which slots are looked at.
        await engine.poll(END + settings.delay)
        proxy.reset()
        await engine.revisit("prometheus")
        return past + proxy.samples / (4 * HOUR / SCRAPE)


def measure(url: str, proxy: CountingProxy, count: int, period: int) -> list[object]:
    """One row of the table; times are taken without the proxy and its statistics."""
    asyncio.run(poll(proxy.url, count, period, proxy.reset))
    here, queries = proxy.samples / TICKS, proxy.queries / TICKS
    expressions = rules(count, period)
    again = asyncio.run(look_again(proxy.url, proxy, count, period))
    proxy.reset()
    ask_rules(proxy.url, expressions)
    row: list[object] = [f"{count} series, {format_duration(period)}", proxy.samples, here, again]
    row += [proxy.samples / (here + again), len(expressions), queries]
    seconds = median(ask_rules(url, expressions) for _ in range(3))
    return [*row, 1000 * seconds, 1000 * asyncio.run(poll(url, count, period))]


def measure_fill(url: str, proxy: CountingProxy, count: int) -> list[object]:
    """One row of the table on the first start."""
    proxy.reset()
    asyncio.run(fill(proxy.url, count))
    first_start, queries = proxy.samples, proxy.queries
    proxy.reset()
    ask_rules(proxy.url, rules(count, USUAL_PERIOD))
    seconds = asyncio.run(fill(url, count))
    return [f"{count} series", first_start, first_start / proxy.samples, queries, seconds]


def main(sizes: Sequence[int] = SERIES) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        data = store(history(sizes), Path(name))
        with PrometheusServer(data_dir=data) as server, CountingProxy(server.url) as proxy:
            pairs = [(count, USUAL_PERIOD) for count in sizes]
            if USUAL_SERIES in sizes:
                others = (period for period in PERIODS if period != USUAL_PERIOD)
                pairs += [(USUAL_SERIES, period) for period in others]
            rows = [tell(*measure(server.url, proxy, *pair)) for pair in pairs]
            fills = [tell(*measure_fill(server.url, proxy, count)) for count in sizes]
    columns = ["SLO", "samples, rules", "samples, exporter", "looking again", "times fewer"]
    columns += ["queries, rules", "queries, exporter", "ms, rules", "ms, exporter"]
    show("Samples touched in Prometheus, per SLO and evaluation", columns, rows)
    columns = ["SLO", "samples", "as evaluations of the rules", "queries", "s"]
    show("Reading 30 days of history, once per SLO", columns, fills)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SERIES)
