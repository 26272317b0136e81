"""The life of the daemon: poll at every slot boundary, fill history in between, publish."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.clock_watch import ClockWatch
from exporter.daemon.datasource_log import HISTORY, NEWEST, DatasourceLog
from exporter.daemon.engine import Engine
from exporter.prometheus.errors import UnavailableError
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import SloIndex

LONGEST_PAUSE = 30.0
"""Seconds between tries while Prometheus does not answer, at the most."""

GRACE = 1.0
"""Seconds that an evaluation waits for a datasource that did not answer the last time, and a
tenth of a short interval."""

LEAST_PROBE, MOST_PROBE = 2.0, 5.0
"""Seconds that a datasource has for the smallest of questions: half an interval, within these. With
less, a process that is busy reading a long answer would be taken for a server that hangs."""

FEW_FAILURES = 3
"""Tries to read history, one after the other, after which readiness no longer waits for it."""

PROGRESS_EVERY = 10.0
"""Seconds between two log lines on how far the history is."""


class Observer(Protocol):
    """What the loop tells of itself."""

    async def evaluated(
        self, snapshot: Snapshot, seconds: float, *, silent: Collection[str]
    ) -> None:
        """An evaluation is done; `silent` are the datasources that did not answer everything."""

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
        """Start again from the shortest pause: it went well."""
        self._next = 1.0


class Loop:
    """Runs an engine until it is cancelled."""

    def __init__(
        self,
        engine: Engine,
        settings: EvaluationSettings,
        observer: Observer,
        clock: Callable[[], float] = time.time,
        watch: ClockWatch | None = None,
    ) -> None:
        self._watch = watch
        self._engine = engine
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._log = structlog.get_logger()
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._silent = set(engine.datasources)
        self._first_answer = {name: asyncio.Event() for name in engine.datasources}
        self._told = DatasourceLog(settings.interval, clock)
        self._problems: dict[SloIndex, str] = {}
        self._with_figures: set[str] = set()

    async def run(self) -> None:
        """Poll and fill history for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll_for_ever(group))
            for name in self._engine.datasources:
                group.create_task(self._fill_history_for_ever(name))

    async def _poll_for_ever(self, group: asyncio.TaskGroup) -> None:
        backoff = Backoff(LONGEST_PAUSE)
        while True:
            if self._watch is not None:
                await self._watch.before_poll()
            boundary = self._next_boundary(self._clock())
            started = time.perf_counter()
            await self._poll(group)
            answered = not self._silent
            try:
                await self._evaluate(started)
            except Exception:  # noqa: BLE001 - a fault of ours must not end the daemon
                self._log.exception("evaluation failed; the next one is tried as usual")
                self._observer.failed()
                answered = False
            if answered:
                backoff.reset()
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

    async def _poll(self, group: asyncio.TaskGroup) -> None:
        """Poll every datasource, and wait for those that are well, an interval at the most.

        One that is in trouble goes on by itself: what it answers is in a later evaluation.
        """
        well: set[str] = set()
        for name in self._engine.datasources:
            if name not in self._polls or self._polls[name].done():
                self._polls[name] = group.create_task(self._poll_datasource(name))
            if not self._told.in_trouble(name):
                well.add(name)
        interval, started = self._settings.interval, time.monotonic()
        await self._wait(well, interval / 2)
        late = {name for name in well if not self._polls[name].done()}
        await asyncio.gather(*(self._look_after(name, interval / 2) for name in late))
        slow = {name for name in late if not self._told.in_trouble(name)}
        await self._wait(slow, interval - (time.monotonic() - started))
        await self._wait(set(self._engine.datasources) - well, min(GRACE, interval / 10))
        self._silent |= {name for name, poll in self._polls.items() if not poll.done()}

    async def _wait(self, names: Collection[str], seconds: float) -> None:
        if names:
            polls = [self._polls[name] for name in names]
            await asyncio.wait(polls, timeout=max(0.0, seconds))

    async def _look_after(self, name: str, waited: float) -> None:
        """Tell a datasource that hangs from one that is slow, after so many seconds of a poll.

        One that hangs is in trouble from now on, long before its queries are given up: its
        metric, its state and the log say so within two intervals.
        """
        first, poll = name in self._silent, self._polls[name]  # at first it has much to answer
        seconds = max(LEAST_PROBE, min(MOST_PROBE, self._settings.interval / 2))
        probe = asyncio.create_task(self._engine.clients[name].probe(seconds))
        try:
            # A poll that is done meanwhile is answer enough: nobody waits for the probe, then.
            await asyncio.wait({probe, poll}, return_when=asyncio.FIRST_COMPLETED)
            if not probe.done():
                return
            await probe
        except UnavailableError as error:
            if not poll.done():
                self._silent.add(name)
                self._told.fails(name, NEWEST, str(error))
        else:
            if not first:
                self._told.slow(name, waited, self._engine.clients[name].pacer.pace())
        finally:
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)

    async def _poll_datasource(self, name: str) -> None:
        started, pacer = time.monotonic(), self._engine.clients[name].pacer
        pacer.restart()
        try:
            if self._watch is not None:
                await self._watch.check(self._engine.clients[name])
            await self._engine.poll_datasource(name, self._clock())
        except UnavailableError as error:
            self._silent.add(name)
            self._told.fails(name, NEWEST, str(error))
        except Exception:  # noqa: BLE001 - as above
            self._silent.add(name)
            self._log.exception("polling failed; it is tried again", datasource=name)
        else:
            self._silent.discard(name)
            self._first_answer[name].set()
            self._told.answers(name, NEWEST)
            self._told.polled(name, time.monotonic() - started, pacer.pace())

    async def _evaluate(self, started: float) -> None:
        new = {name for name in self._engine.datasources if self._engine.has_figures(name)}
        new -= self._with_figures
        self._with_figures |= new
        if new and self._engine.behind:
            # Burn rates first: what waits for readiness need not wait for tiers.
            await self._show(started, tiers=False)
        await self._show(started, tiers=True)

    async def _show(self, started: float, *, tiers: bool) -> None:
        snapshot = await self._engine.evaluate_in_thread(self._clock(), tiers=tiers)
        self._note_problems()
        seconds = time.perf_counter() - started
        await self._observer.evaluated(snapshot, seconds, silent=frozenset(self._silent))

    async def _fill_history_for_ever(self, name: str) -> None:
        await self._first_answer[name].wait()
        backoff = Backoff(LONGEST_PAUSE)
        filling = False
        told = 0.0
        failures = 0
        while True:
            try:
                had_figures = self._engine.has_figures(name)
                more = await self._engine.fill_history(name)
                corrected = not more and await self._engine.revisit(name)
                if filling and not more:
                    self._log.info(
                        "history is complete as far as Prometheus has it", datasource=name
                    )
                news = (
                    corrected
                    or (filling and not more)
                    or self._engine.has_figures(name) > had_figures
                )
                # While slots are on their way, the evaluation that follows them shows it.
                if news and all(poll.done() for poll in self._polls.values()):
                    await self._evaluate(time.perf_counter())
            except UnavailableError as error:
                self._told.fails(name, HISTORY, str(error))
                failures += 1
                if failures == FEW_FAILURES:
                    self._engine.do_without_history(name)
                await asyncio.sleep(backoff.pause())
                continue
            except Exception:  # noqa: BLE001 - as above
                self._log.exception("filling history failed; it is tried again")
                self._observer.failed()
                await asyncio.sleep(LONGEST_PAUSE)
                continue
            backoff.reset()
            failures = 0
            self._told.answers(name, HISTORY)
            if more and time.monotonic() - told > PROGRESS_EVERY:
                told = time.monotonic()
                progress = round(self._engine.history_progress(), 3)
                self._log.info("history is being filled", datasource=name, progress=progress)
            if not more:
                await asyncio.sleep(self._settings.interval)
            filling = more

    def _next_boundary(self, now: float) -> float:
        interval, delay = self._settings.interval, self._settings.delay
        return ((now - delay) // interval + 1) * interval + delay

    def _note_problems(self) -> None:
        problems = self._engine.problems()
        for slo_index in problems.keys() | self._problems.keys():
            slo = self._engine.slos[slo_index]
            now, before = problems.get(slo_index), self._problems.get(slo_index)
            if now and now != before:
                self._log.warning("SLO has a problem", service=slo.service, slo=slo.name, error=now)
            elif before and not now:
                self._log.info("the SLO has recovered", service=slo.service, slo=slo.name)
        self._problems = problems
