"""Counting two spans of one SLO at once, as polls and history do."""

from __future__ import annotations

import asyncio

import pytest

from exporter.collection.resample import Resampled
from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.abilities import SHORT_QUERY
from exporter.prometheus.matrix import Series
from exporter.prometheus.promql import PART_LABEL
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import LatencySli
from tests.helpers.evaluation.counted import answers_of
from tests.helpers.samples import slo

START = 1_700_000_010
OLD = SlotRange(START, START + 30, 30)
NEW = SlotRange(START + 3600, START + 3630, 30)


class Migrated:
    """A Prometheus whose service went over from a classic to a native histogram in between.

    The answer for the classic one is held back until the test lets it go.
    """

    settings = PrometheusSettings()

    def __init__(self) -> None:
        self.answers = asyncio.Event()

    async def blind_to_resets(self) -> bool:
        return False

    async def ranges_closed(self) -> bool:
        return False

    async def longest_query(self) -> int:
        return SHORT_QUERY

    async def instant_query(self, query: str, at: int) -> list[Series]:
        return []  # no buckets

    async def range_query(self, query: str, start: int, end: int, step: int) -> list[Series]:
        native = "histogram_count" in query
        if native == (end == OLD.end):
            return []
        if not native:
            await self.answers.wait()
        values = (10.0, 9.0) if native else (30.0, 27.0)
        return [Series({PART_LABEL: str(i)}, [(end, value)]) for i, value in enumerate(values)]


def figures(resampled: Resampled) -> tuple[float, float]:
    return resampled.slots.bad.item(), resampled.slots.total.item()


def test_an_answer_is_read_as_it_was_asked_for():
    """Finding a native histogram in one span does not change how the other's answer is read."""

    async def run() -> list[tuple[float, float]]:
        fake = Migrated()
        counter = SlotCounter(
            {"prometheus": fake}, [slo(sli=LatencySli("duration_seconds", 0.5))], 30
        )
        [old], [new] = counter.queries.batches([0], OLD), counter.queries.batches([0], NEW)
        waiting = asyncio.create_task(counter.count(old))
        await asyncio.sleep(0)
        after = await counter.count(new)
        fake.answers.set()
        before = await waiting
        return [figures(answers_of(counted)[0][()]) for counted in (before, after)]

    assert asyncio.run(run()) == [(3, 30), (pytest.approx(1), 10)]
