"""The life of the daemon: poll at every slot boundary, fill history in between, publish."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from exporter.evaluation.engine import Engine
from exporter.evaluation.settings import EvaluationSettings
from exporter.prometheus.errors import UnavailableError
from exporter.slo.snapshot import Snapshot

LONGEST_PAUSE = 30.0
"""Seconds between tries while Prometheus does not answer, at the most."""

LOOKS_PER_STALE = 5
"""Evaluations within `stale_after` while a poll goes on."""

TELL_CHANGES_EVERY = 60.0
"""Seconds between two log lines on trouble that goes on but reads differently: some errors never
read the same twice."""

PROGRESS_EVERY = 10.0
"""Seconds between two log lines on how far the history is."""


class Observer(Protocol):
    """What the loop tells of itself."""

    async def evaluated(self, snapshot: Snapshot, seconds: float, *, answered: bool) -> None:
        """An evaluation is done; `answered` tells whether Prometheus answered everything."""

    def failed(self) -> None:
        """An evaluation ended in a fault of the exporter's own."""

    def missed(self, boundaries: int) -> None:
        """Slot boundaries went by unattended."""


class Backoff:
    """Pauses that double up to a limit, each spread by a random share."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._next = 1.0

    def pause(self) -> float:
        """The next pause in seconds."""
        pause, self._next = self._next, min(self._next * 2, self._limit)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing

    def reset(self) -> None:
        """Start anew: it went well."""
        self._next = 1.0


class Loop:
    """Runs an engine until it is cancelled."""

    def __init__(
        self,
        engine: Engine,
        settings: EvaluationSettings,
        observer: Observer,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._log = structlog.get_logger()
        self._first_answer = asyncio.Event()
        self._trouble: dict[str, tuple[str, float]] = {}
        self._problems: dict[int, str] = {}

    async def run(self) -> None:
        """Poll and fill history for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll_for_ever())
            group.create_task(self._fill_history_for_ever())

    async def _poll_for_ever(self) -> None:
        backoff = Backoff(LONGEST_PAUSE)
        while True:
            boundary = self._next_boundary(self._clock())
            try:
                answered = await self._evaluate(poll=True)
            except Exception:  # noqa: BLE001 - a fault of ours must not end the daemon
                self._log.exception("evaluation failed; the next one is tried as usual")
                self._observer.failed()
                answered = False
            if answered:
                backoff.reset()
                self._first_answer.set()
            now = self._clock()
            if now >= boundary:
                late = int((now - boundary) // self._settings.interval) + 1
                # The boundary just gone is asked for at once; only those before it were missed.
                if late > 1:
                    self._observer.missed(late - 1)
                continue
            # The clock may have been set back: never wait longer than one interval.
            wait = min(boundary - now, self._settings.interval)
            await asyncio.sleep(wait if answered else min(wait, backoff.pause()))

    async def _evaluate(self, *, poll: bool) -> bool:
        started = time.perf_counter()
        answered = True
        if poll:
            try:
                await self._poll(started)
                self._note("newest slots", "")
            except UnavailableError as error:
                answered = False
                self._note("newest slots", str(error))
        await self._publish(started, answered=answered)
        return answered

    async def _poll(self, started: float) -> None:
        """Poll; queries may take minutes to time out, so show what becomes stale meanwhile.

        Raises:
            UnavailableError: Prometheus did not answer.
        """
        polling = asyncio.create_task(self._engine.poll(self._clock()))
        patience = self._settings.stale_after / LOOKS_PER_STALE
        try:
            while not (await asyncio.wait({polling}, timeout=patience))[0]:
                await self._publish(started, answered=False)
            await polling
        finally:
            polling.cancel()

    async def _publish(self, started: float, *, answered: bool) -> None:
        snapshot = self._engine.evaluate(self._clock())
        self._note_problems()
        await self._observer.evaluated(snapshot, time.perf_counter() - started, answered=answered)

    async def _fill_history_for_ever(self) -> None:
        await self._first_answer.wait()
        backoff = Backoff(LONGEST_PAUSE)
        filling = False
        told = 0.0
        while True:
            try:
                more = await self._engine.fill_history()
                if filling and not more:
                    self._log.info("history is complete as far as Prometheus has it")
                    await self._evaluate(poll=False)
            except UnavailableError as error:
                self._note("history", str(error))
                await asyncio.sleep(backoff.pause())
                continue
            except Exception:  # noqa: BLE001 - as above
                self._log.exception("filling history failed; it is tried again")
                self._observer.failed()
                await asyncio.sleep(LONGEST_PAUSE)
                continue
            backoff.reset()
            self._note("history", "")
            if more and time.monotonic() - told > PROGRESS_EVERY:
                told = time.monotonic()
                progress = round(self._engine.history_progress(), 3)
                self._log.info("history is being filled", progress=progress)
            if not more:
                await asyncio.sleep(self._settings.interval)
            filling = more

    def _next_boundary(self, now: float) -> float:
        interval, delay = self._settings.interval, self._settings.delay
        return ((now - delay) // interval + 1) * interval + delay

    def _note(self, asking: str, trouble: str) -> None:
        """Log trouble with Prometheus once when it begins or changes, and once when it is over."""
        before, told = self._trouble.get(asking, ("", 0.0))
        if trouble == before:
            return
        now = self._clock()
        if not trouble:
            self._log.info("Prometheus answers again", asking=asking)
            del self._trouble[asking]
        elif not before or abs(now - told) >= TELL_CHANGES_EVERY:
            self._log.warning("Prometheus does not answer", asking=asking, error=trouble)
            self._trouble[asking] = trouble, now

    def _note_problems(self) -> None:
        problems = self._engine.problems()
        for source in problems.keys() | self._problems.keys():
            slo = self._engine.slos[source]
            now, before = problems.get(source), self._problems.get(source)
            if now and now != before:
                self._log.warning("SLO has a problem", service=slo.service, slo=slo.name, error=now)
            elif before and not now:
                self._log.info("SLO is well again", service=slo.service, slo=slo.name)
        self._problems = problems
