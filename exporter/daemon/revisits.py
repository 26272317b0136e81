"""Looks again at slots that have settled, and has those counted again whose samples came later.

Those of the last hours are counted again at once; older ones are read again as a rebuild does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from exporter.collection.late_samples import SampleChecksums
from exporter.collection.queries import Queries
from exporter.collection.reading_order import Step
from exporter.collection.slot_range import SlotRange
from exporter.daemon.asking import Asking
from exporter.daemon.exclusive import Exclusive
from exporter.ledger.checksums import BLOCK
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.sample_queries import SummedUp, checksum, native_checksum, presence
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex
from exporter.state.evaluation_state import EvaluationState
from exporter.state.past_days import LateBlock
from exporter.state.rebuild_work import Rebuilt
from exporter.state.revisiting import TakenOver

MOST_TOLD = 3
"""SLOs that are named in the log, of those whose slots are counted again at once."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Tells of samples: by checksums, by how many series there are, and by sums of checksums."""

    checksums: SampleChecksums
    presence: SampleChecksums
    summed_up: SampleChecksums

    @classmethod
    def of(
        cls,
        clients: Mapping[str, PrometheusClient],
        slos: Sequence[Slo],
        queries: Queries,
        interval: int,
    ) -> Samples:
        """Those of SLOs; `clients` has one for the datasource of each.

        Sums are of slots of `interval` seconds.
        """
        sums = SummedUp(checksum, interval), SummedUp(native_checksum, interval)
        return cls(
            SampleChecksums(clients, slos, queries.sampled, queries.counted),
            SampleChecksums(clients, slos, queries.sampled, lambda _: (), (presence, presence)),
            SampleChecksums(clients, slos, queries.sampled, queries.counted, sums),
        )


class Revisits:
    """Looks at one datasource's SLOs at a time; `state` gives the state that answers go into.

    What is older than `reach` seconds is told of, and not counted again. `found` is how often
    samples were found to have come late.
    """

    def __init__(
        self,
        state: Callable[[], EvaluationState],
        samples: Samples,
        asking: Asking,
        turns: Exclusive,
        *,
        slos: Sequence[Slo],
        reach: int,
    ) -> None:
        self._slos = slos
        self._state = state
        self._checksums = samples.checksums
        self._presence = samples.presence
        self._summed_up = samples.summed_up
        self._asking = asking
        self._turns = turns
        self._reach = reach
        self._late: set[LateBlock] = set()
        self.found = 0
        self._log = structlog.get_logger()

    @property
    def left(self) -> int:
        """For how many slots of six hours samples came that are not counted."""
        return len(self._late)

    async def look(self, datasource: str, slo_indices: Collection[SloIndex]) -> bool:
        """Look at what is due of some SLOs of one datasource.

        Returns:
            Whether anything was counted again.

        Raises:
            UnavailableError: the datasource does not answer.
        """
        revisiting = self._state().revisiting
        due = await self._turns.run(revisiting.due, slo_indices)
        taken: list[TakenOver] = []
        for span, those in due.items():
            found = await self._checksums.ask(those, span)
            of_all = {slo_index: found.get(slo_index) for slo_index in those}
            again = await self._turns.run(revisiting.compare, span, of_all)
            for each, changed in again.items():
                taken += await self._count_again(each, changed)
        if self._tell(taken):
            self._state().revisiting.past.look_soon(datasource)
        await self._look_back(datasource, slo_indices)
        return bool(taken)

    async def _look_back(self, datasource: str, slo_indices: Collection[SloIndex]) -> None:
        """Look at what is due of the past, and have read again what there is more of."""
        revisiting = self._state().revisiting
        past, samples = revisiting.past, revisiting.past_samples
        due = await self._turns.run(past.due, datasource, slo_indices)
        for span, those in due.items():
            found = await self._presence.ask(those, span)
            of_all = {slo_index: found.get(slo_index) for slo_index in those}
            late = await self._turns.run(past.compare, datasource, span, of_all)
            await self._read_again(datasource, late)
        due = await self._turns.run(samples.due, datasource, slo_indices)
        for span, those in due.items():
            found = await self._summed_up.ask(those, span)
            of_all = {slo_index: found.get(slo_index) for slo_index in those}
            more = await self._turns.run(samples.compare, datasource, span, of_all)
            late = [LateBlock(slo_index, span.start, span.end) for slo_index in more]
            await self._read_again(datasource, late)

    async def _read_again(self, datasource: str, late: Sequence[LateBlock]) -> None:
        """Have blocks read again, or tell of those that are too old for that."""
        if not late:
            return
        state = self._state()
        samples = state.revisiting.past_samples
        again = [each for each in late if each.end > state.ledger.end - self._reach]
        async with self._turns:
            for each in again:
                # What came need not begin and end where one has looked.
                around = each.start - BLOCK, each.end + BLOCK
                state.rebuilds.begin(each.slo_index, *around)
                samples.read_again(each.slo_index, *around)
            samples.look_at_all(datasource)
        self.found += len(late)
        self._late |= set(late) - set(again)
        self._tell_late(again, taken=True)
        self._tell_late([each for each in late if each not in again], taken=False)

    def forget(self, done: Rebuilt) -> None:
        """Note that an SLO was read again."""
        self._late -= {
            each
            for each in self._late
            if each.slo_index == done.slo_index and done.since <= each.start <= done.until
        }

    def _tell_late(self, late: Sequence[LateBlock], *, taken: bool) -> None:
        slos = {each.slo_index for each in late}
        for slo_index in sorted(slos)[:MOST_TOLD]:
            slo, own = self._slos[slo_index], [e for e in late if e.slo_index == slo_index]
            since = _time(min(each.start for each in own))
            more = f"`ledger rebuild {slo.full_name} --since {since}` does so"
            self._log.warning(
                "samples came for days that were counted: they are read again"
                if taken
                else "samples came for days that were counted; evaluation.revisit leaves them",
                service=slo.service,
                slo=slo.name,
                datasource=slo.datasource,
                since=since,
                until=_time(max(each.end for each in own)),
                **({} if taken else {"to_read_them_again": more}),
                slos=len(slos),
            )

    async def _count_again(self, span: SlotRange, those: list[SloIndex]) -> list[TakenOver]:
        revisiting = self._state().revisiting
        found = await self._checksums.ask(those, span)
        await self._turns.run(revisiting.note_before, span, found)
        found = {}
        try:
            step = Step(0, {span: those}, urgent=False)
            await self._asking.ask_history(step, float(self._state().ledger.end))
            found = await self._checksums.ask(those, span)
        except UnavailableError:
            # What was answered is in force; the rest is looked at again.
            await self._turns.run(revisiting.take_over, span, those, {})
            raise
        return await self._turns.run(revisiting.take_over, span, those, found)

    def _tell(self, taken: Sequence[TakenOver]) -> bool:
        """Say what was counted again with another result; whether anything was."""
        told = [each for each in taken if each.bad or each.total]
        self.found += len(told)
        slos = {each.slo_index for each in told}
        for each in told[:MOST_TOLD]:
            slo, back = self._slos[each.slo_index], each.replayed_from
            self._log.warning(
                "samples came after their slots had settled: these were counted again",
                service=slo.service,
                slo=slo.name,
                datasource=slo.datasource,
                since=_time(each.start),
                until=_time(each.end),
                more_events=round(each.total, 3),
                more_bad_events=round(each.bad, 3),
                tiers="stand as they are" if back is None else f"replayed from {_time(back)}",
                slos=len(slos),
            )
        return bool(told)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
