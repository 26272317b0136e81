"""Asks for slots batch by batch, and has the answers written down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from exporter.collection import pending
from exporter.collection.queries import Batch
from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import Answer, SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.daemon.exclusive import Exclusive
from exporter.daemon.slo_problems import SloProblems
from exporter.prometheus.errors import UnavailableError
from exporter.slo.types import SloIndex
from exporter.state.evaluation_state import EvaluationState


class Asking:
    """Asks for the slots of a level; `state` gives the state that answers are written into."""

    def __init__(
        self,
        counter: SlotCounter,
        state: Callable[[], EvaluationState],
        problems: SloProblems,
        turns: Exclusive,
        settings: EvaluationSettings,
    ) -> None:
        self._counter = counter
        self._state = state
        self._problems = problems
        self._turns = turns
        self._settle = settings.settle
        # Twice what may be asked at once: while some answers are read, others are waited for.
        # History leaves room for the newest slots.
        counts = {0: 2 * settings.concurrency, 1: max(1, settings.concurrency // 2)}
        self._at_once: dict[int, dict[str, asyncio.Semaphore]] = {
            level: defaultdict(partial(asyncio.Semaphore, count)) for level, count in counts.items()
        }

    async def ask(self, level: int, work: pending.Requests, now: float) -> None:
        """Ask for spans of a level; what was answered is kept whatever happened to the rest.

        Slots that have settled by `now` (Unix seconds) are final.

        Raises:
            UnavailableError: a datasource did not answer.
        """
        batches = await asyncio.to_thread(self._batches, work)
        tasks = [self._ask_batch(level, batch, now) for batch in batches]
        raise_failure(await asyncio.gather(*tasks, return_exceptions=True))

    def _batches(self, work: pending.Requests) -> list[Batch]:
        """The queries for something; the first time, writing them takes long."""
        return [
            batch
            for span, slo_indices in work.items()
            for batch in self._counter.queries.batches(slo_indices, span)
        ]

    async def _ask_batch(self, level: int, batch: Batch, now: float) -> None:
        datasource = self._counter.datasource(batch)
        settled_until = now - self._settle
        async with self._at_once[min(level, 1)][datasource]:
            counted = await self._counter.count(batch)
        for block in counted.blocks:
            async with self._turns:
                self._state().recording.record_block(level, block, batch.span, settled_until)
                self._problems.all_counted(level, block.slo_indices)
            await asyncio.sleep(0)
        for slo_index, answer in counted.answers.items():
            async with self._turns:
                self._record(level, slo_index, batch.span, answer, settled_until)
            await asyncio.sleep(0)  # one SLO at a time, so that others get to the loop in between

    def _record(
        self, level: int, slo_index: SloIndex, span: SlotRange, answer: Answer, until: float
    ) -> None:
        if isinstance(answer, dict):
            left_out = self._state().record(level, slo_index, span, answer, until)
            self._problems.counted(level, slo_index, left_out)
        else:
            at = self._state().ledger.end
            self._problems.refused(level, slo_index, str(answer), at)


def raise_failure(results: Sequence[object]) -> None:
    """Raise what went wrong with the parts of something; a fault of our own first."""
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, UnavailableError):
            raise failure
    if failures:
        raise failures[0]
