"""Asks for slots batch by batch, and has the answers written down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from exporter.collection import pending
from exporter.collection.queries import Batch
from exporter.collection.reading_order import Step
from exporter.collection.resample import Resampled
from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import Answer, Counted, SlotCounter
from exporter.daemon.exclusive import Exclusive
from exporter.daemon.slo_problems import SloProblems
from exporter.prometheus.errors import UnavailableError
from exporter.slo.types import Group, SloIndex
from exporter.state.evaluation_state import EvaluationState

MOST_WRITTEN = 500
"""SLOs whose slots are written in one step on the event loop."""


Counts = Mapping[Group, Resampled]
"""What was counted of an SLO, by group."""


class Lanes:
    """How many batches may be asked for at once, at each datasource."""

    def __init__(self, count: int) -> None:
        self._of: dict[str, asyncio.Semaphore] = defaultdict(partial(asyncio.Semaphore, count))

    def of(self, datasource: str) -> asyncio.Semaphore:
        """Those at a datasource."""
        return self._of[datasource]


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
        self._newest = Lanes(2 * settings.concurrency)
        self._history = Lanes(max(1, settings.concurrency // 2))

    async def ask(self, work: pending.Requests, now: float) -> None:
        """Ask for spans of the finest slots; what was answered is kept whatever came of the rest.

        Slots that have settled by `now` (Unix seconds) are final.

        Raises:
            UnavailableError: a datasource did not answer.
        """
        batches = await asyncio.to_thread(self.batches, work)
        tasks = [self._ask_batch(0, batch, now, self._newest) for batch in batches]
        raise_failure(await asyncio.gather(*tasks, return_exceptions=True))

    async def ask_history(self, step: Step, now: float) -> None:
        """Ask for history, in the room that is left for it; otherwise as `ask`.

        Raises:
            UnavailableError: a datasource did not answer.
        """
        batches = await asyncio.to_thread(self.batches, step.requests)
        if step.stands_in:
            tasks = [self._ask_long(step.level, batch) for batch in batches]
        else:
            tasks = [self._ask_batch(step.level, batch, now, self._history) for batch in batches]
        raise_failure(await asyncio.gather(*tasks, return_exceptions=True))

    async def count_history(self, batch: Batch) -> Counted:
        """Count a batch in the room that is left for history, and write nothing down.

        Raises:
            UnavailableError: the datasource did not answer.
        """
        async with self._history.of(self._counter.datasource(batch)):
            return await self._counter.count(batch, history=True)

    def batches(self, work: pending.Requests) -> list[Batch]:
        """The queries for something; the first time, writing them takes long."""
        return [
            batch
            for span, slo_indices in work.items()
            for batch in self._counter.queries.batches(slo_indices, span)
        ]

    async def _ask_batch(self, level: int, batch: Batch, now: float, lanes: Lanes) -> None:
        async with lanes.of(self._counter.datasource(batch)):
            counted = await self._counter.count(batch, history=lanes is self._history)
        settled_until = now - self._settle
        # What is wrong with the newest slots is another matter.
        about = 1 if lanes is self._history else 0
        for block in (part for whole in counted.blocks for part in whole.parts(MOST_WRITTEN)):
            async with self._turns:
                self._state().recording.record_block(level, block, batch.span, settled_until)
                self._problems.all_counted(about, block.slo_indices)
            await asyncio.sleep(0)
        alone, together = self._shared_out(counted.answers)
        for some in _parts(together, MOST_WRITTEN):
            async with self._turns:
                self._state().recording.record_all(level, some, batch.span, settled_until)
                self._problems.all_counted(about, some)
            await asyncio.sleep(0)
        for slo_index, answer in alone.items():
            async with self._turns:
                if isinstance(answer, dict):
                    left_out = self._state().record(
                        level, slo_index, batch.span, answer, settled_until
                    )
                    self._problems.counted(about, slo_index, left_out)
                else:
                    at = self._state().ledger.end
                    self._problems.refused(about, slo_index, str(answer), at)
            await asyncio.sleep(0)  # one SLO at a time, so that others get to the loop in between

    def _shared_out(
        self, answers: Mapping[SloIndex, Answer]
    ) -> tuple[dict[SloIndex, Answer], dict[SloIndex, Counts]]:
        """What is written down by itself, and the counts that are written together."""
        alone: dict[SloIndex, Answer] = {}
        together: dict[SloIndex, Counts] = {}
        recording = self._state().recording
        for slo_index, answer in answers.items():
            if isinstance(answer, dict) and not recording.alone(slo_index):
                together[slo_index] = answer
            else:
                alone[slo_index] = answer
        return alone, together

    async def _ask_long(self, level: int, batch: Batch) -> None:
        async with self._history.of(self._counter.datasource(batch)):
            found = await self._counter.count_long(batch)
        await self._turns.run(
            self._state().reading.record_long, level, batch.span, batch.slo_indices, found
        )


def _parts(counts: Mapping[SloIndex, Counts], most: int) -> Iterator[dict[SloIndex, Counts]]:
    """The same in parts of so many at the most."""
    items = list(counts.items())
    return (dict(items[i : i + most]) for i in range(0, len(items), most))


def raise_failure(results: Sequence[object]) -> None:
    """Raise what went wrong with the parts of something; a fault of our own first."""
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, UnavailableError):
            raise failure
    if failures:
        raise failures[0]
