"""How late the samples behind SLOs come: a slot is complete once those after its end are there."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError
from exporter.prometheus.promql import PART_LABEL, batch
from exporter.prometheus.sample_queries import newest_sample, newest_sample_long_ago, widest
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex

MOST_LAG = 900
"""Seconds by which data may be late: slots are not waited for any longer."""

MOST_AT_ONCE = 30
"""SLOs that one query asks about."""


class Arrivals:
    """Up to when the data of each SLO are complete. Times are Unix seconds. Pure.

    A slot that ends at T is complete once every series has a sample less than a scrape interval
    before T, or after it: the next one belongs to another slot.
    """

    def __init__(self, interval: int, scrape_intervals: Sequence[float], patience: float) -> None:
        """Begin with nothing known.

        Args:
            interval: the length of the finest slots.
            scrape_intervals: of each SLO's datasource, in seconds.
            patience: for how many seconds series that show nothing new are waited for.
        """
        self._interval = interval
        self._scrape_intervals = scrape_intervals
        self._patience = patience
        self._reach = [-math.inf] * len(scrape_intervals)
        self._moved = [-math.inf] * len(scrape_intervals)
        self._complete: list[int | None] = [None] * len(scrape_intervals)

    def note(self, slo_index: SloIndex, reach: float | None, now: float) -> None:
        """Note how far an SLO's samples reach.

        Args:
            slo_index: the SLO.
            reach: when the newest sample of that series was taken whose newest is the oldest; None
                if there are no samples to wait for.
            now: when that was asked.
        """
        complete = None
        if reach is not None:
            if reach != self._reach[slo_index]:
                self._reach[slo_index], self._moved[slo_index] = reach, now
            until = self._boundary_before(reach + self._scrape_intervals[slo_index])
            # Series that have ended show nothing new, either.
            if now - self._moved[slo_index] <= self._patience:
                complete = max(until, self._complete[slo_index] or 0)
        self._complete[slo_index] = complete

    def _boundary_before(self, at: float) -> int:
        return (math.ceil(at / self._interval) - 1) * self._interval

    def complete_until(self, slo_index: SloIndex, end: int) -> int:
        """Up to when slots can be counted, `end` at the latest."""
        complete = self._complete[slo_index]
        return end if complete is None else min(end, max(complete, end - MOST_LAG))

    def complete(self, end: int) -> list[int]:
        """`complete_until` of every SLO, by its index."""
        return [self.complete_until(SloIndex(i), end) for i in range(len(self._complete))]

    def lags(self, end: int) -> list[int]:
        """`lag` of every SLO, by its index: its slots settle as much later."""
        return [end - until for until in self.complete(end)]

    def lag(self, slo_index: SloIndex, end: int) -> int:
        """How many seconds before `end` the data of an SLO are complete."""
        return end - self.complete_until(slo_index, end)


class Lateness:
    """Asks how far the samples behind SLOs reach.

    `clients` has one for the datasource of every SLO; `selectors` gives the counters and
    histograms behind one.
    """

    def __init__(
        self,
        clients: Mapping[str, PrometheusClient],
        slos: Sequence[Slo],
        selectors: Callable[[SloIndex], Sequence[Selector]],
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._selectors = selectors

    async def ask(self, slo_indices: Iterable[SloIndex], at: float) -> dict[SloIndex, float]:
        """How far the samples of SLOs reach at a moment (Unix seconds); see `Arrivals.note`.

        SLOs without samples are left out, and so are those of which it cannot be told.
        """
        by_datasource: dict[str, list[SloIndex]] = defaultdict(list)
        for slo_index in slo_indices:
            by_datasource[self._slos[slo_index].datasource].append(slo_index)
        parts = (
            self._ask_batch(self._clients[name], those[i : i + MOST_AT_ONCE], int(at))
            for name, those in by_datasource.items()
            for i in range(0, len(those), MOST_AT_ONCE)
        )
        return {
            slo_index: reach
            for found in await asyncio.gather(*parts)
            for slo_index, reach in found.items()
        }

    async def _ask_batch(
        self, client: PrometheusClient, slo_indices: Sequence[SloIndex], at: int
    ) -> dict[SloIndex, float]:
        selectors = {s: widest(self._selectors(s)) for s in slo_indices}
        found = await _oldest(client, selectors, newest_sample, at)
        # Those that are later than a server looks back are not among what it shows.
        others = {s: own for s, own in selectors.items() if own and s not in found}
        if others:
            found |= await _oldest(client, others, newest_sample_long_ago, at)
        return found


async def _oldest(
    client: PrometheusClient,
    selectors: Mapping[SloIndex, Sequence[Selector]],
    expression: Callable[[Selector], str],
    at: int,
) -> dict[SloIndex, float]:
    """The least value of the expressions for each SLO's selectors, where there is any."""
    owners = [slo_index for slo_index, own in selectors.items() for _ in own]
    texts = [expression(selector) for own in selectors.values() for selector in own]
    if not texts:
        return {}
    try:
        series = await client.instant_query(batch(texts), at)
    except PrometheusError:  # counting will say what is wrong
        return {}
    found: dict[SloIndex, float] = {}
    for each in series:
        number = each.labels.get(PART_LABEL, "")
        for _, value in each.samples:
            if number.isdigit() and int(number) < len(owners) and math.isfinite(value):
                owner = owners[int(number)]
                found[owner] = min(found.get(owner, math.inf), value)
    return found
