"""The application: wires configuration, engine, store, metrics and web server, and runs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry

from exporter.config.errors import ConfigError
from exporter.config.loading import load_file
from exporter.config.settings import Settings
from exporter.diagnosis import diagnose
from exporter.evaluation.acknowledging import acknowledge
from exporter.evaluation.charting import courses
from exporter.evaluation.keeper import Keeper
from exporter.evaluation.overriding import Overrides, read_overrides
from exporter.exposition.publisher import Publisher
from exporter.exposition.self_metrics import SelfMetrics
from exporter.ledger.overrides import OverrideStore
from exporter.ledger.store import Store
from exporter.ledger.storefile import StoreError, StoreInUseError, StoreVersionError
from exporter.options import Options, watched_web_settings
from exporter.prometheus.errors import SettingsError
from exporter.slo.course import Course
from exporter.slo.model import Slo
from exporter.slo.overrides import OverrideError, with_overrides
from exporter.slo.records import Acknowledgement, Incident, Override
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.watch import Watch
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
from exporter.web.server import Server, listen

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
        self._watch = Watch.build(settings, self.metrics.observe_query)
        self._keeper = Keeper(None)
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
                self._keeper = await self._open_store()
            except BaseException:
                listener.close()
                raise
            port = int(listener.getsockname()[1])
            self._web = asyncio.create_task(self._server.serve(sockets=[listener]), name="web")
            self._begin(self._watch)
        settings = self._watch.settings
        self._log.info(
            "started",
            version=version("error-budget-exporter"),
            port=port,
            slos=len(settings.slos),
            datasources=" ".join(f"{name}={of.url}" for name, of in settings.datasources.items()),
            storage=str(self._storage or "none"),
        )
        return port

    async def _open_store(self) -> Keeper:
        """The keeper; the books have begun with what is stored.

        Raises:
            StoreInUseError, StoreVersionError: the store is another's.
        """
        if self._storage is None:
            return Keeper(None)
        self.metrics.show_store()
        engine = self._watch.engine
        try:
            keeper = Keeper(await asyncio.to_thread(Store, self._storage))
            stored = await keeper.read(engine.books)
            await asyncio.to_thread(engine.begin_with, stored, time.time())
            self._overrides = await read_overrides(OverrideStore(self._storage))
        except (StoreInUseError, StoreVersionError):
            raise
        except StoreError as error:
            return Keeper(None, problem=str(error))
        return keeper

    def _begin(self, watch: Watch) -> None:
        self._watch = watch
        self.metrics.know_datasources(watch.settings.datasources)
        watch.begin(self).add_done_callback(self._ended)

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
        for task in (self._web, self._watch.task):
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
                slos = len(self._watch.settings.slos)
                self._log.info("the configuration was reloaded", slos=slos)
            finally:
                self._show_reload()
                self.publisher.refresh()

    def _show_reload(self) -> None:
        self.metrics.reload_successful.set(self._reload_error is None)
        self.metrics.reload_timestamp.set(self._reloaded)

    async def _reload(self) -> None:
        settings = await asyncio.to_thread(self._load)
        old, new = self._watch, Watch.build(settings, self.metrics.observe_query)
        if self._options.storage_folder(settings) != self._storage:
            self._log.warning("storage.path has changed, which takes a restart")
        await old.rest()
        try:
            saved = await self._keeper.save(old.engine)
            stored = await self._keeper.read(new.engine.books, old.engine.books)
            await asyncio.to_thread(new.engine.follow, old.engine, stored, time.time(), saved=saved)
        except BaseException:
            await self._keeper.read(old.engine.books, old.engine.books)
            self._begin(old)
            await new.aclose()
            raise
        self._begin(new)
        await old.aclose()

    async def stop(self) -> None:
        """End everything, within seconds."""
        self._server.should_exit = True
        await self._reloading.acquire()  # for good: one under way ends, and no other begins
        await self._watch.rest()
        await self._keeper.save(self._watch.engine)
        if self._web is not None:
            _, late = await asyncio.wait([self._web], timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
        await self._watch.aclose()
        self._keeper.close()
        self._log.info("stopped")

    def ready(self) -> bool:
        """Whether an evaluation was done on Prometheus's answers."""
        return self._ready

    async def config_text(self) -> str:
        """The configuration in force, with every secret masked."""
        settings = self._watch.settings
        # Seconds of work, where there are thousands of SLOs.
        return await asyncio.to_thread(lambda: settings.masked)

    def status(self) -> Status:
        """The daemon's state."""
        now, store = time.time(), None
        if self._storage is not None:
            problem = self._keeper.state.problem
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
                for name, client in self._watch.clients.items()
            },
            store=store,
        )

    def overrides(self) -> OverrideStatus:
        """The overrides, and what they are held to."""
        limits = self._watch.settings.overrides
        return OverrideStatus(self._overrides.all, limits, self._overrides.stored)

    async def override(self, new: Override) -> tuple[Override, bool]:
        """Let an override hold from now on.

        Raises:
            OverrideError: it is too long, or of a service or SLO that is not configured.
            QuotaError: the service has had all its overrides of this quarter.
        """
        slos = self._watch.settings.slos
        if not any((of.service, new.slo or of.name) == (new.service, of.name) for of in slos):
            named = new.service if new.slo is None else f"{new.service}/{new.slo}"
            raise OverrideError(f"{named} is not configured")
        made = await self._overrides.record(new, self._watch.settings.overrides)
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
            engine = self._watch.engine
            incident = acknowledge(
                engine.books, (key.service, key.slo), key.groups, key.start, word
            )
            if incident is None:
                raise AbsentError(
                    f"{key.service}/{key.slo} has no incident from {key.start} on that has settled "
                    "and requires a postmortem"
                )
            await self._keeper.save(engine)
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

    def courses(self, statuses: Sequence[SloStatus]) -> list[Course | None]:
        """The courses of some SLOs, for charts."""
        return courses(self._watch.engine.books, statuses)

    def source(self, slo: Slo) -> Source | None:
        """Where an SLO's events come from."""
        queries = self._watch.engine.queries(slo)
        settings = self._watch.settings
        of = settings.datasources.get(slo.datasource)
        return Source(of.browser_url, queries, settings.grafana) if of and queries else None

    async def diagnose(self) -> None:
        """Log where time and memory go; takes ten seconds."""
        ledger = self._watch.engine.ledger
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
        metrics, engine = self.metrics, self._watch.engine
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
        await self._keeper.save(engine)
        await self._overrides.keep()
        if self._storage is not None:
            store = self._keeper.state
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
        if age > self._watch.settings.evaluation.stale_after:
            # No evaluation says how the SLOs are: figures of long ago would pass for today's.
            self.publisher.withdraw()
        else:
            self.publisher.refresh()

    def missed(self, boundaries: int) -> None:
        """Count slot boundaries that nobody attended to."""
        self.metrics.missed.inc(boundaries)
