"""From a span of slots to counts: one batch of questions to Prometheus, and its answers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.collection.blocks import Block, LongSlots
from exporter.collection.decoding import SliError
from exporter.collection.queries import Batch, Queries, Server
from exporter.collection.resample import Resampled, by_slices, resample, take_out_impossible
from exporter.collection.slot_range import Counts, SlotRange
from exporter.collection.span_counter import SpanCounter
from exporter.collection.together import Together
from exporter.collection.unknown_slots import Reason, UnknownSlots
from exporter.ledger.levels import MIDDLE_SLOT
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError
from exporter.slo.maintenance import excluded
from exporter.slo.model import Slo
from exporter.slo.types import Group, SloIndex

Answer = dict[Group, Resampled] | SliError | PrometheusError
"""What came back for one SLO: counts per group, or why there are none."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What came back for a batch: many SLOs at once in blocks, others by themselves."""

    blocks: list[Block]
    answers: dict[SloIndex, Answer]


class SlotCounter:
    """Counts the events of SLOs in spans of slots of the evaluation interval or longer.

    `clients` has one for the datasource of every SLO. Of history, half of `concurrency` queries
    about raw samples are under way at once at the most: that leaves room for the newest slots.
    """

    def __init__(
        self,
        clients: Mapping[str, PrometheusClient],
        slos: Sequence[Slo],
        interval: int,
        concurrency: int = 4,
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._interval = interval
        self.queries = Queries(clients, slos, interval)
        self._unknown = UnknownSlots()
        self._together = {
            history: {name: Together(client, at_once) for name, client in clients.items()}
            for history, at_once in ((False, concurrency), (True, max(1, concurrency // 2)))
        }
        self._spans = {
            history: SpanCounter(clients, slos, self.queries, self._unknown, together)
            for history, together in self._together.items()
        }

    def unknown(self, since: float) -> dict[SloIndex, str]:
        """Why SLOs' newest slots since then (Unix seconds) that are not known are not."""
        return self._unknown.newest(since)

    def invalid(self, at: float) -> dict[SloIndex, dict[Group, str]]:
        """Why no figure of groups can be right at a moment (Unix seconds), as their slots prove."""
        return self._unknown.invalid(at)

    def datasource(self, batch: Batch) -> str:
        """Whom a batch asks."""
        return self._slos[batch.slo_indices[0]].datasource

    async def meet(self, datasource: str) -> None:
        """Learn what a datasource's server does; each is asked once.

        Raises:
            UnavailableError: it did not answer.
        """
        client = self._clients[datasource]
        server = Server(
            closed=await client.ranges_closed(),
            blind_to_resets=await client.blind_to_resets(),
            longest_query=await client.longest_query(),
        )
        self.queries.note_server(datasource, server)

    async def count(self, wanted: Batch, *, history: bool = False) -> Counted:
        """Count the events of a batch; nobody but its own datasource is asked.

        What batches that are counted at the same time ask about raw samples is asked together, that
        of history by itself.

        A query that Prometheus refuses is asked again in halves, by SLO and then by time, so
        that one SLO's mistake stays its own, one refused slot is one unknown slot, and a limit of
        Prometheus's is met.

        Raises:
            UnavailableError: Prometheus did not answer.
        """
        datasource = self.datasource(wanted)
        await self.meet(datasource)
        with self._together[history][datasource].batch():
            return await self._count(wanted, self._spans[history])

    async def _count(self, wanted: Batch, spans: SpanCounter) -> Counted:
        span = wanted.span.at(wanted.resolution)
        judged = wanted.span.slot >= MIDDLE_SLOT
        parts = await spans.count(wanted.slo_indices, span, judged)
        answers: dict[SloIndex, Answer] = {}
        for slo_index, counts in parts.of_slos.items():
            if not isinstance(counts, dict):
                answers[slo_index] = counts
                continue
            answers[slo_index] = await self._resample(spans, slo_index, counts, span, wanted.span)
        return Counted(parts.blocks, answers)

    async def count_long(self, wanted: Batch) -> list[LongSlots]:
        """Count a batch's slots, which are to stand in for shorter ones: as far as it is cheap.

        SLOs of which nothing comes back, and slots that are odd, are to be counted as usual.

        Raises:
            UnavailableError: Prometheus did not answer.
        """
        await self.meet(self.datasource(wanted))
        return await self._spans[True].count_long(wanted.slo_indices, wanted.span)

    async def _resample(
        self,
        spans: SpanCounter,
        slo_index: SloIndex,
        counts: dict[Group, Counts],
        span: SlotRange,
        target: SlotRange,
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
                part = await self._resample_fine(spans, slo_index, span.one(i))
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
        self, spans: SpanCounter, slo_index: SloIndex, coarse: SlotRange
    ) -> dict[Group, Resampled]:
        """Count a coarse slot by the fine slots in it, of which only some are known or left out."""
        fine = coarse.at(self._interval)
        answer = (await spans.count((slo_index,), fine)).of_slos[slo_index]
        if not isinstance(answer, dict):
            reason = Reason(f"Prometheus refuses slots: {answer}")
            self._unknown.note(slo_index, coarse, {(coarse.end, ()): reason})
            return {}
        windows = self._slos[slo_index].maintenance
        out = excluded(windows, fine.start, fine.slot, fine.count) > 0 if windows else None
        return {group: resample(item, out, 1) for group, item in answer.items()}
