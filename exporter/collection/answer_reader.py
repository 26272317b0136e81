"""Answers read SLO by SLO, with what has to be asked besides: raw samples, another way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exporter.collection.decoding import SliError, knows_native_histograms, read_answer
from exporter.collection.planner import Plan, plan
from exporter.collection.queries import Queries
from exporter.collection.rows import Row, Rows
from exporter.collection.slot_range import Counts, SlotRange
from exporter.collection.together import AskRaw, RawQuestion, Together
from exporter.collection.unknown_slots import UnknownSlots
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError, QueryRefusedError
from exporter.prometheus.indicators import Counters, Indicator
from exporter.prometheus.matrix import Series
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
    ask: AskRaw
    span: SlotRange


async def ask_planned(client: PrometheusClient, planned: Plan, span: SlotRange) -> Rows:
    """Ask for a span.

    Raises:
        PrometheusError: it was not answered.
    """
    first = span.start + span.slot
    series = await client.range_query(planned.text, first, span.end, span.slot)
    return Rows(planned, series, span)


class AnswerReader:
    """Makes counts of answers; `unknown` is told why slots are not known."""

    def __init__(self, slos: Sequence[Slo], queries: Queries, unknown: UnknownSlots) -> None:
        self._slos = slos
        self._queries = queries
        self._unknown = unknown

    async def read(
        self, client: PrometheusClient, answers: Sequence[Answered], span: SlotRange
    ) -> dict[SloIndex, Part]:
        """Read the answers of some SLOs; what they ask about raw samples is asked together.

        Raises:
            UnavailableError: a further query was not answered.
        """

        async def alone(question: RawQuestion) -> Sequence[Series]:
            return await client.instant_query(question.text, question.at)

        found: dict[SloIndex, Part] = {}
        odd = []
        for answer in answers:
            slo_index, _, parts = answer
            if any(np.isinf(row.values).any() for rows in parts for row in rows):
                odd.append(answer)
                continue
            await asyncio.sleep(0)  # one SLO at a time, so that others get to the loop in between
            found[slo_index] = await self._read_one(answer, _Source(client, alone, span))
        together = Together(client.instant_query)
        source = _Source(client, together.series, span)
        read = [self._read_one(answer, source) for answer in odd]
        for answer, part in zip(odd, await together.run(read), strict=True):
            if isinstance(part, BaseException):
                raise part
            found[answer[0]] = part
        return found

    async def _read_one(self, answer: Answered, source: _Source) -> Part:
        slo_index, way, parts = answer
        try:
            return await self._read(slo_index, way, parts, source)
        except (SliError, QueryRefusedError) as error:
            return error

    async def _read(
        self,
        slo_index: SloIndex,
        way: Indicator,
        parts: Sequence[Sequence[Row]],
        source: _Source,
    ) -> dict[Group, Counts]:
        """Make counts of an answer; try the other way to measure where this one found nothing.

        Raises:
            SliError: the histogram has no such bucket bound.
            PrometheusError: a further query was not answered.
        """
        ways = self._queries.indicators[slo_index]
        found = await self._make_counts(slo_index, way, parts, source)
        for other in [other for other in ways if other is not way]:
            # All that the second way knows the first leaves out; what is found of it is kept, then.
            if found and not (isinstance(way, Counters) and way.leaves_out(parts)):
                break
            try:
                context = self._queries.context(slo_index, source.span.slot)
                planned = plan((question, context) for question in other.questions)
                rows = await ask_planned(source.client, planned, source.span)
            except QueryRefusedError:
                if await knows_native_histograms(source.client, source.span.end):
                    raise
                continue
            answers = [rows.at(place) for place in planned.places]
            others = await self._make_counts(slo_index, other, answers, source)
            if others:
                found = others
                self._queries.prefer(slo_index, other)
        return found

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
        decoded = await read_answer(
            source.client, source.ask, sli, way, context, span=span, parts=parts
        )
        self._unknown.note(slo_index, span, decoded.doubts)
        return decoded.counts
