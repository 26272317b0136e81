"""What is asked for SLOs: the queries' texts, and which SLOs one query can ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.collection.scrape_intervals import ScrapeIntervals
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.counters_behind import native_selectors, read_together, stored_selectors
from exporter.prometheus.indicators import (
    Indicator,
    indicators,
)
from exporter.prometheus.promql import QueryContext, batch
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex, enumerate_slos

MAX_QUERY_CHARS = 12_000
"""VictoriaMetrics takes queries of up to 16 KiB by default."""

MAX_POINTS = 20_000
"""Points of one answer (slots x expressions), so that none grows beyond a few megabytes."""

MAX_REMEMBERED = 10_000
"""Batches and query texts that are kept for the next tick, which mostly asks the same."""


@dataclass(frozen=True, slots=True)
class Batch:
    """SLOs (by their index) that one query asks for in slots of `resolution` seconds.

    All are of one datasource. The answer is brought to the slots of `span`.
    """

    slo_indices: tuple[SloIndex, ...]
    span: SlotRange
    resolution: int


class Queries:
    """The queries for SLOs, by how each is measured now and what its server can do.

    `indicators` are the ways to measure each SLO: the one that is used comes first.
    """

    def __init__(
        self, clients: Mapping[str, PrometheusClient], slos: Sequence[Slo], interval: int
    ) -> None:
        self._slos = slos
        self._interval = interval
        self.scrape_intervals = ScrapeIntervals(
            [clients[slo.datasource].settings.scrape_interval for slo in slos]
        )
        # The usual way to measure first; what was found to work moves to the front.
        self.indicators = [list(indicators(slo.sli, slo.group_by)) for slo in slos]
        self._closed = dict.fromkeys(clients, False)
        self._blind = dict.fromkeys(clients, False)
        self._cuts: dict[
            tuple[tuple[SloIndex, ...], int, int], list[tuple[tuple[SloIndex, ...], int]]
        ] = {}
        self._texts: dict[tuple[tuple[SloIndex, ...], int], tuple[str, int]] = {}

    def note_server(self, datasource: str, *, closed: bool, blind_to_resets: bool) -> None:
        """Note what a datasource's server does; see `QueryContext`."""
        if (closed, blind_to_resets) != (self._closed[datasource], self._blind[datasource]):
            self._closed[datasource], self._blind[datasource] = closed, blind_to_resets
            self._texts.clear()

    def note_scrape_intervals(self, measured: Mapping[SloIndex, float]) -> list[SloIndex]:
        """Note how often series are scraped (seconds); of which SLOs that changes anything."""
        changed = [s for s, seconds in measured.items() if self.scrape_intervals.note(s, seconds)]
        if changed:
            self._cuts.clear()
            self._texts.clear()
        return changed

    def prefer(self, slo_index: SloIndex, way: Indicator) -> None:
        """Measure an SLO in another of its ways from now on."""
        ways = self.indicators[slo_index]
        ways.remove(way)
        ways.insert(0, way)
        self._cuts.clear()
        self._texts.clear()

    def selectors(self, slo_index: SloIndex) -> Sequence[Selector]:
        """The counters behind an SLO (by its index), as it is measured now."""
        return stored_selectors(self.indicators[slo_index][0])

    def native_selectors(self, slo_index: SloIndex) -> Sequence[Selector]:
        """Those of them that are native histograms."""
        return native_selectors(self.indicators[slo_index][0])

    def slack(self, slo_index: SloIndex) -> int:
        """How many seconds of events an SLO's counters may be apart: a scrape at each end."""
        if read_together(self.indicators[slo_index][0]):
            return 0
        return max(2 * self._interval, self.scrape_intervals.lookbacks[slo_index])

    def newest_of(self, slo: Slo) -> tuple[str, ...]:
        """What is asked for the finest slot of an SLO; nothing if it is not one of ours."""
        slo_index = self._index(slo)
        if slo_index is None:
            return ()
        slices = self._slos[slo_index].timeslices
        return tuple(self.expressions(slo_index, slices.slice if slices else self._interval))

    def way_of(self, slo: Slo) -> Indicator | None:
        """How an SLO is measured now; None if it is not one of ours."""
        slo_index = self._index(slo)
        return None if slo_index is None else self.indicators[slo_index][0]

    def _index(self, slo: Slo) -> SloIndex | None:
        name = slo.service, slo.name
        found = (s for s, each in enumerate_slos(self._slos) if (each.service, each.name) == name)
        return next(found, None)

    def batches(self, slo_indices: Sequence[SloIndex], span: SlotRange) -> list[Batch]:
        """Cut SLOs (by their index) into groups that one query can ask for."""
        key = (tuple(slo_indices), span.slot, span.count)
        cuts = self._cuts.get(key)
        if cuts is None:
            if len(self._cuts) > MAX_REMEMBERED:
                self._cuts.clear()
            cuts = self._cuts[key] = list(self._cut(slo_indices, span))
        return [Batch(those, span, resolution) for those, resolution in cuts]

    def _cut(
        self, slo_indices: Sequence[SloIndex], span: SlotRange
    ) -> Iterator[tuple[tuple[SloIndex, ...], int]]:
        alike: dict[tuple[str, int], list[SloIndex]] = defaultdict(list)
        for slo_index in slo_indices:
            slo = self._slos[slo_index]
            resolution = slo.timeslices.slice if slo.timeslices else span.slot
            alike[slo.datasource, resolution].append(slo_index)
        for (_, resolution), those in alike.items():
            most = max(1, MAX_POINTS // (2 * span.at(resolution).count))
            taken: list[SloIndex] = []
            size = 0
            for slo_index in those:
                length = sum(map(len, self.expressions(slo_index, resolution)))
                if taken and (len(taken) >= most or size + length > MAX_QUERY_CHARS):
                    yield tuple(taken), resolution
                    taken, size = [], 0
                taken.append(slo_index)
                size += length
            if taken:
                yield tuple(taken), resolution

    def context(self, slo_index: SloIndex, slot: int) -> QueryContext:
        slo = self._slos[slo_index]
        return QueryContext(
            group_by=slo.group_by,
            slot=slot,
            interval=self._interval,
            # Two scrapes: should one of them fail, the other still tells where the counter stood.
            lookback=self.scrape_intervals.lookbacks[slo_index],
            closed=self._closed[slo.datasource],
            blind_to_resets=self._blind[slo.datasource],
        )

    def expressions(self, slo_index: SloIndex, slot: int) -> Sequence[str]:
        return self.indicators[slo_index][0].expressions(self.context(slo_index, slot))

    def text(self, slo_indices: Sequence[SloIndex], slot: int) -> tuple[str, int]:
        """The query for a batch, and how many expressions it has; the same at every tick."""
        key = (tuple(slo_indices), slot)
        found = self._texts.get(key)
        if found is None:
            if len(self._texts) > MAX_REMEMBERED:
                self._texts.clear()
            expressions = [
                text for slo_index in slo_indices for text in self.expressions(slo_index, slot)
            ]
            found = self._texts[key] = (batch(expressions), len(expressions))
        return found
