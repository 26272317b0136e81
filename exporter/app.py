"""The application: wires configuration, engine, metrics and web server, and runs them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from exporter.config.errors import ConfigError
from exporter.config.settings import Settings
from exporter.config.web_loading import load_web_file
from exporter.evaluation.engine import Engine
from exporter.evaluation.loop import Loop
from exporter.exposition.publisher import Publisher
from exporter.exposition.self_metrics import SelfMetrics
from exporter.prometheus.client import PrometheusClient
from exporter.slo.snapshot import Snapshot
from exporter.slo.windows import RUNGS, rungs
from exporter.web.daemon import (
    ConfigStatus,
    DatasourceStatus,
    EvaluationStatus,
    ReloadError,
    Status,
)
from exporter.web.routes import create_app
from exporter.web.server import Server, listen
from exporter.web.settings import WebSettings, WebSettingsError
from exporter.web.watched import Watched

STOP_SECONDS = 4.0
"""How long everything has to end before it is left behind."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line sets beyond the configuration."""

    listen_address: str = ":9098"
    web_config_file: Path | None = None


def watched_web_settings(file: Path | None) -> Watched:
    """Read the web configuration, and be ready to read it anew; without a file it is empty.

    Raises:
        WebSettingsError: it has mistakes; the text lists them, a line each.
    """

    def read() -> WebSettings:
        if file is None:
            return WebSettings()
        try:
            return load_web_file(file)
        except ConfigError as error:
            raise WebSettingsError(str(error)) from error

    return Watched(read)


class App:
    """The daemon. `start()`, then `wait()` until it fails or is told to `stop()`.

    Raises:
        WebSettingsError: the web configuration has mistakes.
    """

    def __init__(self, settings: Settings, options: Options) -> None:
        watched = watched_web_settings(options.web_config_file)
        self._options = options
        self._log = structlog.get_logger()
        self.metrics = SelfMetrics(CollectorRegistry())
        self.metrics.reload_successful.set(1)
        self.metrics.reload_timestamp.set(time.time())
        self.publisher = Publisher(self.metrics.registry)
        self._client = PrometheusClient(
            settings.prometheus,
            concurrency=settings.evaluation.concurrency,
            on_query=self.metrics.observe_query,
        )
        self._engine = Engine(settings.slos, settings.evaluation, self._client)
        self._loop = Loop(self._engine, settings.evaluation, self)
        self._ready = False
        self._evaluated_at = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._server = Server(
            create_app(self.publisher, self, version=version("error-budget-exporter")),
            watched,
        )
        self._started = time.time()
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
            prometheus=self._settings.prometheus.url,
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
        await self._client.aclose()
        self._log.info("stopped")

    def ready(self) -> bool:
        """Whether an evaluation was done on Prometheus's answers."""
        return self._ready

    def config_text(self) -> str:
        """The configuration in force."""
        return ""

    def status(self) -> Status:
        """The daemon's state."""
        return Status(
            version=version("error-budget-exporter"),
            started_timestamp_seconds=self._started,
            uptime_seconds=time.time() - self._started,
            ready=self._ready,
            listen_address=self._options.listen_address,
            config=ConfigStatus("", True, self._started, None),
            evaluation=EvaluationStatus(None, None, self._engine.history_progress()),
            datasources={"prometheus": DatasourceStatus(None, None)},
            store=None,
        )

    async def reload(self) -> None:
        """Refuse: the configuration is read at the start alone."""
        raise ReloadError("the configuration is read at the start alone")

    async def evaluated(self, snapshot: Snapshot, seconds: float, *, answered: bool) -> None:
        """Publish a snapshot, with the figures about the evaluation itself."""
        metrics, ledger = self.metrics, self._engine.ledger
        metrics.evaluations.inc()
        metrics.failures.inc(0 if answered else 1)
        metrics.last_evaluation.set(time.time())
        metrics.last_duration.set(seconds)
        metrics.slos.set(len(snapshot.slos))
        metrics.slos_failing.set(sum(status.problem is not None for status in snapshot.slos))
        metrics.ledger_slots.set(ledger.slots)
        metrics.ledger_bytes.set(ledger.bytes)
        metrics.backfill_progress.set(self._engine.history_progress())
        self._evaluated_at = time.monotonic()
        await asyncio.to_thread(self.publisher.publish, snapshot)
        self._ready = self._ready or answered

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
