"""Outages and late samples: afterwards every figure is as if they had not been."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.demo.servers import PrometheusServer
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.period import RollingPeriod
from exporter.slo.snapshot import DataState
from tests.helpers.integration.checks import assert_figures, assert_slots
from tests.helpers.integration.disturbed import chaos
from tests.helpers.integration.histories import END, History, growing, scrapes, write_blocks
from tests.helpers.integration.running import DELAY, run
from tests.helpers.integration.scenario import TOTAL, Case, availability
from tests.oracle import HOUR

STALE_AFTER = EvaluationSettings().stale_after


@pytest.fixture
def case() -> Case:
    return chaos(11)


@pytest.fixture
def prometheus(prometheus_binary: Path, case: Case, tmp_path: Path) -> Iterator[PrometheusServer]:
    """A Prometheus with the history of the case, that may be stopped."""
    write_blocks([case.history], tmp_path, tmp_path / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=tmp_path / "data") as server:
        yield server


async def poll_in_vain(engine: Engine, moment: int) -> None:
    with pytest.raises(UnavailableError):
        await engine.poll(moment + DELAY)


class TestOutage:
    @pytest.mark.parametrize("length", [600, 9 * HOUR])
    def test_leaves_no_trace(self, prometheus: PrometheusServer, case: Case, length: int):
        """The gap is filled when Prometheus answers again, however long it was."""

        async def through_outage() -> tuple[Engine, DataState]:
            async with PrometheusClient(PrometheusSettings(url=prometheus.url)) as client:
                engine = Engine([case.slo], EvaluationSettings(), {"prometheus": client})
                await engine.poll(END - length + DELAY)
                while await engine.fill_history():
                    pass
                prometheus.stop()
                for moment in range(END - length + 30, END, length // 4):
                    await poll_in_vain(engine, moment)
                during = engine.evaluate(END - length + STALE_AFTER + 30).slos[0].state
                prometheus.start()
                await engine.poll(END + DELAY)
                while await engine.fill_history():
                    pass
                return engine, during

        engine, during = asyncio.run(through_outage())
        snapshot = engine.evaluate(END + DELAY)
        assert during is DataState.STALE
        assert snapshot.slos[0].state is DataState.OK
        assert_slots(engine, snapshot, case.slo, case.bad, case.total)
        assert_figures(snapshot.slos[0], snapshot.at, case.bad, case.total)

    def test_holds_the_budget_and_withdraws_burn_rates(
        self, prometheus: PrometheusServer, case: Case
    ):
        """What is not known any more is not shown; what was spent stays spent."""
        engine, before = run(prometheus.url, [case.slo], END)
        during = engine.evaluate(END + STALE_AFTER + 1).slos[0]
        assert during.state is DataState.STALE
        assert during.windows == {}
        assert during.exhaustion_seconds is None
        assert {alert.firing for alert in during.alerts} == {None}
        assert (during.budget, during.tier) == (before.slos[0].budget, before.slos[0].tier)


class TestLateSamples:
    def test_replace_what_was_counted_without_them(self, prometheus_binary: Path, tmp_path: Path):
        """Slots are asked for again once they have settled, and the answer replaces the old."""
        times = scrapes(END - 2 * HOUR)
        whole, early = History("late"), History("late")
        early_times = [t for t in times if not END - 1_000 < t < END - 700]
        for history, seen in ((whole, times), (early, early_times)):
            history.target(seen)
            values = dict(growing(times, lambda n: n % 7))
            history.counter(TOTAL, [(t, values[t]) for t in seen], code="200")
        case = availability(whole, period=RollingPeriod(HOUR))
        write_blocks([early], tmp_path, tmp_path / "data")
        with PrometheusServer(binary=prometheus_binary, data_dir=tmp_path / "data") as prometheus:

            async def with_late_samples() -> tuple[Engine, Engine]:
                async with PrometheusClient(PrometheusSettings(url=prometheus.url)) as client:
                    engine = Engine([case.slo], EvaluationSettings(), {"prometheus": client})
                    for moment in range(END - 1_200, END - 599, 30):
                        await engine.poll(moment + DELAY)
                    held = engine.evaluate(END - 600 + DELAY)
                    prometheus.stop()
                    write_blocks([whole], tmp_path, tmp_path / "data")
                    prometheus.start()
                    for moment in range(END - 570, END + 1, 30):
                        await engine.poll(moment + DELAY)
                    return engine, held

            engine, before = asyncio.run(with_late_samples())
        snapshot = engine.evaluate(END + DELAY)
        assert before.slos[0].windows["1h"].known < 1
        assert_figures(snapshot.slos[0], snapshot.at, case.bad, case.total)
        assert snapshot.slos[0].coverage == 1
