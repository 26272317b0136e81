"""One configuration at work: its SLOs, who asks for them, and what is known of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog

from exporter.config.settings import Settings
from exporter.daemon.engine import Engine
from exporter.daemon.loop import Loop, Observer
from exporter.prometheus.client import OnQuery, PrometheusClient

REST_SECONDS = 4.0
"""How long an evaluation under way has to end before it is left behind."""


@dataclass(slots=True)
class RunningConfig:
    """A configuration and what runs by it. `task` is the loop, while there is one."""

    settings: Settings
    clients: dict[str, PrometheusClient]
    engine: Engine
    task: asyncio.Task[None] | None = None

    @classmethod
    def build(cls, settings: Settings, on_query: OnQuery) -> RunningConfig:
        """Make everything that can fail, and touch nothing that runs.

        Raises:
            SettingsError: no client can be made of the settings.
        """
        clients = {
            name: PrometheusClient(
                item, name=name, concurrency=settings.evaluation.concurrency, on_query=on_query
            )
            for name, item in settings.datasources.items()
        }
        return cls(settings, clients, Engine(settings.slos, settings.evaluation, clients))

    def begin(self, observer: Observer, tasks: asyncio.TaskGroup) -> None:
        """Poll from now on, in a task of the group."""
        self._tell_left_out_conditions()
        loop = Loop(self.engine, self.settings.evaluation, observer)
        running = loop.run()
        try:
            self.task = tasks.create_task(running, name="evaluation")
        except RuntimeError:  # the group has ended: the daemon was stopped during a reload
            running.close()

    async def rest(self) -> None:
        """Stop polling; what is known stays."""
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=REST_SECONDS)

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
