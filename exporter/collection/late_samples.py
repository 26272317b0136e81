"""Whether samples came late: counted before the events are, and again once they have settled.

Samples are only ever added. As long as there are as many in a span of slots as when their
events were counted, the counts stand; reading one number per series and slot tells so, where
counting anew would read eight.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from exporter.collection.slot_range import SlotRange
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError
from exporter.prometheus.promql import PART_LABEL, batch, sample_count
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import Floats, SloIndex

MOST_AT_ONCE = 30
"""SLOs that one query counts the samples of."""

Selectors = Callable[[SloIndex], Sequence[Selector | None]]
"""Gives the counters behind an SLO (by its index); None among them for what has no counter."""


class SampleCounter:
    """Counts the samples behind SLOs' counters in spans of slots.

    `clients` has one for the datasource of every SLO.
    """

    def __init__(
        self, clients: Mapping[str, PrometheusClient], slos: Sequence[Slo], selectors: Selectors
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._selectors = selectors

    async def count(
        self, slo_indices: Iterable[SloIndex], span: SlotRange
    ) -> dict[SloIndex, Floats]:
        """Count the samples of SLOs (by their index) in each slot of a span.

        NaN where the number cannot be told, as when their datasource does not answer; SLOs that
        have no counters are left out. Datasources are asked at once, and all waited for.
        """
        of_datasource: dict[str, dict[SloIndex, Sequence[Selector]]] = defaultdict(dict)
        for slo_index in slo_indices:
            selectors = [selector for selector in self._selectors(slo_index) if selector]
            if selectors:
                of_datasource[self._slos[slo_index].datasource][slo_index] = selectors
        parts = (self._count_at(name, those, span) for name, those in of_datasource.items())
        return {
            slo_index: array
            for counted in await asyncio.gather(*parts)
            for slo_index, array in counted.items()
        }

    async def _count_at(
        self, datasource: str, counters: Mapping[SloIndex, Sequence[Selector]], span: SlotRange
    ) -> dict[SloIndex, Floats]:
        client = self._clients[datasource]
        try:
            closed = await client.ranges_closed()
        except PrometheusError:
            return {slo_index: _unknown(span) for slo_index in counters}
        texts = {
            slo_index: sample_count(selectors, span.slot, closed=closed)
            for slo_index, selectors in counters.items()
        }
        asked = list(texts)
        cuts = [asked[i : i + MOST_AT_ONCE] for i in range(0, len(asked), MOST_AT_ONCE)]
        counted: dict[SloIndex, Floats] = {}
        parts = (_count(client, [texts[slo_index] for slo_index in cut], span) for cut in cuts)
        for cut, arrays in zip(cuts, await asyncio.gather(*parts), strict=True):
            counted.update(zip(cut, arrays, strict=True))
        return counted


async def _count(client: PrometheusClient, texts: Sequence[str], span: SlotRange) -> list[Floats]:
    arrays = [_unknown(span) for _ in texts]
    try:
        series = await client.range_query(batch(texts), span.start + span.slot, span.end, span.slot)
    except PrometheusError:  # not known, then: their events are counted anew
        return arrays
    by_part = {str(number): array for number, array in enumerate(arrays)}
    column_of = {span.start + (i + 1) * span.slot: i for i in range(span.count)}
    for one in series:
        array = by_part.get(one.labels.get(PART_LABEL, ""))
        for at, value in one.samples:
            # What was not asked for is no number; counting the events will say what is wrong.
            if array is not None and at in column_of and math.isfinite(value):
                array[column_of[int(at)]] = value
    return arrays


def _unknown(span: SlotRange) -> Floats:
    return np.full(span.count, np.nan)
