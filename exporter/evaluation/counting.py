"""From a span of slots to counts: one batch of questions to Prometheus, and its answers read."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.evaluation.raw_slots import Group, count_slot
from exporter.prometheus.client import PrometheusClient, Series
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.promql import PART_LABEL, batch, counters, events
from exporter.prometheus.raw import is_number
from exporter.prometheus.selectors import Selector
from exporter.slo.model import LatencySli, Slo

Floats = NDArray[np.float64]

MAX_QUERY_CHARS = 12_000
"""VictoriaMetrics takes queries of up to 16 KiB by default."""

MAX_POINTS = 20_000
"""Points of one answer (slots x expressions), so that none grows beyond a few megabytes."""


class SliError(Exception):
    """An SLO's indicator does not fit what Prometheus holds."""


@dataclass(frozen=True, slots=True)
class Span:
    """The slots of `slot` seconds that lie in (start, end]; both are slot boundaries."""

    start: int
    end: int
    slot: int

    @property
    def count(self) -> int:
        """How many slots there are."""
        return (self.end - self.start) // self.slot


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of one group in each slot of a span; `total` is NaN where nothing is known."""

    bad: Floats
    total: Floats


Answer = dict[Group, Counts] | SliError | PrometheusError
"""What came back for one SLO: counts per group, or why there are none."""


class SlotCounter:
    """Counts the events of SLOs in spans of slots."""

    def __init__(self, client: PrometheusClient, slos: Sequence[Slo]) -> None:
        self._client = client
        self._slos = slos
        self._counters = [counters(slo.sli) for slo in slos]
        # Two scrapes: should one of them fail, the other still tells where the counter stood.
        self._lookback = 2 * client.settings.scrape_interval

    def batches(self, sources: Sequence[int], span: Span) -> Iterator[list[int]]:
        """Cut SLOs (by their index) into groups that one query can ask for."""
        most = max(1, MAX_POINTS // (2 * span.count))
        batch_: list[int] = []
        size = 0
        for source in sources:
            length = sum(map(len, self._expressions(source, span.slot)))
            if batch_ and (len(batch_) >= most or size + length > MAX_QUERY_CHARS):
                yield batch_
                batch_, size = [], 0
            batch_.append(source)
            size += length
        if batch_:
            yield batch_

    async def count(self, sources: Sequence[int], span: Span) -> dict[int, Answer]:
        """Count the events of some SLOs in every slot of a span.

        A query that Prometheus refuses is asked again in halves, by SLO and then by time, so
        that one SLO's mistake stays its own and a limit of Prometheus's is met.

        Raises:
            UnavailableError: Prometheus did not answer.
        """
        expressions = [text for source in sources for text in self._expressions(source, span.slot)]
        try:
            series = await self._client.range_query(
                batch(expressions), span.start + span.slot, span.end, span.slot
            )
        except QueryRefusedError as error:
            return await self._count_halves(sources, span, error)
        parts: dict[str, list[Series]] = defaultdict(list)
        for one in series:
            parts[one.labels.get(PART_LABEL, "")].append(one)
        answers: dict[int, Answer] = {}
        for i, source in enumerate(sources):
            try:
                answers[source] = await self._read(
                    source, span, parts[str(2 * i)], parts[str(2 * i + 1)]
                )
            except (SliError, QueryRefusedError) as error:
                answers[source] = error
        return answers

    async def _count_halves(
        self, sources: Sequence[int], span: Span, error: QueryRefusedError
    ) -> dict[int, Answer]:
        if len(sources) > 1:
            half = len(sources) // 2
            first = await self.count(sources[:half], span)
            return first | await self.count(sources[half:], span)
        if span.count == 1:
            return {sources[0]: error}
        middle = span.start + span.count // 2 * span.slot
        newer = (await self.count(sources, Span(middle, span.end, span.slot)))[sources[0]]
        if not isinstance(newer, dict):
            return {sources[0]: newer}
        older = (await self.count(sources, Span(span.start, middle, span.slot)))[sources[0]]
        if not isinstance(older, dict):
            return {sources[0]: older}
        return {sources[0]: _joined(older, newer, span)}

    def _expressions(self, source: int, slot: int) -> tuple[str, str]:
        group_by = self._slos[source].group_by
        pair = self._counters[source]
        return (
            events(pair.total, group_by, slot, self._lookback),
            events(pair.part, group_by, slot, self._lookback),
        )

    async def _read(
        self, source: int, span: Span, total: Sequence[Series], part: Sequence[Series]
    ) -> dict[Group, Counts]:
        pair = self._counters[source]
        totals = await self._exact(source, pair.total, span, total)
        parts = await self._exact(source, pair.part, span, part)
        sli = self._slos[source].sli
        if isinstance(sli, LatencySli) and not parts and any(map(_some, totals.values())):
            await self._require_bound(sli, pair.part, span.end)
        counts = {}
        for group, all_events in totals.items():
            found = parts.get(group)
            part_events = np.full(span.count, np.nan) if found is None else found
            # A histogram has all of its buckets or none: without the bound nothing is known.
            unknown = np.isnan(part_events) & isinstance(sli, LatencySli)
            bad = np.nan_to_num(part_events)
            if pair.part_is_good:
                # A good counter may be born a sample before its total; that is not negative bad.
                bad = np.maximum(all_events - bad, 0.0)
            counts[group] = Counts(bad=bad, total=np.where(unknown, np.nan, all_events))
        return counts

    async def _exact(
        self, source: int, selector: Selector, span: Span, series: Sequence[Series]
    ) -> dict[Group, Floats]:
        """Put an answer into arrays, and count from raw samples where the answer asks for it."""
        group_by = self._slos[source].group_by
        values: dict[Group, Floats] = {}
        for one in series:
            group = tuple(one.labels.get(name, "") for name in group_by)
            array = values.setdefault(group, np.full(span.count, np.nan))
            for at, value in one.samples:
                column, off = divmod(at - span.start - span.slot, span.slot)
                if off or not 0 <= column < span.count:
                    raise UnavailableError(f"an answer for {at:.3f}, which was not asked for")
                # NaN comes of a counter that was NaN for a while: its other samples still count.
                array[int(column)] = np.inf if math.isnan(value) else value
        odd = {i for array in values.values() for i in np.flatnonzero(np.isinf(array))}
        for i in sorted(map(int, odd)):
            # Should the samples be gone by now, nothing is known of the slot any more.
            for array in values.values():
                array[i] = np.nan
            exact = await count_slot(
                self._client,
                selector,
                group_by,
                end=span.start + (i + 1) * span.slot,
                slot=span.slot,
                lookback=self._lookback,
            )
            for group, count in exact.items():
                values.setdefault(group, np.full(span.count, np.nan))[i] = count
        return values

    async def _require_bound(self, sli: LatencySli, bucket: Selector, at: int) -> None:
        """Tell whether the histogram has the bound at all.

        Raises:
            SliError: it does not; the message names the bounds there are.
        """
        every = bucket.without("le")
        found = await self._client.instant_query(f"count by (le) ({every})", at)
        bounds = sorted({float(le) for le in map(_le, found) if is_number(le)})
        if bounds and sli.threshold not in bounds:
            finite = ", ".join(f"{bound:g}" for bound in bounds if bound != float("inf"))
            raise SliError(
                f"threshold {sli.threshold:g} s is no bucket bound of {sli.histogram}; "
                f"the bounds there are (in seconds): {finite}"
            )


def _le(series: Series) -> str:
    return series.labels.get("le", "")


def _some(total: Floats) -> bool:
    return bool(np.nansum(total) > 0)


def _joined(
    older: dict[Group, Counts], newer: dict[Group, Counts], span: Span
) -> dict[Group, Counts]:
    """Two neighbouring halves of a span as one."""
    cut = span.count // 2
    absent = [Counts(np.zeros(n), np.full(n, np.nan)) for n in (cut, span.count - cut)]
    joined = {}
    for group in older.keys() | newer.keys():
        first, second = older.get(group, absent[0]), newer.get(group, absent[1])
        joined[group] = Counts(
            bad=np.concatenate((first.bad, second.bad)),
            total=np.concatenate((first.total, second.total)),
        )
    return joined
