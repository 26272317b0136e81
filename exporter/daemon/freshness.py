"""What samples tell of themselves: how late they come, and how often they are taken."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import structlog

from exporter.collection.lateness import ask_reaches
from exporter.collection.per_selector import SamplePlans
from exporter.collection.queries import Queries
from exporter.collection.scrape_intervals import MEASURE_EVERY, measure
from exporter.daemon.exclusive import Exclusive
from exporter.prometheus.client import PrometheusClient
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex

MEASURE_AGAIN = 300
"""Seconds until a datasource is asked again that had nothing to measure."""

MOST_TOLD = 3
"""SLOs that are named in the log of those whose series are scraped less often than configured."""


class Freshness:
    """Asks datasources for it; `queries` are told how often series are scraped, in a turn."""

    def __init__(
        self,
        clients: Mapping[str, PrometheusClient],
        slos: Sequence[Slo],
        queries: Queries,
        turns: Exclusive,
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._queries = queries
        self._turns = turns
        self._measured_at = dict.fromkeys(clients, -math.inf)
        self._plans = SamplePlans()
        self._log = structlog.get_logger()

    async def ask(
        self, datasource: str, slo_indices: Collection[SloIndex], now: float
    ) -> dict[SloIndex, float]:
        """How far the samples of a datasource's SLOs reach at `now`; see `Arrivals.note`."""
        if now - self._measured_at[datasource] >= MEASURE_EVERY:
            await self._measure(datasource, slo_indices, now)
        selectors = self._queries.selectors
        return await ask_reaches(
            self._clients, self._slos, selectors, slo_indices, now, plans=self._plans
        )

    async def _measure(
        self, datasource: str, slo_indices: Collection[SloIndex], now: float
    ) -> None:
        selectors = self._queries.selectors
        measured = await measure(self._clients, self._slos, selectors, slo_indices, now)
        self._measured_at[datasource] = now if measured else now - MEASURE_EVERY + MEASURE_AGAIN
        async with self._turns:
            changed = self._queries.note_scrape_intervals(measured)
        for slo_index in changed[:MOST_TOLD]:
            slo, seconds = self._slos[slo_index], self._queries.scrape_intervals.seconds[slo_index]
            self._log.info(
                "series are scraped at another interval than before",
                service=slo.service,
                slo=slo.name,
                datasource=datasource,
                scrape_interval=f"{seconds}s",
                slos=len(changed),
            )
