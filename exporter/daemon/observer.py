"""What the daemon is to its loop: takes evaluations, publishes them, and has them stored."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

import structlog

from exporter.daemon.current import Current
from exporter.daemon.engine import Engine
from exporter.daemon.interpreter import keep, trim
from exporter.exposition.publisher import Publisher
from exporter.slo.changes import Changes
from exporter.slo.overrides import with_overrides
from exporter.slo.records import Override
from exporter.slo.snapshot import Snapshot
from exporter.slo.statuses import with_problems
from exporter.slo.story import story

BEGINNING, TRIM_EVERY = 2, 120
"""Evaluations after which memory is given back: the first ones take the most, by far."""

Said = tuple[Sequence[Override], Changes]
"""Overrides and changes: each is another object when there is more of it."""


def with_said(snapshot: Snapshot, said: Said, now: float) -> Snapshot:
    """The snapshot with what people have said, as of `now` (Unix seconds)."""
    overrides, changes = said
    return replace(with_overrides(snapshot, overrides, now), changes=changes)


class EvaluationObserver:
    """Implements `loop.Observer`."""

    def __init__(self, current: Current, publisher: Publisher) -> None:
        self._current = current
        self._publisher = publisher
        self._evaluated_at = time.monotonic()
        self._kept: Callable[[], Engine | None] = lambda: None
        self._log = structlog.get_logger()

    async def evaluated(
        self, snapshot: Snapshot, seconds: float, *, silent: Collection[str]
    ) -> None:
        """Publish a snapshot, with the figures about the evaluation itself, and store it."""
        current = self._current
        engine = current.running.engine
        counted = current.evaluations
        self._evaluated_at = time.monotonic()
        current.evaluations = replace(
            counted,
            done=counted.done + 1,
            failures=counted.failures + bool(silent),
            at=current.clock(),
            seconds=seconds,
            boundary=snapshot.at,
            slos=len(snapshot.slos),
            slos_failing=with_problems(snapshot.slos),
            ledger_slots=engine.ledger.slots,
            ledger_bytes=engine.ledger.bytes,
            history_progress=engine.history_progress(),
            rebuilds=engine.state.rebuilds.count,
            rebuilds_waiting=len(engine.state.rebuilds.problems()),
            late_samples=engine.revisits.found,
            late_left=engine.revisits.left,
        )
        before = self._publisher.snapshot
        shown = await self._publish(snapshot)
        await self._tell(before, snapshot)
        # One datasource that is down must not keep the others' SLOs from being served.
        # A shard that has no service has nothing to wait for.
        answering = set(engine.datasources) - set(silent)
        answered = bool(answering) or not engine.datasources
        current.ready = current.ready or (answered and answering <= engine.shown)
        await current.persister.save(engine)
        self._show_newest(shown)
        if engine is not self._kept() and engine.history_progress() >= 1:
            self._kept = weakref.ref(engine)  # after a reload nothing holds the one before
            await asyncio.to_thread(keep)
        if counted.done < BEGINNING or counted.done % TRIM_EVERY == 0:
            await asyncio.to_thread(trim)

    async def _tell(self, before: Snapshot, after: Snapshot) -> None:
        """Log what has happened to SLOs."""
        for one in await asyncio.to_thread(story, before, after):
            slo, groups = one.status.slo, one.status.groups
            of = {"groups": " ".join(f"{k}={v}" for k, v in groups.items())} if groups else {}
            self._log.info(one.what, service=slo.service, slo=slo.name, **of, **one.figures)

    async def _publish(self, snapshot: Snapshot) -> Said:
        """Publish a snapshot; what people have said that it shows."""
        shown = self._said()
        snapshot = with_said(snapshot, shown, self._current.clock())
        await asyncio.to_thread(self._publisher.publish, snapshot)
        self._show_newest(shown)  # more may have been said while the pages were rendered
        return shown

    def _said(self) -> Said:
        persister = self._current.persister
        return persister.overrides.all, persister.changes.known.by_service

    def _show_newest(self, shown: Said) -> None:
        """Show what people have said by now, unless it is what is shown."""
        newest = self._said()
        if any(one is not other for one, other in zip(newest, shown, strict=True)):
            self._publisher.amend(partial(with_said, said=newest, now=self._current.clock()))

    def failed(self) -> None:
        """Count an evaluation that a fault of our own ended."""
        current = self._current
        current.evaluations = replace(
            current.evaluations, failures=current.evaluations.failures + 1
        )
        age = time.monotonic() - self._evaluated_at
        if age > current.running.settings.evaluation.stale_after:
            # No evaluation says how the SLOs are: figures of long ago would pass for today's.
            self._publisher.withdraw()
        else:
            self._publisher.refresh()

    def missed(self, boundaries: int) -> None:
        """Count slot boundaries that nobody attended to."""
        current = self._current
        current.evaluations = replace(
            current.evaluations, missed=current.evaluations.missed + boundaries
        )
