"""Asks again for SLOs that are to be rebuilt, says how it goes, and takes up what was requested."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

import structlog
from structlog.contextvars import get_contextvars

from exporter.collection.queries import Batch
from exporter.daemon.asking import Asking, raise_failure
from exporter.daemon.exclusive import Exclusive
from exporter.prometheus.errors import UnavailableError
from exporter.slo.model import Slo
from exporter.slo.types import SloIndex
from exporter.state.evaluation_state import EvaluationState
from exporter.state.rebuild_work import Rebuilt
from exporter.state.right_slots import DeferredAnswer, deferred_block


class Rebuilding:
    """Reads SLOs again, whose state `state` gives; `done` is told what came of it."""

    def __init__(
        self,
        state: Callable[[], EvaluationState],
        done: Callable[[Rebuilt], None],
        asking: Asking,
        turns: Exclusive,
        *,
        slos: Sequence[Slo],
    ) -> None:
        self._slos = slos
        self._state = state
        self._done = done
        self._asking = asking
        self._turns = turns
        self._log = structlog.get_logger()
        self._waiting: set[SloIndex] = set()

    def begin(self, since: Mapping[SloIndex, int], *, requested: bool) -> None:
        """Begin rebuilds of SLOs since a time each (Unix seconds); the caller has the turn.

        Composites are made of their parts: these are read again.
        """
        rebuilds = self._state().rebuilds
        index_of = {slo.full_name: SloIndex(i) for i, slo in enumerate(self._slos)}
        for slo_index, at in since.items():
            parts = [index_of[part.name] for part in self._slos[slo_index].parts]
            if parts:
                rebuilds.leave_to_parts(slo_index)
            for each in parts or [slo_index]:
                if rebuilds.begin(each, at, requested=requested and not parts):
                    named = self._named(each) | get_contextvars()
                    self._log.info("reading again", **named, since=_time(at))

    def cancel(self, slo_index: SloIndex) -> bool:
        """End a rebuild, whose SLO stays as it is; whether there was one."""
        if not self._state().rebuilds.cancel(slo_index):
            return False
        self._waiting.discard(slo_index)
        named = self._named(slo_index) | get_contextvars()  # who asked for it
        self._log.info("reading again was cancelled: the SLO stays as it was", **named)
        return True

    async def go_on(self, slo_indices: Collection[SloIndex]) -> bool:
        """Ask the next question about some SLOs; whether there was one.

        Raises:
            UnavailableError: the datasource does not answer.
        """
        rebuilds = self._state().rebuilds
        step = await self._turns.run(rebuilds.next, slo_indices)
        asked = 0
        if step is not None:
            those = [slo_index for each in step.requests.values() for slo_index in each]
            batches = await asyncio.to_thread(self._asking.batches, step.requests)
            tasks = [self._ask(step.level, batch) for batch in batches]
            try:
                raise_failure(await asyncio.gather(*tasks, return_exceptions=True))
            except UnavailableError as error:
                self._fails(those, str(error))
                raise
            finally:
                self._tell_waiting()
            asked = len(those)
        self._tell_done(await self._turns.run(self._state().rebuilds.finish_all))
        return asked > 0

    def _fails(self, slo_indices: Collection[SloIndex], why: str) -> None:
        self._state().rebuilds.failed(slo_indices, why)

    async def _ask(self, level: int, batch: Batch) -> None:
        counted = await self._asking.count_history(batch)
        async with self._turns:
            rebuilds = self._state().rebuilds
            for block in counted.blocks:
                for slo_index, deferred in deferred_block(level, batch.span, block).items():
                    rebuilds.defer(slo_index, deferred)
            for slo_index, answer in counted.answers.items():
                if isinstance(answer, dict):
                    rebuilds.defer(slo_index, DeferredAnswer(level, batch.span, answer))
                else:
                    rebuilds.refused(slo_index, str(answer))

    def _tell_waiting(self) -> None:
        """Say of which SLOs the questions are refused, when that begins and when it is over."""
        waiting = {s.slo_index: s.problem for s in self._state().rebuilds.statuses() if s.problem}
        for slo_index in waiting.keys() - self._waiting:
            self._log.warning(
                "reading again waits: it is refused, and tried again",
                **self._named(slo_index),
                error=waiting[slo_index],
            )
        self._waiting = set(waiting)

    def _tell_done(self, finished: Sequence[Rebuilt]) -> None:
        for each in finished:
            self._done(each)
            self._waiting.discard(each.slo_index)
            back = each.replayed_from
            self._log.info(
                "everything was read again" if not each.since else "slots were read again",
                **self._named(each.slo_index),
                since=_time(each.since),
                more_events=round(each.total, 3),
                more_bad_events=round(each.bad, 3),
                tiers="stand as they are" if back is None else f"replayed from {_time(back)}",
            )

    def _named(self, slo_index: SloIndex) -> dict[str, str]:
        slo = self._slos[slo_index]
        return {"service": slo.service, "slo": slo.name}


def _time(at: int) -> str:
    if not at:
        return "the beginning"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
