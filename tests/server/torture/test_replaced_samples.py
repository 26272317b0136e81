"""Samples that are replaced: two replicas write the same series into a store that deduplicates."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import count, pairwise

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.demo.servers import find_binary
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.integration.histories import END, History, growing, scrapes
from tests.helpers.integration.running import DELAY, slot_counts
from tests.helpers.integration.scenario import TOTAL, Case, availability
from tests.helpers.torture.receivers import Receiver, VictoriaMetrics
from tests.oracle import MINUTE

LAST = END - 15 * MINUTE
"""Where the samples end; at `END` every slot of them has settled."""

_names = (f"replaced-{n}" for n in count())


@pytest.fixture
def deduplicating() -> Iterator[Receiver]:
    """A store that keeps the newest sample of every 30 s."""
    if not os.environ.get("VICTORIA_METRICS"):
        pytest.skip("VICTORIA_METRICS names no VictoriaMetrics; the exporter needs none")
    binary = find_binary("victoria-metrics", "VICTORIA_METRICS")
    with VictoriaMetrics(binary, flags=["-dedup.minScrapeInterval=30s"]) as server:
        yield server


Samples = list[tuple[float, float]]


def shown(samples: Samples, lags: dict[int, float], now: float, at: float) -> float:
    """What a deduplicating store shows at a time: the newest sample of each 30 s that has come."""
    there = [(t, value) for t, value in samples if t + lags[int(t % 30)] <= now and t <= at]
    return max(there)[1]


async def polled(
    receiver: Receiver, case: Case, lags: dict[int, float]
) -> tuple[Engine, dict[int, tuple[float, float]]]:
    """Poll every 30 s until `END`, with what has come of each replica by then, by its offset.

    Returns:
        The engine, and at every boundary the events of the last five minutes that it showed beside
        those that the samples in the store tell of.
    """
    [[identity, samples]] = case.history.counters[TOTAL].items()
    moments = [m + DELAY for m in range(LAST - 45 * MINUTE, END + 1, 30)]
    async with PrometheusClient(PrometheusSettings(url=receiver.url)) as client:
        engine = Engine([case.slo], EvaluationSettings(), {"prometheus": client})
        windows = {}
        for before, now in pairwise([0, *moments]):
            for phase, lag in lags.items():
                arrived = [
                    (t, value)
                    for t, value in samples
                    if t % 30 == phase and before < t + lag <= now
                ]
                if arrived:
                    receiver.write([((("__name__", TOTAL), *identity), arrived)])
            await engine.poll(now)
            boundary = engine.ledger.end
            if LAST - 44 * MINUTE <= boundary <= LAST:
                first, last = (shown(samples, lags, now, at) for at in (boundary - 300, boundary))
                window = engine.evaluate(now).slos[0].windows["5m"]
                windows[boundary] = window.total, last - first
    return engine, windows


@pytest.mark.parametrize("lag", [1, 40, 90, 200])
def test_a_replica_that_lags_behind_costs_no_event(deduplicating: Receiver, lag: float):
    """Not in the newest windows, while its samples replace others, and not once they settle."""
    history = History(next(_names))
    both = sorted(t for offset in (5, 20) for t in scrapes(LAST - 50 * MINUTE, LAST, offset=offset))
    history.target(both)
    history.counter(TOTAL, growing(both, 15), code="200")
    case = availability(history)
    engine, windows = asyncio.run(polled(deduplicating, case, {5: 1, 20: lag}))
    began = min(windows) + 2 * lag + 300  # it has to see some of them replaced
    wrong = {at: pair for at, pair in windows.items() if at > began and pair[0] != pair[1]}
    assert wrong == {}
    assert {round(total) for at, (total, _) in windows.items() if at > began} <= {285, 300}
    held = slot_counts(engine, engine.evaluate(END + DELAY).slos[0])
    first = LAST - 44 * MINUTE
    found = {total for (start, end), (_, total) in held.items() if first <= start and end <= LAST}
    assert found == {30.0}  # 15 of each replica's half of the slot
