"""The application: wires configuration, engine, metrics and web server, and runs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry

from exporter.config.settings import Settings
from exporter.evaluation.engine import Engine
from exporter.evaluation.loop import Loop
from exporter.exposition.publisher import Publisher
from exporter.exposition.self_metrics import SelfMetrics
from exporter.prometheus.client import PrometheusClient
from exporter.slo.snapshot import Snapshot
from exporter.slo.windows import RUNGS, rungs
from exporter.web.routes import create_app
from exporter.web.server import Server, listen

STOP_SECONDS = 4.0
"""How long everything has to end before it is left behind."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line sets beyond the configuration."""

    listen_address: str = ":9098"


class App:
    """The daemon. `start()`, then `wait()` until it fails or is told to `stop()`."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self._options = options
        self._log = structlog.get_logger()
        self.metrics = SelfMetrics(CollectorRegistry())
        self.metrics.reload_successful.set(1)
        self.metrics.reload_timestamp.set(time.time())
        self.publisher = Publisher(self.metrics.registry)
        self.metrics.know_datasources(settings.datasources)
        self._clients = {
            name: PrometheusClient(
                of,
                name=name,
                concurrency=settings.evaluation.concurrency,
                on_query=self.metrics.observe_query,
            )
            for name, of in settings.datasources.items()
        }
        self._engine = Engine(settings.slos, settings.evaluation, self._clients)
        self._loop = Loop(self._engine, settings.evaluation, self)
        self._ready = False
        self._evaluated_at = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._server = Server(
            create_app(
                self.publisher,
                version=version("error-budget-exporter"),
                ready=lambda: self._ready,
            )
        )
        self._settings = settings

    async def start(self) -> int:
        """Begin to listen and to poll.

        Returns:
            The port it listens on.

        Raises:
            ListenError: the address cannot be listened on.
        """
        listener = listen(self._options.listen_address)
        port = int(listener.getsockname()[1])
        self._tell_left_out_rungs()
        self._tasks = [
            asyncio.create_task(self._server.serve(sockets=[listener]), name="web"),
            asyncio.create_task(self._loop.run(), name="evaluation"),
        ]
        self._log.info(
            "started",
            version=version("error-budget-exporter"),
            port=port,
            slos=len(self._settings.slos),
            datasources=" ".join(
                f"{name}={of.url}" for name, of in self._settings.datasources.items()
            ),
        )
        return port

    async def wait(self) -> None:
        """Return when the daemon has stopped.

        Raises:
            Exception: whatever made a part of it fail.
        """
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled():
                task.result()

    async def stop(self) -> None:
        """End everything, within seconds."""
        self._server.should_exit = True
        for task in self._tasks:
            if task.get_name() != "web":
                task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
        for client in self._clients.values():
            await client.aclose()
        self._log.info("stopped")

    async def evaluated(
        self, snapshot: Snapshot, seconds: float, *, silent: Collection[str]
    ) -> None:
        """Publish a snapshot, with the figures about the evaluation itself."""
        metrics, ledger = self.metrics, self._engine.ledger
        metrics.evaluations.inc()
        metrics.failures.inc(1 if silent else 0)
        metrics.last_evaluation.set(time.time())
        metrics.last_duration.set(seconds)
        metrics.slos.set(len(snapshot.slos))
        metrics.slos_failing.set(sum(status.problem is not None for status in snapshot.slos))
        metrics.ledger_slots.set(ledger.slots)
        metrics.ledger_bytes.set(ledger.bytes)
        metrics.backfill_progress.set(self._engine.history_progress())
        self._evaluated_at = time.monotonic()
        await asyncio.to_thread(self.publisher.publish, snapshot)
        # One datasource that is down must not keep the others' SLOs from being served.
        self._ready = self._ready or len(silent) < len(self._engine.datasources)

    def failed(self) -> None:
        """Count an evaluation that a fault of our own ended."""
        self.metrics.failures.inc()
        age = time.monotonic() - self._evaluated_at
        if age > self._settings.evaluation.stale_after:
            # No evaluation says how the SLOs are: figures of long ago would pass for today's.
            self.publisher.withdraw()
        else:
            self.publisher.refresh()

    def missed(self, boundaries: int) -> None:
        """Count slot boundaries that nobody attended to."""
        self.metrics.missed.inc(boundaries)

    def _tell_left_out_rungs(self) -> None:
        for slo in self._settings.slos:
            length = slo.period.span(int(time.time())).length
            left_out = set(RUNGS) - set(rungs(slo.period, length, slo.objective.error_budget))
            for rung in sorted(left_out, key=str):
                self._log.warning(
                    "alert condition is left out: it could never hold",
                    service=slo.service,
                    slo=slo.name,
                    condition=str(rung),
                    threshold=rung.threshold(length),
                )
