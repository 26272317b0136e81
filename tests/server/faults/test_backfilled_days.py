"""Blocks that are backfilled into a real Prometheus for days that the ledger has.

Afterwards every slot is as the oracle counts it, as if the samples had always been there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.daemon.engine import Engine
from exporter.daemon.revisits import Samples
from exporter.demo.servers import PrometheusServer
from exporter.ledger.checksums import BLOCK
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.types import SloIndex
from tests.helpers.integration.checks import assert_figures, assert_slots
from tests.helpers.integration.disturbed import chaos
from tests.helpers.integration.histories import END, History, write_blocks
from tests.helpers.integration.running import DELAY, status
from tests.oracle import DAY, HOUR, MINUTE, Labels

SETTINGS = EvaluationSettings(interval=60)
FIRST = END - 3 * HOUR
LOOKS = 70
"""So many days of both passes are looked at, and some more."""

Which = Callable[[float, Labels], bool]
"""Whether a sample of some labels comes late."""


def of_all(since: float, until: float) -> Which:
    return lambda at, _: since < at <= until


def of_one(since: float, until: float) -> Which:
    return lambda at, labels: since < at <= until and ("instance", "b:80") in labels


def half_of_one(since: float, until: float) -> Which:
    """Every other sample: at every moment one sees all of the series."""
    return lambda at, labels: of_one(since, until)(at, labels) and int(at) // 15 % 2 == 1


LATE = [
    pytest.param(of_one(END - 3 * DAY, END - 2 * DAY + 5 * HOUR), id="one instance of three"),
    pytest.param(half_of_one(END - 30 * HOUR, END - 20 * HOUR), id="more of what is there"),
    pytest.param(
        of_all(END - 3 * DAY - 77, END - 2 * DAY + 11), id="everything", marks=pytest.mark.slow
    ),
    pytest.param(
        of_all(END - 30 * HOUR - 7, END - 23 * HOUR + 3), id="seven hours", marks=pytest.mark.slow
    ),
]


def part(history: History, chosen: Which) -> History:
    """The samples of a history that are chosen."""

    def of(series):  # type: ignore[no-untyped-def]  # a mapping of labels to samples, either way
        found = {k: [s for s in samples if chosen(s[0], k)] for k, samples in series.items()}
        return {labels: samples for labels, samples in found.items() if samples}

    counters = {name: of(series) for name, series in history.counters.items()}
    return History(history.service, counters, of(history.up))


@pytest.mark.parametrize("late", LATE)
def test_what_is_backfilled_is_found_and_counted(
    prometheus_binary: Path, tmp_path: Path, late: Which
):
    """It is said, and no event is lost or counted twice."""
    case = chaos(12)
    write_blocks([part(case.history, lambda at, of: not late(at, of))], tmp_path, tmp_path / "data")

    async def watched(server: PrometheusServer) -> Engine:
        async with PrometheusClient(PrometheusSettings(url=server.url)) as client:
            engine = Engine([case.slo], SETTINGS, {client.name: client})

            async def go_to(moment: int) -> None:
                await engine.poll(moment + DELAY)
                for _ in range(LOOKS):
                    while await engine.fill_history():
                        pass
                    await engine.revisit(client.name)

            await go_to(FIRST)
            await asyncio.to_thread(server.stop)
            write_blocks([part(case.history, late)], tmp_path, tmp_path / "data")
            await asyncio.to_thread(server.start)
            for moment in range(FIRST + 20 * MINUTE, END + 1, 20 * MINUTE):
                await go_to(moment)
            return engine

    with (
        PrometheusServer(binary=prometheus_binary, data_dir=tmp_path / "data") as server,
        capture_logs() as logs,
    ):
        engine = asyncio.run(watched(server))
    snapshot = engine.evaluate(END + DELAY)
    assert_slots(engine, snapshot, case.slo, case.bad, case.total)
    assert_figures(status(snapshot, case.slo), snapshot.at, case.bad, case.total)
    assert [line for line in logs if line["event"].startswith("samples came for days")]
    assert engine.revisits.found > 0


def test_checksums_of_slots_add_up_to_those_of_six_hours(prometheus_binary: Path, tmp_path: Path):
    """They are of the same samples: else one would differ from the other though nothing came."""
    case, block = chaos(12), SlotRange(END - DAY, END - DAY + BLOCK, BLOCK)
    write_blocks([case.history], tmp_path, tmp_path / "data")

    async def asked(url: str) -> tuple[float, float]:
        async with PrometheusClient(PrometheusSettings(url=url)) as client:
            queries = SlotCounter({client.name: client}, [case.slo], MINUTE, 1).queries
            samples = Samples.of({client.name: client}, [case.slo], queries, MINUTE)
            slots = SlotRange(block.start, block.end, MINUTE)
            of_slots = await samples.checksums.ask([SloIndex(0)], slots)
            of_block = await samples.summed_up.ask([SloIndex(0)], block)
            return float(of_slots[SloIndex(0)].sum()), float(of_block[SloIndex(0)][0])

    with PrometheusServer(binary=prometheus_binary, data_dir=tmp_path / "data") as server:
        of_slots, of_block = asyncio.run(asked(server.url))
    assert of_slots == of_block > 0
