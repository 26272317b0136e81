"""Lives of a daemon on one store, a configuration each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.prometheus.matrix import Series
from exporter.slo.model import EventsSli, Slo
from exporter.slo.period import CalendarPeriod
from exporter.slo.types import DAY
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

SLO = slo(period=7 * DAY)


YEAR = slo(name="year", sli=EventsSli("x", "y"), period=CalendarPeriod("year"))


@contextmanager
def running(
    folder: Path, fake: FakePrometheus, *slos: Slo, at: int = NOW, **settings: Any
) -> Iterator[tuple[Engine, Persister]]:
    """A daemon's engine that has begun with what is stored; it is not polled."""
    persister = Persister(Store(folder))
    one = engine(fake, *slos, **settings)
    try:
        asyncio.run(persister.begin(one, at + DELAY))
        yield one, persister
    finally:
        persister.close()


def life(folder: Path, fake: FakePrometheus, *slos: Slo, at: int = NOW, **settings: Any) -> Engine:
    """A daemon from its start until all is known and stored."""
    with running(folder, fake, *slos, at=at, **settings) as (one, persister):
        poll(one, at)
        fill(one)
        assert asyncio.run(persister.save(one))
        return one


def silent() -> FakePrometheus:
    """A Prometheus that has nothing any more."""
    return FakePrometheus({})


class Hanging(FakePrometheus):
    """Never tells since when it has data."""

    async def range_query(self, query: str, start: int, end: int, step: int) -> list[Series]:
        if "count(count_over_time" in query:
            await asyncio.Event().wait()
        return await super().range_query(query, start, end, step)
