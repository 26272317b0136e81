"""Whether the samples of a slot are still those that were counted, told by checksums.

Samples come late, are replaced (a store that deduplicates replicas keeps one of them, and another
once that has come), or are deleted. As long as the checksums of slots are those that were noted
before their events were counted, the counts stand. It takes one sample where counting takes eight.
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
from exporter.prometheus.promql import PART_LABEL, batch
from exporter.prometheus.sample_queries import checksum, widest
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import Floats, SloIndex

MOST_AT_ONCE = 30
"""SLOs that one query asks the checksums of."""

Selectors = Callable[[SloIndex], Sequence[Selector]]
"""Gives the counters and histograms behind an SLO (by its index)."""


class SampleChecksums:
    """Asks for checksums of the samples behind SLOs' counters.

    `clients` has one for the datasource of every SLO; `native` gives those of the selectors that
    are native histograms.
    """

    def __init__(
        self,
        clients: Mapping[str, PrometheusClient],
        slos: Sequence[Slo],
        selectors: Selectors,
        native: Selectors,
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._selectors = selectors
        self._native = native

    async def ask(self, slo_indices: Iterable[SloIndex], span: SlotRange) -> dict[SloIndex, Floats]:
        """The checksum of each slot of a span, of SLOs (by their index).

        NaN where it cannot be told, as when their datasource does not answer; SLOs that
        have no counters are left out. Datasources are asked at once, and all waited for.
        """
        of_datasource: dict[str, dict[SloIndex, Sequence[Selector]]] = defaultdict(dict)
        for slo_index in slo_indices:
            selectors = widest(self._selectors(slo_index))
            if selectors:
                of_datasource[self._slos[slo_index].datasource][slo_index] = selectors
        parts = (self._ask_at(name, those, span) for name, those in of_datasource.items())
        return {
            slo_index: array
            for found in await asyncio.gather(*parts)
            for slo_index, array in found.items()
        }

    async def _ask_at(
        self, datasource: str, counters: Mapping[SloIndex, Sequence[Selector]], span: SlotRange
    ) -> dict[SloIndex, Floats]:
        client = self._clients[datasource]
        try:
            closed = await client.ranges_closed()
        except PrometheusError:
            return {slo_index: _unknown(span) for slo_index in counters}
        asked = list(counters)
        cuts = [asked[i : i + MOST_AT_ONCE] for i in range(0, len(asked), MOST_AT_ONCE)]
        found: dict[SloIndex, Floats] = {}

        async def ask(cut: Sequence[SloIndex]) -> list[Floats]:
            texts = [self._text(each, counters[each], span.slot, closed=closed) for each in cut]
            return await _ask(client, texts, span)

        parts = map(ask, cuts)
        for cut, arrays in zip(cuts, await asyncio.gather(*parts), strict=True):
            found.update(zip(cut, arrays, strict=True))
        return found

    def _text(
        self, slo_index: SloIndex, selectors: Sequence[Selector], slot: int, *, closed: bool
    ) -> str:
        native = self._native(slo_index)
        counters = [selector for selector in selectors if selector not in native]
        return checksum(counters, native, slot, closed=closed)


async def _ask(client: PrometheusClient, texts: Sequence[str], span: SlotRange) -> list[Floats]:
    arrays = [_unknown(span) for _ in texts]
    try:
        series = await client.range_query(batch(texts), span.start + span.slot, span.end, span.slot)
    except PrometheusError:  # not known, then: their events are counted again
        return arrays
    by_part = {str(number): array for number, array in enumerate(arrays)}
    column_of = {span.start + (i + 1) * span.slot: i for i in range(span.count)}
    for each in series:
        array = by_part.get(each.labels.get(PART_LABEL, ""))
        for at, value in each.samples:
            # What was not asked for is not a number; counting the events will say what is wrong.
            if array is not None and at in column_of and math.isfinite(value):
                array[column_of[int(at)]] = value
    return arrays


def _unknown(span: SlotRange) -> Floats:
    return np.full(span.count, np.nan)
