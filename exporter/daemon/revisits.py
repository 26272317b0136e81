"""Looks again at slots that have settled, and has those counted again whose samples came later."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

import structlog

from exporter.collection.late_samples import SampleChecksums
from exporter.collection.reading_order import Step
from exporter.collection.slot_range import SlotRange
from exporter.daemon.asking import Asking
from exporter.daemon.exclusive import Exclusive
from exporter.prometheus.errors import UnavailableError
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex
from exporter.state.evaluation_state import EvaluationState
from exporter.state.revisiting import TakenOver

MOST_TOLD = 3
"""SLOs that are named in the log, of those whose slots are counted again at once."""


class Revisits:
    """Looks at one datasource's SLOs at a time; `state` gives the state that answers go into."""

    def __init__(
        self,
        slos: Sequence[Slo],
        state: Callable[[], EvaluationState],
        checksums: SampleChecksums,
        asking: Asking,
        turns: Exclusive,
    ) -> None:
        self._slos = slos
        self._state = state
        self._checksums = checksums
        self._asking = asking
        self._turns = turns
        self._log = structlog.get_logger()

    async def look(self, slo_indices: Collection[SloIndex]) -> bool:
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
        self._tell(taken)
        return bool(taken)

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

    def _tell(self, taken: Sequence[TakenOver]) -> None:
        told = [each for each in taken if each.bad or each.total]
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


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
