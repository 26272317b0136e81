"""Data that Prometheus lost in the middle: asking anew loses no event and counts none twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.demo.servers import PrometheusServer
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.integration.checks import assert_figures, assert_slots
from tests.helpers.integration.disturbed import single_resets
from tests.helpers.integration.histories import END, write_blocks
from tests.helpers.integration.running import DELAY, status
from tests.helpers.integration.scenario import Case
from tests.oracle import HOUR, MINUTE

HOLES = {
    "ten hours, beyond every look-back": [(END - 50 * HOUR, END - 40 * HOUR)],
    "two hours among slots of five minutes": [(END - 30 * HOUR - 77, END - 28 * HOUR)],
    "twenty minutes among the finest slots": [(END - 3 * HOUR - 11, END - 160 * MINUTE + 5)],
    "forty minutes within slots of an hour": [(END - 90 * HOUR + 600, END - 90 * HOUR + 3000)],
    "several, one of them up to the end": [
        (END - 85 * HOUR + 1234, END - 79 * HOUR),
        (END - 20 * HOUR, END - 12 * HOUR + 99),
        (END - 45 * MINUTE, END),
    ],
    "all but the newest hour": [(END - 200 * HOUR, END - HOUR + 13)],
}


@pytest.fixture(scope="module")
def case() -> Case:
    return single_resets()


@pytest.fixture
def prometheus(prometheus_binary: Path, case: Case, tmp_path: Path) -> Iterator[PrometheusServer]:
    """One that lets its data be deleted."""
    write_blocks([case.history], tmp_path, tmp_path / "data")
    with PrometheusServer(
        binary=prometheus_binary, data_dir=tmp_path / "data", flags=["--web.enable-admin-api"]
    ) as server:
        yield server


def delete(prometheus: PrometheusServer, case: Case, holes: list[tuple[float, float]]) -> None:
    """Let it forget the counters of some times; that they were scraped it still knows."""
    api = f"{prometheus.url}/api/v1/admin/tsdb"
    for start, end in holes:
        form = {
            "match[]": f'{{service="{case.history.service}", __name__="requests_total"}}',
            "start": start,
            "end": end,
        }
        urlopen(f"{api}/delete_series", data=urlencode(form).encode()).close()
    # Until then some of what was not deleted is missing in its answers, too (seen with 2.42).
    urlopen(f"{api}/clean_tombstones", data=b"").close()


async def read(engine: Engine) -> None:
    """Everything that is to be asked for."""
    await engine.poll(END + DELAY)
    while await engine.fill_history():
        pass


@pytest.mark.parametrize("holes", HOLES.values(), ids=HOLES)
def test_a_rebuild_changes_nothing(
    prometheus: PrometheusServer, case: Case, holes: list[tuple[float, float]]
):
    """What is left there says what it said before, and what is gone stays in the ledger."""

    async def rebuilt() -> Engine:
        async with PrometheusClient(PrometheusSettings(url=prometheus.url)) as client:
            engine = Engine([case.slo], EvaluationSettings(), {client.name: client})
            await read(engine)
            delete(prometheus, case, holes)
            engine.state.rebuilds.begin(0)
            await read(engine)
            assert engine.state.rebuilds.done == (0,)
            return engine

    engine = asyncio.run(rebuilt())
    snapshot = engine.evaluate(END + DELAY)
    assert_slots(engine, snapshot, case.slo, case.bad, case.total)
    assert_figures(status(snapshot, case.slo), snapshot.at, case.bad, case.total)
    assert snapshot.slos[0].coverage == 1
