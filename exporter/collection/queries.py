"""What is asked for SLOs: the queries' texts, and which SLOs one query can ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.collection.arranged import Arranged, Manner, arrange
from exporter.collection.batches import GROUPS, Limits, Size, Written, cut, size_of
from exporter.collection.planner import MOST_TOGETHER, Asked, Kind, Plan, plan
from exporter.collection.scrape_intervals import ScrapeIntervals
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.abilities import SHORT_QUERY
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.counters_behind import Behind
from exporter.prometheus.indicators import Indicator, indicators
from exporter.prometheus.promql import QueryContext
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex, enumerate_slos

Ways = tuple[Indicator, ...]
"""How each SLO of a batch is measured."""

MAX_REMEMBERED = 300
"""Cuts and plans that are kept for the next tick, which mostly asks the same."""


@dataclass(frozen=True, slots=True)
class Batch:
    """SLOs (by their index) that one query asks for in slots of `resolution` seconds.

    All are of one datasource. The answer is brought to the slots of `span`.
    """

    slo_indices: tuple[SloIndex, ...]
    span: SlotRange
    resolution: int


@dataclass(slots=True)
class _Kept:
    """What is the same at every poll, as long as SLOs are measured as they are.

    It is replaced rather than emptied: threads work out parts of it meanwhile.
    """

    cuts: dict[tuple[tuple[SloIndex, ...], int, int], list[tuple[tuple[SloIndex, ...], int]]] = (
        field(default_factory=dict)
    )
    plans: dict[tuple[tuple[SloIndex, ...], int], tuple[Ways, Plan]] = field(default_factory=dict)
    arranged: dict[tuple[tuple[SloIndex, ...], int, bool], Arranged] = field(default_factory=dict)
    sizes: dict[tuple[SloIndex, int], Size] = field(default_factory=dict)
    written: dict[Kind, Written] = field(default_factory=dict)
    contexts: dict[tuple[SloIndex, int], QueryContext] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Server:
    """What a datasource's server does: see `QueryContext`; how long a query of it may be."""

    closed: bool = False
    blind_to_resets: bool = False
    longest_query: int = SHORT_QUERY


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
            [0 if slo.parts else clients[slo.datasource].settings.scrape_interval for slo in slos]
        )
        # The usual way to measure first; what was found to work moves to the front.
        self.indicators = [list(indicators(slo.sli, slo.group_by)) for slo in slos]
        self._servers = dict.fromkeys(clients, Server())
        self._kept = _Kept()
        self._alone: set[SloIndex] = set()
        self._plain = [not (slo.group_by or slo.timeslices or slo.maintenance) for slo in slos]
        self._most: dict[tuple[str, int, int], int] = {}
        self._behind: list[Behind | None] = [None] * len(slos)

    def _forget(self) -> None:
        self._kept = _Kept()

    def _forget_cuts(self) -> None:
        self._kept = replace(self._kept, cuts={})

    def note_server(self, datasource: str, server: Server) -> None:
        """Note what a datasource's server does."""
        if server != self._servers[datasource]:
            self._servers[datasource] = server
            self._forget()

    def note_refused(self, slo_index: SloIndex, *, refused: bool) -> None:
        """Note whether an SLO's own query is refused: it is not asked with others, then."""
        if refused != (slo_index in self._alone):
            (self._alone.add if refused else self._alone.discard)(slo_index)
            self._forget_cuts()

    def note_too_large(self, slo_indices: Sequence[SloIndex], span: SlotRange) -> None:
        """Note that SLOs are too many for one query: the halves of them are answered."""
        key = self._slos[slo_indices[0]].datasource, span.slot, span.count
        self._most[key] = max(1, min(self._most.get(key, MOST_TOGETHER), len(slo_indices) // 2))
        self._forget_cuts()

    def note_scrape_intervals(self, measured: Mapping[SloIndex, float]) -> list[SloIndex]:
        """Note how often series are scraped (seconds); of which SLOs that changes anything."""
        changed = [s for s, seconds in measured.items() if self.scrape_intervals.note(s, seconds)]
        self._most.clear()  # from time to time, as it may have been a bad moment
        if changed:
            self._forget()
        return changed

    def prefer(self, slo_index: SloIndex, way: Indicator) -> None:
        """Measure an SLO in another of its ways from now on."""
        others = (each for each in self.indicators[slo_index] if each != way)
        self.indicators[slo_index] = [way, *others]
        self._forget()

    def _of(self, slo_index: SloIndex) -> Behind:
        found, way = self._behind[slo_index], self.indicators[slo_index][0]
        if found is None or found.way is not way:
            found = self._behind[slo_index] = Behind.of(way)
        return found

    def selectors(self, slo_index: SloIndex) -> Sequence[Selector]:
        """The counters behind an SLO (by its index), as it is measured now.

        Those whose series another one selects as well are left out.
        """
        return self._of(slo_index).selectors

    def native_selectors(self, slo_index: SloIndex) -> Sequence[Selector]:
        """Those of them that are native histograms."""
        return self._of(slo_index).native

    def sampled(self, slo_index: SloIndex) -> Sequence[Selector]:
        """What an SLO's events are counted from: its counters, or the gauge of a probe."""
        return self.selectors(slo_index) or self.counted(slo_index)

    def counted(self, slo_index: SloIndex) -> Sequence[Selector]:
        """What of that is told from other samples by the number of them alone."""
        return self._of(slo_index).counted

    def slack(self, slo_index: SloIndex) -> int:
        """How many seconds of events an SLO's counters may be apart: a scrape at each end."""
        if self._of(slo_index).together:
            return 0
        return max(2 * self._interval, self.scrape_intervals.lookbacks[slo_index])

    def newest_of(self, slo: Slo) -> tuple[str, ...]:
        """What is asked for the finest slot of an SLO; nothing if it is not one of ours, or made of
        others."""
        slo_index = self._index(slo)
        if slo_index is None or self._slos[slo_index].parts:
            return ()
        slices = self._slos[slo_index].timeslices
        return tuple(self.expressions(slo_index, slices.slice if slices else self._interval))

    def way_of(self, slo: Slo) -> Indicator | None:
        """How an SLO is measured now; None if it is not one of ours, or made of others."""
        slo_index = self._index(slo)
        if slo_index is None or self._slos[slo_index].parts:
            return None
        return self.indicators[slo_index][0]

    def _index(self, slo: Slo) -> SloIndex | None:
        name = slo.service, slo.name
        found = (s for s, each in enumerate_slos(self._slos) if (each.service, each.name) == name)
        return next(found, None)

    def batches(self, slo_indices: Sequence[SloIndex], span: SlotRange) -> list[Batch]:
        """Cut SLOs (by their index) into groups that one query can ask for."""
        key = (tuple(slo_indices), span.slot, span.count)
        kept = self._kept.cuts
        cuts = kept.get(key)
        if cuts is None:
            if len(kept) > MAX_REMEMBERED:
                kept.clear()
            cuts = kept[key] = self._cut(slo_indices, span)
        return [Batch(those, span, resolution) for those, resolution in cuts]

    def _cut(
        self, slo_indices: Sequence[SloIndex], span: SlotRange
    ) -> list[tuple[tuple[SloIndex, ...], int]]:
        together: dict[tuple[str, int], list[SloIndex]] = defaultdict(list)
        for slo_index in slo_indices:
            slo = self._slos[slo_index]
            resolution = slo.timeslices.slice if slo.timeslices else span.slot
            together[slo.datasource, resolution].append(slo_index)
        found = []
        for (datasource, resolution), those in together.items():
            slots = span.at(resolution).count
            limits = Limits.of(
                slots,
                chars=self._servers[datasource].longest_query,
                slos=self._most.get((datasource, resolution, slots), MOST_TOGETHER),
            )
            sizes = {slo_index: self._size(slo_index, resolution) for slo_index in those}
            cuts = cut(sizes, limits, alone=self._alone)
            found += [(cut_, resolution) for cut_ in cuts]
        return found

    def _size(self, slo_index: SloIndex, slot: int) -> Size:
        kept = self._kept.sizes
        found = kept.get((slo_index, slot))
        if found is None:
            groups = GROUPS if self._slos[slo_index].group_by else 1
            asked = self._asked(slo_index, self.indicators[slo_index][0], slot)
            found = kept[slo_index, slot] = size_of(asked, groups, self._kept.written)
        return found

    def context(self, slo_index: SloIndex, slot: int) -> QueryContext:
        kept = self._kept.contexts
        found = kept.get((slo_index, slot))
        if found is None:
            found = kept[slo_index, slot] = self._context(slo_index, slot)
        return found

    def _context(self, slo_index: SloIndex, slot: int) -> QueryContext:
        slo = self._slos[slo_index]
        return QueryContext(
            group_by=slo.group_by,
            slot=slot,
            interval=self._interval,
            # Two scrapes: should one of them fail, the other still tells where the counter stood.
            lookback=self.scrape_intervals.lookbacks[slo_index],
            closed=self._servers[slo.datasource].closed,
            blind_to_resets=self._servers[slo.datasource].blind_to_resets,
        )

    def expressions(self, slo_index: SloIndex, slot: int) -> list[str]:
        asked = self._asked(slo_index, self.indicators[slo_index][0], slot)
        return [question.text(context) for question, context in asked]

    def _asked(self, slo_index: SloIndex, way: Indicator, slot: int) -> list[Asked]:
        context = self.context(slo_index, slot)
        return [(question, context) for question in way.questions]

    def _plan(self, slo_indices: Sequence[SloIndex], ways: Ways, slot: int) -> Plan:
        """The query for a batch, the places of its SLOs' questions in turn; the same every tick."""
        key = (tuple(slo_indices), slot)
        kept = self._kept.plans
        found = kept.get(key)
        if found is None or found[0] != ways:
            if len(kept) > MAX_REMEMBERED:
                kept.clear()
            asked = (
                each
                for slo_index, way in zip(slo_indices, ways, strict=True)
                for each in self._asked(slo_index, way, slot)
            )
            found = kept[key] = ways, plan(asked)
        return found[1]

    def arranged(self, slo_indices: Sequence[SloIndex], slot: int, *, judged: bool) -> Arranged:
        """The query for a batch, and which of its SLOs are counted together.

        `judged` tells whether counts of counters that are read apart are judged then. The first
        time it takes long.
        """
        key = (tuple(slo_indices), slot, judged)
        kept = self._kept.arranged
        # Of one moment: another task may move a way to the front meanwhile.
        ways = tuple(self.indicators[slo_index][0] for slo_index in slo_indices)
        found = kept.get(key)
        if found is None or found.ways != ways:
            if len(kept) > MAX_REMEMBERED:
                kept.clear()

            def manner(slo_index: SloIndex, way: Indicator) -> Manner | None:
                if not self._plain[slo_index]:
                    return None
                slack, others = self.slack(slo_index), len(self.indicators[slo_index]) > 1
                kept_slack = slack if judged or not slack else None
                return Manner(way, self.context(slo_index, slot), others, kept_slack)

            planned = self._plan(slo_indices, ways, slot)
            found = kept[key] = arrange(planned, slo_indices, ways, manner)
        return found
