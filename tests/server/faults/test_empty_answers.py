"""A source that answers 200, and nothing or a part, for longer than slots take to settle.

Prometheus itself has everything all the time; a proxy before it does not tell. Afterwards every
slot is as the oracle counts it, and everything shown is what an engine shows that had all of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.demo.servers import PrometheusServer
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import ProbeSli, Slo
from exporter.slo.period import RollingPeriod
from tests.helpers.evaluation.troubled_source import known
from tests.helpers.faults.proxy import Exchange, FaultyProxy, pass_on
from tests.helpers.integration.checks import assert_figures, assert_slots
from tests.helpers.integration.disturbed import chaos
from tests.helpers.integration.histories import END, write_blocks
from tests.helpers.integration.running import DELAY, status
from tests.helpers.integration.scenario import Case, slo_of
from tests.oracle import DAY, HOUR, MINUTE

pytestmark = pytest.mark.slow

BEGAN, ENDED = END - 80 * MINUTE, END - 50 * MINUTE
STEP = 60
SETTINGS = EvaluationSettings(interval=60)

Answers = Callable[[Exchange], None]


def nothing(exchange: Exchange) -> None:
    """Not even what is true whatever the data."""
    told = json.loads(exchange.prometheus().body)
    told["data"]["result"] = []
    exchange.send(200, json.dumps(told).encode())


def rewritten(before: str, after: str) -> Answers:
    """Prometheus's answer to another query."""

    def answers(exchange: Exchange) -> None:
        form = {name: values[0] for name, values in parse_qs(exchange.form.decode()).items()}
        query = form.get("query", "").replace(before, after)
        exchange.form = urlencode({**form, "query": query}).encode()
        pass_on(exchange)

    return answers


@pytest.fixture(scope="module")
def case() -> Case:
    return chaos(12)


@pytest.fixture(scope="module")
def slos(case: Case) -> list[Slo]:
    """Counters, and a gauge that has no checksum."""
    selector = f'up{{service="{case.history.service}"}}'
    probe = slo_of(case.history, ProbeSli(selector=selector), period=RollingPeriod(DAY))
    return [case.slo, probe]


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, case: Case, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("empty")
    write_blocks([case.history], folder, folder / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=folder / "data") as server:
        yield server


async def watch(url: str, slos: list[Slo], at: Callable[[int], None]) -> Engine:
    """All that a daemon does, from two hours before the end on."""
    async with PrometheusClient(PrometheusSettings(url=url)) as client:
        engine = Engine(slos, SETTINGS, {client.name: client})
        for moment in range(END - 2 * HOUR, END + 1, STEP):
            at(moment)
            await engine.poll(moment + DELAY)
            while await engine.fill_history():
                pass
            await engine.revisit(client.name)
            if moment % 300 == 0:
                engine.evaluate(moment + DELAY)
        return engine


@pytest.fixture(scope="module")
def undisturbed(prometheus: PrometheusServer, slos: list[Slo]) -> Engine:
    """One that asks Prometheus itself."""
    return asyncio.run(watch(prometheus.url, slos, lambda _: None))


def disturbed(prometheus: PrometheusServer, slos: list[Slo], answers: Answers) -> Engine:
    """One with a proxy before it."""
    proxy = FaultyProxy(prometheus.port)
    proxy.keeps_connections = False

    def at(moment: int) -> None:
        proxy.answers = answers if BEGAN < moment <= ENDED else pass_on

    try:
        return asyncio.run(watch(proxy.url, slos, at))
    finally:
        proxy.close()


SERVICE = 'service="chaos-12"'

TROUBLES = [
    pytest.param(rewritten(SERVICE, f'{SERVICE},instance!="b:80"'), id="one shard of three"),
    pytest.param(nothing, id="nothing"),
    pytest.param(rewritten(SERVICE, 'service="none"'), id="no data"),
]


@pytest.mark.parametrize("answers", TROUBLES)
def test_answers_without_data_leave_no_trace(
    prometheus: PrometheusServer, case: Case, slos: list[Slo], undisturbed: Engine, answers: Answers
):
    """However long they last, all is counted once it is there."""
    engine = disturbed(prometheus, slos, answers)
    snapshot, expected = (each.evaluate(END + DELAY) for each in (engine, undisturbed))
    assert_slots(engine, snapshot, case.slo, case.bad, case.total)
    assert_figures(status(snapshot, case.slo), snapshot.at, case.bad, case.total)
    for slo in slos:
        assert known(status(snapshot, slo)) == known(status(expected, slo))
