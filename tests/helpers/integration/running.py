"""Running the engine against a Prometheus, at a time of the test's choosing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import Slo
from exporter.slo.snapshot import SloStatus, Snapshot

DELAY = EvaluationSettings().delay + 1
"""How long after a slot boundary the slot is there to be asked for."""


def run(
    url: str,
    slos: Sequence[Slo],
    *moments: int,
    fill_at: Iterable[int] | None = None,
    evaluation: EvaluationSettings | None = None,
    scrape_interval: int = 30,
) -> tuple[Engine, Snapshot]:
    """Poll at each of `moments` (slot boundaries), filling history whole at those in `fill_at`.

    Where `fill_at` is not given history is filled at the last one. Returns the engine and its
    snapshot as of the last moment.
    """
    fill = set(moments[-1:] if fill_at is None else fill_at)

    async def all_moments() -> tuple[Engine, Snapshot]:
        settings = PrometheusSettings(url=url, scrape_interval=scrape_interval)
        async with PrometheusClient(settings) as client:
            engine = Engine(slos, evaluation or EvaluationSettings(), {"prometheus": client})
            for moment in moments:
                await engine.poll(moment + DELAY)
                if moment in fill:
                    while await engine.fill_history():
                        pass
            return engine, engine.evaluate(moments[-1] + DELAY)

    return asyncio.run(all_moments())


def status(snapshot: Snapshot, slo: Slo, **groups: str) -> SloStatus:
    """The status of one SLO, or of one of its groups."""
    [found] = [s for s in snapshot.slos if s.slo is slo and dict(s.groups) == groups]
    return found


def slot_counts(engine: Engine, status: SloStatus) -> dict[tuple[int, int], tuple[float, float]]:
    """What the ledger holds of one status: (bad, total) of every slot (start, end]."""
    group = tuple(status.groups.get(name, "") for name in status.slo.group_by)
    source = engine.slos.index(status.slo)
    [row] = [
        n
        for n, entry in enumerate(engine.state.series.entries)
        if (entry.slo_index, entry.group) == (source, group)
    ]
    found = {}
    for level, settings in enumerate(engine.ledger.levels):
        start, _ = engine.ledger.cover(level)
        slots = engine.ledger.read(level, row)
        bad, total = slots.bad[0], slots.total[0]
        for n in range(len(bad)):
            begin = start + n * settings.slot
            found[begin, begin + settings.slot] = (float(bad[n]), float(total[n]))
    return found
