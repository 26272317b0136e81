"""A first start where SLOs are many: every figure after few queries, and every slot in the end."""

from __future__ import annotations

import asyncio

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.demo.servers import PrometheusServer
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.snapshot import Snapshot
from tests.helpers.integration.checks import assert_figures, assert_slots, assert_sums
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import DELAY, status
from tests.helpers.integration.scenario import Case

MOMENT = END - 1_230
"""In the middle of a slot of five minutes, so that windows begin inside of long ones."""

MANY = EvaluationSettings(most_fine=0)
"""Takes any number of SLOs for many."""


def started(url: str, cases: list[Case]) -> tuple[Engine, Snapshot, Snapshot, list[int]]:
    """An engine that has read everything, what it showed when it was ready and then, and how many
    queries it had sent."""
    queries = 0

    def count(*_: object) -> None:
        nonlocal queries
        queries += 1

    async def run() -> tuple[Engine, Snapshot, Snapshot, list[int]]:
        settings = PrometheusSettings(url=url, scrape_interval=30)
        async with PrometheusClient(settings, on_query=count) as client:
            engine = Engine([case.slo for case in cases], MANY, {"prometheus": client})
            await engine.poll(MOMENT + DELAY)
            while not engine.has_figures("prometheus"):
                await engine.fill_history("prometheus")
            sent = [queries]
            ready = engine.evaluate(MOMENT + DELAY)
            while await engine.fill_history("prometheus"):
                pass
            sent.append(queries)
            return engine, ready, engine.evaluate(MOMENT + DELAY), sent

    return asyncio.run(run())


def test_all_figures_are_there_after_few_queries(past: PrometheusServer, cases: dict[str, Case]):
    """Where nothing odd happens, the past is some hundred slots."""
    _, ready, _, (first, _) = started(past.url, [cases["steady"]])
    assert first <= 20
    assert ready.slos[0].coverage == 1
    case = cases["steady"]
    assert_sums(ready.slos[0], ready.at, case.bad, case.total)


@pytest.mark.slow
def test_all_figures_are_the_oracles_whatever_happens(
    past: PrometheusServer, cases: dict[str, Case]
):
    """Births, resets and gaps are counted as ever: when it is ready, and when all is read."""
    engine, ready, done, _ = started(past.url, list(cases.values()))
    for case in cases.values():
        assert_sums(status(ready, case.slo), ready.at, case.bad, case.total)
        assert_slots(engine, done, case.slo, case.bad, case.total)
        assert_figures(status(done, case.slo), done.at, case.bad, case.total)
