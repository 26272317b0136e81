"""The application: wires configuration, engine, store, metrics and web server, and runs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.diagnosis import diagnose
from exporter.daemon.options import Options, watched_web_settings
from exporter.daemon.persister import Persister
from exporter.daemon.running_config import RunningConfig
from exporter.errors import StoreError
from exporter.evaluation.chart_data import event_histories
from exporter.exposition.publisher import Publisher
from exporter.exposition.self_metrics import SelfMetrics
from exporter.prometheus.errors import SettingsError
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Slo
from exporter.slo.overrides import OverrideError, with_overrides
from exporter.slo.records import Acknowledgement, Incident, Override
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.state.overrides import Overrides, read_overrides
from exporter.store.opening import StoreInUseError, StoreVersionError
from exporter.store.overrides import OverrideStore
from exporter.store.store import Store
from exporter.web.daemon import (
    AbsentError,
    ConfigStatus,
    DatasourceStatus,
    EvaluationStatus,
    IncidentKey,
    OverrideStatus,
    ReloadError,
    Source,
    Status,
    StoreStatus,
)
from exporter.web.routes import create_app
from exporter.web.server.listening import listen
from exporter.web.server.server import Server

STOP_SECONDS = 4.0
"""How long everything has to end before it is left behind."""


class App:
    """The daemon. `start()`, then `wait()` until it fails or is told to `stop()`.

    `load` reads the configuration anew; otherwise the file of the options is read.

    Raises:
        SettingsError: no client can be made of the settings.
        WebSettingsError: the web configuration has mistakes.
    """

    def __init__(
        self, settings: Settings, options: Options, load: Callable[[], Settings] | None = None
    ) -> None:
        watched = watched_web_settings(options.web_config_file)
        self._options = options
        self._load = load or (lambda: load_file(options.config_file))
        self._log = structlog.get_logger()
        self.metrics = SelfMetrics(CollectorRegistry())
        self.publisher = Publisher(self.metrics.registry)
        self._started = self._reloaded = time.time()
        self._reload_error: str | None = None
        self._reloading = asyncio.Lock()
        self._show_reload()
        self._running = RunningConfig.build(settings, self.metrics.observe_query)
        self._persister = Persister(None)
        self._overrides = Overrides()
        self._storage = options.storage_folder(settings)
        self._failed = asyncio.Event()
        self._ready = False
        self._evaluated_at = time.monotonic()
        self._evaluation = EvaluationStatus(None, None, 0.0)
        self._web: asyncio.Task[None] | None = None
        self._server = Server(
            create_app(self.publisher, self, version=version("error-budget-exporter")),
            watched,
        )

    async def start(self) -> int:
        """Begin to listen, bring back what is stored, and begin to poll.

        Returns:
            The port it listens on.

        Raises:
            ListenError: the address cannot be listened on.
            StoreInUseError, StoreVersionError: the store is another's.
        """
        listener = listen(self._options.listen_address)
        async with self._reloading:  # a signal to reload may come at once, and waits
            try:
                self._persister = await self._open_store()
            except BaseException:
                listener.close()
                raise
            port = int(listener.getsockname()[1])
            self._web = asyncio.create_task(self._server.serve(sockets=[listener]), name="web")
            self._begin(self._running)
        settings = self._running.settings
        self._log.info(
            "started",
            version=version("error-budget-exporter"),
            port=port,
            slos=len(settings.slos),
            datasources=" ".join(f"{name}={of.url}" for name, of in settings.datasources.items()),
            storage=str(self._storage or "none"),
        )
        return port

    async def _open_store(self) -> Persister:
        """The keeper; the state have begun with what is stored.

        Raises:
            StoreInUseError, StoreVersionError: the store is another's.
        """
        if self._storage is None:
            return Persister(None)
        self.metrics.show_store()
        engine = self._running.engine
        try:
            persister = Persister(await asyncio.to_thread(Store, self._storage))
            stored = await persister.read(engine.state)
            await asyncio.to_thread(engine.begin_with, stored, time.time())
            self._overrides = await read_overrides(OverrideStore(self._storage))
        except (StoreInUseError, StoreVersionError):
            raise
        except StoreError as error:
            return Persister(None, problem=str(error))
        return persister

    def _begin(self, running: RunningConfig) -> None:
        self._running = running
        self.metrics.know_datasources(running.settings.datasources)
        running.begin(self).add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._failed.set()

    async def wait(self) -> None:
        """Return when the daemon has stopped.

        Raises:
            Exception: whatever made a part of it fail.
        """
        failed = asyncio.create_task(self._failed.wait())
        await asyncio.wait(
            {failed, *([self._web] if self._web else [])}, return_when=asyncio.FIRST_COMPLETED
        )
        failed.cancel()
        for task in (self._web, self._running.task):
            if task is not None and task.done() and not task.cancelled():
                task.result()

    async def reload(self) -> None:
        """Read the configuration anew and go on with it.

        Everything is read and built first. What is known of SLOs that stay is kept; the others
        vanish with the next evaluation.

        Raises:
            ReloadError: it is not as it should be; the old one goes on.
        """
        async with self._reloading:
            try:
                await self._reload()
            except (ConfigError, SettingsError, StoreError) as error:
                self._reload_error = str(error)
                self._log.error(
                    "the configuration was not reloaded; the old one goes on", error=str(error)
                )
                raise ReloadError(str(error)) from error
            else:
                self._reloaded, self._reload_error = time.time(), None
                slos = len(self._running.settings.slos)
                self._log.info("the configuration was reloaded", slos=slos)
            finally:
                self._show_reload()
                self.publisher.refresh()

    def _show_reload(self) -> None:
        self.metrics.reload_successful.set(self._reload_error is None)
        self.metrics.reload_timestamp.set(self._reloaded)

    async def _reload(self) -> None:
        settings = await asyncio.to_thread(self._load)
        old, new = self._running, RunningConfig.build(settings, self.metrics.observe_query)
        if self._options.storage_folder(settings) != self._storage:
            self._log.warning("storage.path has changed, which takes a restart")
        await old.rest()
        try:
            saved = await self._persister.save(old.engine)
            stored = await self._persister.read(new.engine.state, old.engine.state)
            follow = new.engine.follow
            await old.engine.turns.run(follow, old.engine, stored, time.time(), saved=saved)
        except BaseException:
            await self._persister.read(old.engine.state, old.engine.state)
            self._begin(old)
            await new.aclose()
            raise
        self._begin(new)
        await old.aclose()

    async def stop(self) -> None:
        """End everything, within seconds."""
        self._server.should_exit = True
        await self._reloading.acquire()  # for good: one under way ends, and no other begins
        await self._running.rest()
        await self._persister.save(self._running.engine)
        if self._web is not None:
            _, late = await asyncio.wait([self._web], timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
        await self._running.aclose()
        self._persister.close()
        self._log.info("stopped")

    def ready(self) -> bool:
        """Whether an evaluation was done on Prometheus's answers."""
        return self._ready

    async def config_text(self) -> str:
        """The configuration in force, with every secret masked."""
        settings = self._running.settings
        # Seconds of work, where there are thousands of SLOs.
        return await asyncio.to_thread(lambda: settings.masked)

    def status(self) -> Status:
        """The daemon's state."""
        now, store = time.time(), None
        if self._storage is not None:
            problem = self._persister.state.problem
            store = StoreStatus(str(self._storage), problem is None, problem)
        return Status(
            version=version("error-budget-exporter"),
            started_timestamp_seconds=self._started,
            uptime_seconds=now - self._started,
            ready=self._ready,
            listen_address=self._options.listen_address,
            config=ConfigStatus(
                str(self._options.config_file),
                self._reload_error is None,
                self._reloaded,
                self._reload_error,
            ),
            evaluation=self._evaluation,
            datasources={
                name: DatasourceStatus(client.up, client.last_error)
                for name, client in self._running.clients.items()
            },
            store=store,
        )

    def overrides(self) -> OverrideStatus:
        """The overrides, and what they are held to."""
        limits = self._running.settings.overrides
        return OverrideStatus(self._overrides.all, limits, self._overrides.stored)

    async def override(self, new: Override) -> tuple[Override, bool]:
        """Let an override hold from now on.

        Raises:
            OverrideError: it is too long, or of a service or SLO that is not configured.
            QuotaError: the service has had all its overrides of this quarter.
        """
        slos = self._running.settings.slos
        if not any((of.service, new.slo or of.name) == (new.service, of.name) for of in slos):
            named = new.service if new.slo is None else f"{new.service}/{new.slo}"
            raise OverrideError(f"{named} is not configured")
        made = await self._overrides.record(new, self._running.settings.overrides)
        self._show_overrides()
        return made

    async def end_override(self, id_: int) -> tuple[Override, bool]:
        """End an override now.

        Raises:
            AbsentError: there is none of this id.
        """
        ended = await self._overrides.end(id_)
        if ended is None:
            raise AbsentError(f"there is no override {id_}")
        self._show_overrides()
        return ended

    async def acknowledge(self, key: IncidentKey, word: Acknowledgement) -> Incident:
        """Note that the postmortem of an incident is taken care of; shown from the next evaluation.

        Raises:
            AbsentError: there is no such incident, or it requires no postmortem.
        """
        async with self._reloading:
            engine = self._running.engine
            incident = await engine.acknowledge((key.service, key.slo), key.groups, key.start, word)
            if incident is None:
                raise AbsentError(
                    f"{key.service}/{key.slo} has no incident from {key.start} on that has settled "
                    "and requires a postmortem"
                )
            await self._persister.save(engine)
        self._log.info(
            "postmortem acknowledged",
            service=key.service,
            slo=key.slo,
            start=key.start,
            by=word.by,
            note=word.note,
        )
        return incident

    def _show_overrides(self) -> None:
        overrides, now = self._overrides.all, time.time()
        self.publisher.amend(lambda snapshot: with_overrides(snapshot, overrides, now))

    def event_histories(self, statuses: Sequence[SloStatus]) -> list[EventHistory | None]:
        """The event histories of some SLOs, for charts."""
        return event_histories(self._running.engine.state, statuses)

    def source(self, slo: Slo) -> Source | None:
        """Where an SLO's events come from."""
        queries = self._running.engine.queries(slo)
        settings = self._running.settings
        of = settings.datasources.get(slo.datasource)
        return Source(of.browser_url, queries, settings.grafana) if of and queries else None

    async def diagnose(self) -> None:
        """Log where time and memory go; takes ten seconds."""
        ledger = self._running.engine.ledger
        await diagnose(
            {
                "slos": len(self.publisher.snapshot.slos),
                "ledger_bytes": ledger.bytes,
                "pages_bytes": self.publisher.size,
                "last_evaluation_seconds": self._evaluation.last_duration_seconds,
            }
        )

    async def evaluated(
        self, snapshot: Snapshot, seconds: float, *, silent: Collection[str]
    ) -> None:
        """Publish a snapshot, with the figures about the evaluation itself, and store it."""
        metrics, engine = self.metrics, self._running.engine
        ledger, progress = engine.ledger, engine.history_progress()
        self._evaluation = EvaluationStatus(time.time(), seconds, progress)
        self._evaluated_at = time.monotonic()
        metrics.evaluations.inc()
        metrics.failures.inc(1 if silent else 0)
        metrics.last_evaluation.set(time.time())
        metrics.last_duration.set(seconds)
        metrics.slos.set(len(snapshot.slos))
        metrics.slos_failing.set(sum(status.problem is not None for status in snapshot.slos))
        metrics.ledger_slots.set(ledger.slots)
        metrics.ledger_bytes.set(ledger.bytes)
        metrics.backfill_progress.set(progress)
        snapshot = with_overrides(snapshot, self._overrides.all, time.time())
        await asyncio.to_thread(self.publisher.publish, snapshot)
        # One datasource that is down must not keep the others' SLOs from being served.
        self._ready = self._ready or len(silent) < len(engine.datasources)
        await self._persister.save(engine)
        await self._overrides.keep()
        if self._storage is not None:
            store = self._persister.state
            metrics.observe_store(
                up=store.problem is None,
                writes=store.writes,
                failures=store.failures,
                size=store.bytes,
                written=store.written,
            )

    def failed(self) -> None:
        """Count an evaluation that a fault of our own ended."""
        self.metrics.failures.inc()
        age = time.monotonic() - self._evaluated_at
        if age > self._running.settings.evaluation.stale_after:
            # No evaluation says how the SLOs are: figures of long ago would pass for today's.
            self.publisher.withdraw()
        else:
            self.publisher.refresh()

    def missed(self, boundaries: int) -> None:
        """Count slot boundaries that nobody attended to."""
        self.metrics.missed.inc(boundaries)
