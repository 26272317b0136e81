"""Longer than retention: Prometheus forgets what is older than two hours, the ledger does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.demo.servers import PrometheusServer
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.period import RollingPeriod
from exporter.slo.snapshot import Snapshot
from exporter.store.store import Store
from tests.helpers.integration.checks import assert_figures, assert_slots
from tests.helpers.integration.disturbed import chaos
from tests.helpers.integration.histories import END, History, write_blocks
from tests.helpers.integration.running import DELAY, run
from tests.helpers.integration.scenario import TOTAL, Case, availability
from tests.oracle import DAY, HOUR, MINUTE

pytestmark = pytest.mark.slow

RETENTION = 2 * HOUR
BEGIN = END - 60 * HOUR
"""When the exporter first runs."""

STEP = 50 * MINUTE
RESTART_EVERY = 6
OUTAGE = 20
"""The step in which the exporter is down: then it has been away for 100 minutes."""


def since(history: History, start: float) -> History:
    """What a Prometheus that has forgotten everything up to a moment tells of a service."""
    found = History(history.service)
    found.up = {each: [s for s in samples if s[0] > start] for each, samples in history.up.items()}
    found.counters = {
        name: {each: [s for s in samples if s[0] > start] for each, samples in series.items()}
        for name, series in history.counters.items()
    }
    return found


@pytest.fixture(scope="module")
def case() -> Case:
    """Restarts, failed scrapes, births and deaths; the oracle knows what there was from BEGIN."""
    history = since(chaos(7).history, BEGIN - RETENTION)
    return availability(history, period=RollingPeriod(7 * DAY))


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """One that is made to forget, as time goes on."""
    folder = tmp_path_factory.mktemp("retention")
    write_blocks([chaos(7).history], folder, folder / "data")
    with PrometheusServer(
        binary=prometheus_binary, data_dir=folder / "data", flags=["--web.enable-admin-api"]
    ) as server:
        yield server


def forget(prometheus: PrometheusServer, until: float) -> None:
    """Delete every sample up to a moment."""
    form = urlencode({"match[]": '{__name__=~".+"}', "end": until}).encode()
    urlopen(f"{prometheus.url}/api/v1/admin/tsdb/delete_series", data=form).close()


def minutes(prometheus: PrometheusServer, at: float) -> int:
    """How many minutes with samples Prometheus has of the last day at a moment."""
    span = {"query": 'count(count_over_time({__name__="requests_total"}[1m]))', "step": 60}
    form = urlencode({**span, "start": at - DAY, "end": at}).encode()
    with urlopen(f"{prometheus.url}/api/v1/query_range", data=form) as answer:
        [result] = json.load(answer)["data"]["result"]
    return len(result["values"])


class Life:
    """An exporter that is started on its store again and again."""

    def __init__(self, prometheus: PrometheusServer, folder: Path, case: Case) -> None:
        self._prometheus = prometheus
        self._folder = folder
        self.slos = [case.slo, replace(case.slo, name="day", period=RollingPeriod(DAY))]
        self.engine: Engine
        self.shown: Snapshot

    def live(self, *moments: int, rebuild: bool = False) -> None:
        """Start, poll at every moment and store what was answered, end."""
        asyncio.run(self._live(moments, rebuild=rebuild))

    async def _live(self, moments: Sequence[int], *, rebuild: bool) -> None:
        persister = Persister(Store(self._folder))
        async with PrometheusClient(PrometheusSettings(url=self._prometheus.url)) as client:
            self.engine = Engine(self.slos, EvaluationSettings(), {"prometheus": client})
            await persister.begin(self.engine, moments[0] + DELAY)
            for moment in moments:
                forget(self._prometheus, moment - RETENTION)
                await self.engine.poll(moment + DELAY)
                if rebuild:
                    for source in range(len(self.slos)):
                        self.engine.state.rebuilds.begin(source)
                    await self.engine.poll(moment + DELAY)
                while await self.engine.fill_history():
                    pass
                assert await persister.save(self.engine)
        persister.close()
        self.shown = self.engine.evaluate(moments[-1] + DELAY)


@pytest.fixture(scope="module")
def life(
    prometheus: PrometheusServer, case: Case, tmp_path_factory: pytest.TempPathFactory
) -> Life:
    """Two days and a half, restarted every few hours, once down for nearly the retention."""
    life = Life(prometheus, tmp_path_factory.mktemp("store"), case)
    moments = [*range(BEGIN, END + 1, STEP)]
    assert moments[-1] == END
    del moments[OUTAGE]
    for first in range(0, len(moments), RESTART_EVERY):
        life.live(*moments[first : first + RESTART_EVERY])
    return life


def slots_with_samples(case: Case, period: int, lookback: int) -> int:
    """How many fine slots of a period have samples, or begin so soon after one."""
    times = {t for counter in case.history.counters[TOTAL].values() for t, _ in counter}
    ends = {-(-t // 30) * 30 + late for t in times for late in range(0, lookback + 1, 30)}
    return sum(END - period < end <= END for end in ends)


def assert_everything_since(life: Life, case: Case) -> None:
    """Slots, budgets, burn rates and coverage are those of the whole time."""
    for slo, status in zip(life.slos, life.shown.slos, strict=True):
        assert_slots(life.engine, life.shown, slo, case.bad, case.total)
        assert_figures(status, END, case.bad, case.total)
        period = slo.period.longest
        assert status.coverage is not None
        assert slots_with_samples(case, period, 0) <= status.coverage * period / 30 + 1e-3
        assert status.coverage * period / 30 <= slots_with_samples(case, period, 60) + 1e-3


def test_budgets_cover_everything_since_the_start(
    life: Life, case: Case, prometheus: PrometheusServer
):
    """To the event, whatever Prometheus has forgotten meanwhile."""
    assert minutes(prometheus, END) == pytest.approx(RETENTION / MINUTE, abs=1)
    assert life.shown.at == END
    assert case.total(BEGIN - RETENTION, END) > 100_000
    assert_everything_since(life, case)


def test_a_rebuild_leaves_what_prometheus_has_no_more(life: Life, case: Case):
    """It is asked for everything, and answers for two hours."""
    life.live(END, rebuild=True)
    assert [*life.engine.state.rebuilds.under_way] == []
    assert_everything_since(life, case)


def test_without_a_store_two_hours_are_all_there_is(prometheus: PrometheusServer, life: Life):
    """So it is the store that made the difference."""
    fresh, _ = run(prometheus.url, life.slos, END)[1].slos
    assert fresh.coverage == pytest.approx(RETENTION / (7 * DAY), rel=0.02)
