"""How often the series behind SLOs are really scraped, whatever the configuration says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from exporter.collection.per_selector import SamplePlans, ask_each, owned
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.sample_queries import newest_scrape_interval, scrape_interval
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import HOUR, SloIndex

MEASURE_EVERY = 6 * HOUR
"""Seconds between two measurements: each reads the samples of two hours."""

CLEARLY = 1.25
"""A measured interval is taken if it is so many times what was configured: a few failed scrapes
make it look longer than it is."""

ROUND = 5
"""Measured intervals are rounded to this many seconds."""


class ScrapeIntervals:
    """The longest scrape interval behind each SLO, in seconds: the configured one, or a longer one
    that was measured.

    `lookbacks` are two of them: should a scrape fail, the other still tells where a counter stood.
    """

    def __init__(self, configured: Sequence[int]) -> None:
        self.configured = tuple(configured)
        self.seconds = list(configured)
        self.lookbacks = [2 * seconds for seconds in configured]

    def note(self, slo_index: SloIndex, measured: float) -> bool:
        """Note what was measured, in seconds; whether that changes anything."""
        seconds = self.configured[slo_index]
        if measured > CLEARLY * seconds:
            seconds = max(seconds, round(measured / ROUND) * ROUND)
        changed = seconds != self.seconds[slo_index]
        self.seconds[slo_index], self.lookbacks[slo_index] = seconds, 2 * seconds
        return changed


async def measure(
    clients: Mapping[str, PrometheusClient],
    slos: Sequence[Slo],
    selectors: Callable[[SloIndex], Sequence[Selector]],
    slo_indices: Iterable[SloIndex],
    at: float,
    *,
    plans: SamplePlans | None = None,
) -> dict[SloIndex, float]:
    """The scrape intervals behind SLOs of one datasource in the two hours before `at`, in seconds.

    SLOs whose series are younger than an hour are left out, and so are those without any.

    Raises:
        UnavailableError: the datasource does not answer.
    """
    slo_indices = list(slo_indices)
    if not slo_indices:
        return {}
    client = clients[slos[slo_indices[0]].datasource]
    own = await asyncio.to_thread(owned, selectors, slo_indices)
    return await ask_each(client, own, scrape_interval, int(at), np.fmax, plans=plans)


async def measure_newest(
    clients: Mapping[str, PrometheusClient],
    slos: Sequence[Slo],
    selectors: Callable[[SloIndex], Sequence[Selector]],
    slo_indices: Iterable[SloIndex],
    at: float,
) -> dict[SloIndex, float]:
    """How often the series of SLOs of one datasource are scraped now: the fastest of each.

    In seconds. SLOs without series are left out.

    Raises:
        UnavailableError: the datasource does not answer.
    """
    own = await asyncio.to_thread(owned, selectors, slo_indices)
    if not own:
        return {}
    client = clients[slos[next(iter(own))].datasource]
    return await ask_each(client, own, newest_scrape_interval, int(at), np.fmin)
