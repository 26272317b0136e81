"""From a span of slots to counts: one batch of questions to Prometheus, and its answers read."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from exporter.collection.decoding import SliError, knows_native_histograms, read_answer
from exporter.collection.queries import Batch, Queries
from exporter.collection.resample import Resampled, by_slices, resample, take_out_impossible
from exporter.collection.slot_range import Counts, SlotRange, joined
from exporter.collection.unknown_slots import Reason, UnknownSlots
from exporter.ledger.levels import MIDDLE_SLOT
from exporter.prometheus.answers import Series
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError, QueryRefusedError
from exporter.prometheus.indicators import Counters, Indicator
from exporter.prometheus.promql import PART_LABEL, batch
from exporter.slo.maintenance import excluded
from exporter.slo.model import Slo
from exporter.slo.types import Group, SloIndex

MAX_SLOTS = 5_000
"""Slots asked for at once; Prometheus answers 11,000 points of a series at the most."""


MOST_PARTS = 64
"""Parts that a span whose query is refused is asked for in; what is refused then is not known."""

Part = dict[Group, Counts] | SliError | PrometheusError
"""What came back for one SLO and a span: counts per group, or why there are none."""

Answer = dict[Group, Resampled] | SliError | PrometheusError
"""What came back for one SLO: counts per group, or why there are none."""


class SlotCounter:
    """Counts the events of SLOs in spans of slots of the evaluation interval or longer.

    `clients` has one for the datasource of every SLO.
    """

    def __init__(
        self, clients: Mapping[str, PrometheusClient], slos: Sequence[Slo], interval: int
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._interval = interval
        self.queries = Queries(clients, slos, interval)
        self._unknown = UnknownSlots()

    def unknown(self, since: float) -> dict[SloIndex, str]:
        """Why SLOs' newest slots since then (Unix seconds) that are not known are not."""
        return self._unknown.newest(since)

    def invalid(self, at: float) -> dict[SloIndex, dict[Group, str]]:
        """Why no figure of groups can be right at a moment (Unix seconds), as their slots prove."""
        return self._unknown.invalid(at)

    async def count(self, wanted: Batch) -> dict[SloIndex, Answer]:
        """Count the events of a batch; nobody but its own datasource is asked.

        A query that Prometheus refuses is asked again in halves, by SLO and then by time, so
        that one SLO's mistake stays its own, one refused slot is one unknown slot, and a limit of
        Prometheus's is met.

        Raises:
            UnavailableError: Prometheus did not answer.
        """
        datasource = self._slos[wanted.slo_indices[0]].datasource
        client = self._clients[datasource]
        self.queries.note_server(
            datasource,
            closed=await client.ranges_closed(),
            blind_to_resets=await client.blind_to_resets(),
        )
        span = wanted.span.at(wanted.resolution)
        answers: dict[SloIndex, Answer] = {}
        for slo_index, counts in (await self._count(wanted.slo_indices, span)).items():
            if not isinstance(counts, dict):
                answers[slo_index] = counts
                continue
            answers[slo_index] = await self._resample(slo_index, counts, span, wanted.span)
        return answers

    async def _resample(
        self, slo_index: SloIndex, counts: dict[Group, Counts], span: SlotRange, target: SlotRange
    ) -> dict[Group, Resampled]:
        """Apply time slices and maintenance windows, and bring counts to the target's slots."""
        slo = self._slos[slo_index]
        if slo.timeslices:
            slack, noting = self.queries.slack(slo_index), self._unknown.noting
            counts = {
                group: by_slices(item, slo.timeslices, slack, noting(slo_index, span, group))
                for group, item in counts.items()
            }
        share = None
        if slo.maintenance:
            share = excluded(slo.maintenance, span.start, span.slot, span.count)
        out = None if share is None else share > 0
        resampled = {group: resample(item, out, target.count) for group, item in counts.items()}
        if not slo.timeslices and span.slot > self._interval:
            fine = self._unknown.among(slo_index, span)
            if share is not None:
                fine.update(((share > 0) & (share < 1)).nonzero()[0].tolist())
            for i in sorted(fine):
                part = await self._resample_fine(slo_index, span.one(i))
                for group in part.keys() - resampled.keys():
                    resampled[group] = resample(Counts.absent(span.count), out, target.count)
                nothing = resample(Counts.absent(1), None if out is None else out[:1], 1)
                for group, whole in resampled.items():
                    whole.put(i, part.get(group, nothing))
        # Counters that are read apart need longer: their finest slots are judged in the state.
        slack = self.queries.slack(slo_index)
        if not slack or target.slot >= MIDDLE_SLOT:
            for group, item in resampled.items():
                note = self._unknown.noting(slo_index, target, group)
                take_out_impossible(item, target.slot, slack, note)
        return resampled

    async def _resample_fine(
        self, slo_index: SloIndex, coarse: SlotRange
    ) -> dict[Group, Resampled]:
        """Count a coarse slot by the fine slots in it, of which only some are known or left out."""
        fine = coarse.at(self._interval)
        answer = (await self._count((slo_index,), fine))[slo_index]
        if not isinstance(answer, dict):
            reason = Reason(f"Prometheus refuses slots: {answer}")
            self._unknown.note(slo_index, coarse, {(coarse.end, ()): reason})
            return {}
        windows = self._slos[slo_index].maintenance
        out = excluded(windows, fine.start, fine.slot, fine.count) > 0 if windows else None
        return {group: resample(item, out, 1) for group, item in answer.items()}

    async def _count(
        self, slo_indices: Sequence[SloIndex], span: SlotRange
    ) -> dict[SloIndex, Part]:
        """Count a span; what is refused is asked for again in parts, by SLO and then by time."""
        if span.count > MAX_SLOTS:
            return await self._count_by_time(slo_indices, span)
        try:
            answers = await self._attempt(slo_indices, span)
        except QueryRefusedError as error:
            if len(slo_indices) > 1:
                half = len(slo_indices) // 2
                first = await self._count(slo_indices[:half], span)
                return first | await self._count(slo_indices[half:], span)
            answers = {slo_indices[0]: error}
        for slo_index, answer in answers.items():
            if isinstance(answer, QueryRefusedError) and span.count > 1:
                answers[slo_index] = await self._count_around(slo_index, span, answer)
        return answers

    async def _attempt(
        self, slo_indices: Sequence[SloIndex], span: SlotRange
    ) -> dict[SloIndex, Part]:
        """Ask for all of it at once.

        Raises:
            QueryRefusedError: Prometheus refuses the query.
        """
        # Another task may move a way to the front while this one waits for its answer.
        ways = [self.queries.indicators[slo_index][0] for slo_index in slo_indices]
        series = await self._range_query(
            self._client(slo_indices[0]), *self.queries.text(slo_indices, span.slot), span
        )
        answers: dict[SloIndex, Part] = {}
        for slo_index, way in zip(slo_indices, ways, strict=True):
            await asyncio.sleep(0)  # one SLO at a time, so that others get to the loop in between
            parts = [series.pop(0) for _ in way.selectors]
            try:
                answers[slo_index] = await self._read(slo_index, way, span, parts)
            except (SliError, QueryRefusedError) as error:
                answers[slo_index] = error
        return answers

    async def _attempt_one(self, slo_index: SloIndex, span: SlotRange) -> Part:
        try:
            return (await self._attempt((slo_index,), span))[slo_index]
        except QueryRefusedError as error:
            return error

    async def _count_around(
        self, slo_index: SloIndex, span: SlotRange, refusal: QueryRefusedError
    ) -> Part:
        """Count what Prometheus does not refuse of a span whose query it refuses as a whole.

        The slots that it refuses are not known. If the newest, the oldest and the middle one are
        among them, all are taken to be.
        """
        for i in (span.count - 1, 0, span.count // 2):
            if not isinstance(await self._attempt_one(slo_index, span.one(i)), QueryRefusedError):
                break
        else:
            return refusal
        left = MOST_PARTS

        async def split(part: SlotRange) -> Part:
            nonlocal left
            halves = part.halves()
            counted = []
            for half in halves:
                left -= 1
                answer = await self._attempt_one(slo_index, half)
                if isinstance(answer, QueryRefusedError):
                    if half.count > 1 and left > 0:
                        answer = await split(half)
                    else:
                        reason = Reason(f"Prometheus refuses slots: {answer}")
                        ends = [(half.one(i).end, ()) for i in range(half.count)]
                        self._unknown.note(slo_index, half, dict.fromkeys(ends, reason))
                        answer = {}
                if not isinstance(answer, dict):
                    return answer
                counted.append(answer)
            return joined(counted[0], counted[1], halves)

        return await split(span)

    async def _count_by_time(
        self, slo_indices: Sequence[SloIndex], span: SlotRange
    ) -> dict[SloIndex, Part]:
        spans = span.halves()
        newer = await self._count(slo_indices, spans[1])
        # What cannot be asked for now would not be answered for earlier either.
        rest = [slo_index for slo_index in slo_indices if isinstance(newer[slo_index], dict)]
        older = await self._count(rest, spans[0]) if rest else {}
        for slo_index, before in older.items():
            after = newer[slo_index]
            if isinstance(before, dict) and isinstance(after, dict):
                newer[slo_index] = joined(before, after, spans)
            else:
                newer[slo_index] = before
        return newer

    def _client(self, slo_index: SloIndex) -> PrometheusClient:
        return self._clients[self._slos[slo_index].datasource]

    async def _range_query(
        self, client: PrometheusClient, query: str, count: int, span: SlotRange
    ) -> list[list[Series]]:
        """Ask for a batch of `count` expressions: the series of each."""
        series = await client.range_query(query, span.start + span.slot, span.end, span.slot)
        parts: dict[str, list[Series]] = defaultdict(list)
        for each in series:
            parts[each.labels.get(PART_LABEL, "")].append(each)
        return [parts[str(number)] for number in range(count)]

    async def _read(
        self,
        slo_index: SloIndex,
        way: Indicator,
        span: SlotRange,
        parts: Sequence[Sequence[Series]],
    ) -> dict[Group, Counts]:
        """Make counts of an answer; try the other way to measure where this one found nothing.

        Raises:
            SliError: the histogram has no such bucket bound.
            PrometheusError: a further query was not answered.
        """
        ways = self.queries.indicators[slo_index]
        found = await self._make_counts(slo_index, way, span, parts)
        for other in [other for other in ways if other is not way]:
            # All that the second way knows the first leaves out; what is found of it is kept, then.
            if found and not (isinstance(way, Counters) and way.leaves_out(parts)):
                break
            try:
                expressions = other.expressions(self.queries.context(slo_index, span.slot))
                series = await self._range_query(
                    self._client(slo_index), batch(expressions), len(expressions), span
                )
            except QueryRefusedError:
                if await knows_native_histograms(self._client(slo_index), span.end):
                    raise
                continue
            others = await self._make_counts(slo_index, other, span, series)
            if others:
                found = others
                self.queries.prefer(slo_index, other)
        return found

    async def _make_counts(
        self,
        slo_index: SloIndex,
        way: Indicator,
        span: SlotRange,
        parts: Sequence[Sequence[Series]],
    ) -> dict[Group, Counts]:
        context = self.queries.context(slo_index, span.slot)
        sli = self._slos[slo_index].sli
        client = self._client(slo_index)
        decoded = await read_answer(client, sli, way, context, span=span, parts=parts)
        self._unknown.note(slo_index, span, decoded.doubts)
        return decoded.counts
