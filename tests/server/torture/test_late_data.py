"""Data that come late: remote write, query layers, exporters of other clouds.

Half of the events fail for a while. A daemon without lag and one with it are compared at every
evaluation: what it shows is what the other one showed a lag before, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.demo.servers import find_binary
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.durations import format_duration
from exporter.slo.snapshot import DataState, SloStatus
from tests.helpers.integration.histories import END, History, scrapes
from tests.helpers.integration.running import DELAY, slot_counts
from tests.helpers.integration.scenario import TOTAL, Case, availability
from tests.helpers.prometheus.query_layers import (
    QueryLayer,
    caching,
    says_no_store,
    says_nocache,
)
from tests.helpers.torture.receivers import PrometheusReceiver, Receiver
from tests.oracle import HOUR, MINUTE

START = END - HOUR
OUTAGE = (START + 10 * MINUTE, START + 20 * MINUTE)
LAST = START + 40 * MINUTE
"""Where samples end; evaluations go on until they have all come and settled."""

PER_SCRAPE = 300
Lag = Callable[[float], float]
"""By how many seconds a sample of some time is late."""

_names = (f"late-{n}" for n in count())


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A Prometheus that samples are written to as they come."""
    with PrometheusReceiver(Path(find_binary("prometheus", "PROMETHEUS"))) as server:
        yield server


def burning() -> Case:
    """One target that is scraped every 30 s; half of its requests fail during the outage."""
    times = scrapes(START - HOUR, LAST, offset=7)
    history = History(next(_names))
    good = bad = 0.0
    values: dict[str, list[tuple[float, float]]] = {"200": [], "500": []}
    for t in times:
        failed = PER_SCRAPE / 2 if OUTAGE[0] < t <= OUTAGE[1] else 0.0
        good, bad = good + PER_SCRAPE - failed, bad + failed
        values["200"].append((t, good))
        values["500"].append((t, bad))
    for code, samples in values.items():
        history.counter(TOTAL, samples, code=code)
    return availability(history)


@dataclass(frozen=True)
class Shown:
    """What was shown at each boundary, and the counts of every slot in the end."""

    statuses: dict[int, SloStatus]
    counts: dict[tuple[int, int], tuple[float, float]]


async def lived(receiver: Receiver, lag: Lag, until: int, url: str = "") -> Shown:
    """Poll every 30 s, with what has come by then, at another `url` if one is given."""
    case = burning()
    samples = [
        ((("__name__", name), *identity), t, value)
        for name, series in case.history.counters.items()
        for identity, own in series.items()
        for t, value in own
    ]
    shown: dict[int, SloStatus] = {}
    boundaries = range(START, until + 1, 30)
    async with PrometheusClient(PrometheusSettings(url=url or receiver.url)) as client:
        engine = Engine([case.slo], EvaluationSettings(), {"prometheus": client})
        for before, boundary in pairwise([0, *boundaries]):
            arrived = [
                (identity, [(t, value)])
                for identity, t, value in samples
                if before + DELAY < t + lag(t) <= boundary + DELAY
            ]
            if arrived:
                receiver.write(arrived)
            await engine.poll(boundary + DELAY)
            while boundary == START and await engine.fill_history():
                pass
            [shown[boundary]] = engine.evaluate(boundary + DELAY).slos
    return Shown(shown, slot_counts(engine, shown[until]))


def truth(end: int) -> tuple[float, float]:
    """The bad and all events of the slot that ends then: one scrape."""
    t = end - 30 + 7
    return (PER_SCRAPE / 2 if OUTAGE[0] < t <= OUTAGE[1] else 0.0), float(PER_SCRAPE)


def paged(shown: Shown) -> list[int]:
    """The boundaries at which the page over 1h and 5m fired."""
    return [
        at
        for at, status in shown.statuses.items()
        if any(alert.firing for alert in status.alerts if str(alert.condition) == "page 1h/5m")
    ]


@pytest.fixture(scope="module")
def punctual(receiver: Receiver) -> Shown:
    """The twin without lag."""
    return asyncio.run(lived(receiver, lambda _: 0, LAST + 20 * MINUTE))


LAGS: dict[str, tuple[Lag, float]] = {
    "20 s": (lambda _: 20, 30),
    "40 s": (lambda _: 40, 60),
    "60 s": (lambda _: 60, 60),
    "90 s": (lambda _: 90, 90),
    "10 min": (lambda _: 600, 600),
    "from 10 s to 3 min": (lambda t: 10 if t < OUTAGE[0] + 120 else 180, 180),
}
"""The lag, and the most boundaries' time by which anything may be later."""

QUICK = {"40 s"}
"""What `make test` runs of them; `make test-slow` runs the others."""


@pytest.mark.parametrize(
    ("lag", "most"),
    [
        pytest.param(*item, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, item in LAGS.items()
    ],
)
def test_late_data_are_late_and_nothing_else(receiver, punctual, lag: Lag, most: float):
    """Every slot is counted, the state is ok, and the page fires later by the lag and no more."""
    found = asyncio.run(lived(receiver, lag, LAST + 30 * MINUTE))
    wrong = {
        (start, end): counts
        for (start, end), counts in found.counts.items()
        if START - 30 * MINUTE < end <= LAST and counts != truth(end)
    }
    assert wrong == {}
    whole: Sequence[int] = [at for at in found.statuses if START + 2 * most < at <= LAST]
    assert {found.statuses[at].state for at in whole} == {DataState.OK}
    for at in whole:
        window = found.statuses[at].windows["5m"]
        assert window.known == 1, at
        assert window.total == 10 * PER_SCRAPE, at
        assert found.statuses[at].lag <= most
    first, usual = paged(found)[0], paged(punctual)[0]
    assert usual <= first <= usual + most
    assert paged(found)[-1] <= paged(punctual)[-1] + most


def test_without_lag_there_is_none(punctual):
    """Nothing is waited for that has come."""
    live = [status for at, status in punctual.statuses.items() if at <= LAST]
    assert {status.lag for status in live} == {0}


def test_it_is_said_how_late_they_are(receiver):
    """The page, the metric and the API have it from the status."""
    found = asyncio.run(lived(receiver, lambda _: 90, START + 10 * MINUTE))
    lag = found.statuses[START + 10 * MINUTE].lag
    assert format_duration(round(lag)) in {"1m", "1m30s"}


@pytest.mark.parametrize(
    "honoured", [says_no_store, pytest.param(says_nocache, marks=pytest.mark.slow)]
)
def test_a_cache_in_between_is_passed_by(receiver, honoured):
    """A query frontend that has cached "nothing there yet" would lose what comes late for good."""

    def lag(t: float) -> float:
        return 200 if OUTAGE[0] < t <= OUTAGE[1] and t // 30 % 2 else 1

    with QueryLayer(receiver.url, caching(honoured)) as layer:
        found = asyncio.run(lived(receiver, lag, LAST + 15 * MINUTE, layer.url))
    wrong = {
        (start, end): counts
        for (start, end), counts in found.counts.items()
        if START - 30 * MINUTE < end <= LAST and counts != truth(end)
    }
    assert wrong == {}
