"""From a span of slots to counts as they were asked for: refusals, halves, and what is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.collection.answer_reader import Answered, AnswerReader, Part, ask_planned
from exporter.collection.arranged import Alike, Arranged
from exporter.collection.blocks import Block, LongSlots, blocks, long_slots
from exporter.collection.queries import Queries
from exporter.collection.rows import Rows
from exporter.collection.slot_range import SlotRange, joined
from exporter.collection.together import Together
from exporter.collection.unknown_slots import Reason, UnknownSlots
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import QueryRefusedError
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex

MAX_SLOTS = 5_000
"""Slots asked for at once; Prometheus answers 11,000 points of a series at the most."""


MOST_PARTS = 64
"""Parts that a span whose query is refused is asked for in; what is refused then is not known."""


@dataclass(slots=True)
class Parts:
    """What came back for SLOs and a span: many of them at once in blocks, others by themselves."""

    blocks: list[Block] = field(default_factory=list)
    of_slos: dict[SloIndex, Part] = field(default_factory=dict)

    def add(self, other: Parts) -> None:
        """Add what came back for other SLOs."""
        self.blocks += other.blocks
        self.of_slos |= other.of_slos


def _dealt_out(
    arranged: Arranged, together: Sequence[Alike], rows: Rows
) -> tuple[list[Block], list[Answered]]:
    """The SLOs that are counted together, and the rows of those that are read one by one."""
    counted = blocks(together, rows)
    left = set(arranged.slo_indices)
    for block in counted:
        left.difference_update(block.slo_indices)
    answers: list[Answered] = [
        (slo_index, way, [rows.at(place) for place in places])
        for slo_index, way, places in arranged.of(left)
    ]
    return counted, answers


class SpanCounter:
    """Counts the events of SLOs in spans of slots, each in its own resolution.

    `unknown` is told why slots are not known. What is asked about raw samples goes through
    `together`, by datasource.
    """

    def __init__(
        self,
        clients: Mapping[str, PrometheusClient],
        slos: Sequence[Slo],
        queries: Queries,
        unknown: UnknownSlots,
        together: Mapping[str, Together],
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._queries = queries
        self._unknown = unknown
        self._together = together
        self._reader = AnswerReader(slos, queries, unknown)

    async def count(
        self, slo_indices: Sequence[SloIndex], span: SlotRange, judged: bool | None = None
    ) -> Parts:
        """Count a span; what is refused is asked for again in parts, by SLO and then by time.

        Args:
            slo_indices: SLOs of one datasource.
            span: the slots.
            judged: whether counts of counters that are read apart are judged here. None: no SLOs
                are counted together.

        Raises:
            UnavailableError: Prometheus did not answer.
        """
        if span.count > MAX_SLOTS:
            return Parts(of_slos=await self._count_by_time(slo_indices, span))
        try:
            found = await self._attempt(slo_indices, span, judged)
        except QueryRefusedError as error:
            if len(slo_indices) > 1:
                return await self._count_halves(slo_indices, span, judged)
            found = Parts(of_slos={slo_indices[0]: error})
        if len(slo_indices) == 1:
            refused = isinstance(found.of_slos.get(slo_indices[0]), QueryRefusedError)
            self._queries.note_refused(slo_indices[0], refused=refused)
        for slo_index, answer in found.of_slos.items():
            if isinstance(answer, QueryRefusedError) and span.count > 1:
                found.of_slos[slo_index] = await self._count_around(slo_index, span, answer)
        return found

    async def _count_halves(
        self, slo_indices: Sequence[SloIndex], span: SlotRange, judged: bool | None
    ) -> Parts:
        half = len(slo_indices) // 2
        found = await self.count(slo_indices[:half], span, judged)
        found.add(await self.count(slo_indices[half:], span, judged))
        if not any(isinstance(each, QueryRefusedError) for each in found.of_slos.values()):
            self._queries.note_too_large(slo_indices, span)
        return found

    async def _attempt(
        self, slo_indices: Sequence[SloIndex], span: SlotRange, judged: bool | None = None
    ) -> Parts:
        """Ask for all of it at once.

        Raises:
            QueryRefusedError: Prometheus refuses the query.
        """
        datasource = self._slos[slo_indices[0]].datasource
        arranged = await self._arranged(slo_indices, span.slot, judged=bool(judged))
        rows = await ask_planned(self._clients[datasource], arranged.plan, span)
        together = () if judged is None else arranged.alike
        found = Parts()
        found.blocks, answers = await asyncio.to_thread(_dealt_out, arranged, together, rows)
        for block in found.blocks:
            self._unknown.note_none(block.slo_indices, span)
        asking = self._clients[datasource], self._together[datasource]
        found.of_slos = await self._reader.read(*asking, answers, span)
        return found

    async def count_long(self, slo_indices: Sequence[SloIndex], span: SlotRange) -> list[LongSlots]:
        """Count slots that are to stand in for shorter ones; see `blocks.long_slots`.

        SLOs whose query is refused are left out, too.

        Raises:
            UnavailableError: Prometheus did not answer.
        """
        arranged = await self._arranged(slo_indices, span.slot, judged=True)
        try:
            rows = await ask_planned(self._client(slo_indices[0]), arranged.plan, span)
        except QueryRefusedError:
            if len(slo_indices) == 1:
                return []
            half = len(slo_indices) // 2
            older = await self.count_long(slo_indices[:half], span)
            return older + await self.count_long(slo_indices[half:], span)
        return await asyncio.to_thread(long_slots, arranged.alike, rows)

    async def _arranged(
        self, slo_indices: Sequence[SloIndex], slot: int, *, judged: bool
    ) -> Arranged:
        """See `Queries.arranged`."""
        return await asyncio.to_thread(self._queries.arranged, slo_indices, slot, judged=judged)

    async def _attempt_one(self, slo_index: SloIndex, span: SlotRange) -> Part:
        try:
            return (await self._attempt((slo_index,), span)).of_slos[slo_index]
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
        newer = (await self.count(slo_indices, spans[1])).of_slos
        # What cannot be asked for now would not be answered for earlier either.
        rest = [slo_index for slo_index in slo_indices if isinstance(newer[slo_index], dict)]
        older = (await self.count(rest, spans[0])).of_slos if rest else {}
        for slo_index, before in older.items():
            after = newer[slo_index]
            if isinstance(before, dict) and isinstance(after, dict):
                newer[slo_index] = joined(before, after, spans)
            else:
                newer[slo_index] = before
        return newer

    def _client(self, slo_index: SloIndex) -> PrometheusClient:
        return self._clients[self._slos[slo_index].datasource]
