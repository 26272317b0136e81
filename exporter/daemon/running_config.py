"""One configuration at work: its SLOs, who asks for them, and what is known of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from exporter.collection.rollouts import RolloutReader
from exporter.config.settings import Settings
from exporter.daemon.change_watch import ChangeWatch, See
from exporter.daemon.clock_watch import ClockWatch
from exporter.daemon.engine import Engine
from exporter.daemon.loop import Loop, Observer
from exporter.prometheus.client import OnDate, OnQuery, PrometheusClient
from exporter.slo.records import Change

REST_SECONDS = 4.0
"""How long an evaluation under way has to end before it is left behind."""


@dataclass(slots=True)
class RunningConfig:
    """A configuration and what runs by it.

    `task` is the loop, while there is one. `rollouts` tells changes of services, if it says how;
    `watching` is the task that does so.
    """

    settings: Settings
    clients: dict[str, PrometheusClient]
    engine: Engine
    task: asyncio.Task[None] | None = None
    rollouts: RolloutReader | None = None
    watching: asyncio.Task[None] | None = None

    @classmethod
    def build(
        cls, settings: Settings, on_query: OnQuery, on_date: OnDate = lambda *_: None
    ) -> RunningConfig:
        """Make everything that can fail, and touch nothing that runs.

        Raises:
            SettingsError: no client can be made of the settings.
        """
        clients = {
            name: PrometheusClient(
                item,
                name=name,
                concurrency=settings.evaluation.concurrency,
                on_query=on_query,
                on_date=on_date,
            )
            for name, item in settings.datasources.items()
        }
        asked = settings.change_query
        rollouts = RolloutReader(asked, settings.evaluation.interval) if asked else None
        engine = Engine(settings.slos, settings.evaluation, clients)
        return cls(settings, clients, engine, rollouts=rollouts)

    def follow_rollouts(self, old: RunningConfig) -> None:
        """Go on where another configuration has got to, if it has asked the same."""
        one, other = self.rollouts, old.rollouts
        if one and other and (one.asked, one.step) == (other.asked, other.step):
            self.rollouts = other

    def begin(
        self, observer: Observer, tasks: asyncio.TaskGroup, see: See, watch: ClockWatch
    ) -> None:
        """Poll from now on, in tasks of the group; `see` notes changes that are seen."""
        self._tell_left_out_conditions()
        loop = Loop(self.engine, self.settings.evaluation, observer, watch.clock, watch)
        running = loop.run()
        try:
            self.task = tasks.create_task(running, name="evaluation")
        except RuntimeError:  # the group has ended: the daemon was stopped during a reload
            running.close()
        else:
            self._watch(tasks, see, watch.clock)

    def _watch(self, tasks: asyncio.TaskGroup, see: See, clock: Callable[[], float]) -> None:
        if self.rollouts is not None:
            noted = partial(self._seen, see)
            evaluation = self.settings.evaluation
            watch = ChangeWatch(self.rollouts, evaluation, self.clients, noted, clock)
            self.watching = tasks.create_task(watch.run(), name="changes")

    def _seen(self, see: See, change: Change) -> None:
        """Have a change noted, if its service is one of ours."""
        if any(slo.service == change.service for slo in self.settings.slos):
            see(change)

    async def rest(self) -> None:
        """Stop polling; what is known stays."""
        tasks = [task for task in (self.task, self.watching) if task is not None]
        self.task = self.watching = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=REST_SECONDS)

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self.clients.values():
            await client.aclose()

    def _tell_left_out_conditions(self) -> None:
        log = structlog.get_logger()
        for slo in self.settings.slos:
            length = slo.period.span(int(time.time())).length
            for condition in slo.alerting.enabled:
                why = slo.cannot_hold(condition, length)
                if why is not None:
                    log.warning(
                        "alert condition is left out: it could never hold",
                        service=slo.service,
                        slo=slo.name,
                        condition=str(condition),
                        threshold=condition.threshold(length),
                        why=why,
                    )
