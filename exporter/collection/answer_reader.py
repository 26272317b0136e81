"""Answers read SLO by SLO, with what has to be asked besides: raw samples, another way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.collection.decoding import SliError, knows_native_histograms, read_answer
from exporter.collection.planner import Plan, plan
from exporter.collection.queries import Queries
from exporter.collection.rows import Row, Rows
from exporter.collection.slot_range import Counts, SlotRange
from exporter.collection.together import Together
from exporter.collection.unknown_slots import UnknownSlots
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError, QueryRefusedError
from exporter.prometheus.indicators import Counters, Indicator
from exporter.slo.model import Slo
from exporter.slo.types import Group, SloIndex

Part = dict[Group, Counts] | SliError | PrometheusError
"""What came back for one SLO and a span: counts per group, or why there are none."""

Answered = tuple[SloIndex, Indicator, Sequence[Sequence[Row]]]
"""An SLO, the way in which it was measured, and the rows that answer each of its questions."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Whom an answer is of, how it is asked about raw samples, and the slots."""

    client: PrometheusClient
    together: Together
    span: SlotRange


async def ask_planned(client: PrometheusClient, planned: Plan, span: SlotRange) -> Rows:
    """Ask for a span.

    Raises:
        PrometheusError: it was not answered.
    """
    first = span.start + span.slot
    series = await client.range_query(planned.text, first, span.end, span.slot)
    return await asyncio.to_thread(Rows, planned, series, span)


_Others = Sequence[tuple[SloIndex, Indicator]]
"""SLOs, and another way to measure each."""


class AnswerReader:
    """Makes counts of answers; `unknown` is told why slots are not known."""

    def __init__(self, slos: Sequence[Slo], queries: Queries, unknown: UnknownSlots) -> None:
        self._slos = slos
        self._queries = queries
        self._unknown = unknown

    async def read(
        self,
        client: PrometheusClient,
        together: Together,
        answers: Sequence[Answered],
        span: SlotRange,
    ) -> dict[SloIndex, Part]:
        """Read the answers of some SLOs; what they ask about raw samples is asked together.

        Raises:
            UnavailableError: a further query was not answered.
        """
        source = _Source(client, together, span)
        found = await self._read_all(answers, source)
        others = [
            (slo_index, other)
            for slo_index, way, parts in answers
            # All that the second way knows the first leaves out; what is found of it is kept, then.
            if found[slo_index] == {} or (isinstance(way, Counters) and way.leaves_out(parts))
            if isinstance(found[slo_index], dict)
            for other in self._queries.indicators[slo_index]
            if other is not way
        ]
        return found | (await self._read_others(others, source) if others else {})

    async def _read_all(self, answers: Sequence[Answered], source: _Source) -> dict[SloIndex, Part]:
        tasks = [self._read_one(answer, source) for answer in answers]
        return dict(await source.together.run(tasks))

    async def _read_one(self, answer: Answered, source: _Source) -> tuple[SloIndex, Part]:
        slo_index, way, parts = answer
        try:
            return slo_index, await self._make_counts(slo_index, way, parts, source)
        except (SliError, QueryRefusedError) as error:
            return slo_index, error

    async def _read_others(self, others: _Others, source: _Source) -> dict[SloIndex, Part]:
        """Measure SLOs in other ways; what is found so is how they are measured from now on.

        Raises:
            UnavailableError: a query was not answered.
        """
        planned = plan(
            (question, self._queries.context(slo_index, source.span.slot))
            for slo_index, way in others
            for question in way.questions
        )
        half = len(others) // 2
        halves = [others[:half], others[half:]] if half else []
        try:
            if halves and len(planned.text) > await source.client.longest_query():
                return await self._read_halves(halves, source)
            rows = await ask_planned(source.client, planned, source.span)
        except QueryRefusedError as error:
            if not await knows_native_histograms(source.client, source.span.end):
                return {}
            return await self._read_halves(halves, source) if halves else {others[0][0]: error}
        places = iter(planned.places)
        answers = [
            (slo_index, way, [rows.at(next(places)) for _ in way.questions])
            for slo_index, way in others
        ]
        found = {s: part for s, part in (await self._read_all(answers, source)).items() if part}
        for slo_index, way in others:
            if isinstance(found.get(slo_index), dict):
                self._queries.prefer(slo_index, way)
        return found

    async def _read_halves(
        self, halves: Sequence[_Others], source: _Source
    ) -> dict[SloIndex, Part]:
        first, second = [await self._read_others(each, source) for each in halves]
        return first | second

    async def _make_counts(
        self,
        slo_index: SloIndex,
        way: Indicator,
        parts: Sequence[Sequence[Row]],
        source: _Source,
    ) -> dict[Group, Counts]:
        span = source.span
        context = self._queries.context(slo_index, span.slot)
        sli = self._slos[slo_index].sli
        decoded = await read_answer(source.together, sli, way, context, span=span, parts=parts)
        self._unknown.note(slo_index, span, decoded.doubts)
        return decoded.counts
