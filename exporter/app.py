"""The application: wires configuration, engine, store, metrics and web server, and runs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from exporter.config.errors import ConfigError
from exporter.config.settings import Settings, storage_folder
from exporter.evaluation.engine import Engine
from exporter.evaluation.keeper import Keeper, StoreState
from exporter.evaluation.loop import Loop
from exporter.exposition.publisher import Publisher
from exporter.exposition.self_metrics import SelfMetrics
from exporter.ledger.store import Store
from exporter.ledger.storefile import StoreError, StoreInUseError, StoreVersionError
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import SettingsError
from exporter.slo.snapshot import Snapshot
from exporter.slo.windows import RUNGS, rungs
from exporter.web.routes import create_app
from exporter.web.server import Server, listen

STOP_SECONDS = 4.0
"""How long everything has to end before it is left behind."""


class ReloadError(Exception):
    """The configuration was not reloaded; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line sets beyond the configuration.

    `storage` goes before the configuration's path; like that it may be `none`.
    """

    listen_address: str = ":9098"
    storage: str | None = None

    def storage_folder(self, settings: Settings) -> Path | None:
        """Where the store is; None to hold the ledger in memory alone."""
        if self.storage is None:
            return settings.storage
        return storage_folder(self.storage, Path())


@dataclass(slots=True)
class Watch:
    """One configuration at work: its SLOs, who asks for them, and what is known of them."""

    settings: Settings
    clients: dict[str, PrometheusClient]
    engine: Engine
    task: asyncio.Task[None] | None = None

    async def rest(self) -> None:
        """Stop asking; what is known stays."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task], timeout=STOP_SECONDS)
            self.task = None

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self.clients.values():
            await client.aclose()


class App:
    """The daemon. `start()`, then `wait()` until it fails or is told to `stop()`.

    `load` reads the configuration anew.
    """

    def __init__(
        self, settings: Settings, options: Options, load: Callable[[], Settings] | None = None
    ) -> None:
        self._options = options
        self._load = load
        self._log = structlog.get_logger()
        self.metrics = SelfMetrics(CollectorRegistry())
        self.metrics.reload_successful.set(1)
        self.metrics.reload_timestamp.set(time.time())
        self.publisher = Publisher(self.metrics.registry)
        self._watch = self._build(settings)
        self._keeper = Keeper(None)
        self._stores = False
        self._store_shown = StoreState()
        self._reloading = asyncio.Lock()
        self._failed = asyncio.Event()
        self._ready = False
        self._evaluated_at = time.monotonic()
        self._web: asyncio.Task[None] | None = None
        self._server = Server(
            create_app(
                self.publisher,
                version=version("error-budget-exporter"),
                ready=lambda: self._ready,
            )
        )

    def _build(self, settings: Settings) -> Watch:
        """Make everything that can fail, and touch nothing that runs.

        Raises:
            SettingsError: no client can be made of the settings.
        """
        clients = {
            name: PrometheusClient(
                of,
                name=name,
                concurrency=settings.evaluation.concurrency,
                on_query=self.metrics.observe_query,
            )
            for name, of in settings.datasources.items()
        }
        return Watch(settings, clients, Engine(settings.slos, settings.evaluation, clients))

    async def start(self) -> int:
        """Begin to listen, bring back what is stored, and begin to poll.

        Returns:
            The port it listens on.

        Raises:
            ListenError: the address cannot be listened on.
            StoreInUseError, StoreVersionError: the store is another's.
        """
        listener = listen(self._options.listen_address)
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
            storage=str(self._options.storage_folder(settings) or "none"),
        )
        return port

    async def _open_store(self) -> Keeper:
        """The keeper, and the books begun with what is stored.

        Raises:
            StoreInUseError, StoreVersionError: the store is another's.
        """
        folder = self._options.storage_folder(self._watch.settings)
        if folder is None:
            return Keeper(None)
        self._stores = True
        self.metrics.show_store()
        engine = self._watch.engine
        try:
            keeper = Keeper(await asyncio.to_thread(Store, folder))
            stored = await keeper.read(engine.books)
            await asyncio.to_thread(engine.begin_with, stored, time.time())
        except (StoreInUseError, StoreVersionError):
            raise
        except StoreError as error:
            return Keeper(None, problem=str(error))
        return keeper

    def _begin(self, watch: Watch) -> None:
        """Poll from now on."""
        self.metrics.know_datasources(watch.settings.datasources)
        self._tell_left_out_rungs(watch.settings)
        loop = Loop(watch.engine, watch.settings.evaluation, self)
        watch.task = asyncio.create_task(loop.run(), name="evaluation")
        watch.task.add_done_callback(self._ended)
        self._watch = watch

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._failed.set()

    async def wait(self) -> None:
        """Return when the daemon has stopped.

        Raises:
            Exception: whatever made a part of it fail.
        """
        assert self._web is not None  # noqa: S101 - it was started
        failed = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait((self._web, failed), return_when=asyncio.FIRST_COMPLETED)
        finally:
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
            except (ConfigError, SettingsError, StoreError, ReloadError) as error:
                self.metrics.reload_successful.set(0)
                self.publisher.refresh()
                self._log.error(
                    "the configuration was not reloaded; the old one goes on", error=str(error)
                )
                raise ReloadError(str(error)) from error
            self.metrics.reload_successful.set(1)
            self.metrics.reload_timestamp.set(time.time())
            self._log.info("the configuration was reloaded", slos=len(self._watch.settings.slos))

    async def _reload(self) -> None:
        if self._load is None:
            raise ReloadError("there is no file to reload the configuration from")
        settings = await asyncio.to_thread(self._load)
        old, new = self._watch, self._build(settings)
        folder = self._options.storage_folder
        if folder(settings) != folder(old.settings):
            self._log.warning("storage.path has changed; that takes a restart")
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
        await self._watch.rest()
        await self._keeper.save(self._watch.engine)
        if self._web is not None:
            _, late = await asyncio.wait([self._web], timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
        await self._watch.aclose()
        self._keeper.close()
        self._log.info("stopped")

    async def evaluated(
        self, snapshot: Snapshot, seconds: float, *, silent: Collection[str]
    ) -> None:
        """Publish a snapshot, with the figures about the evaluation itself, and store it."""
        metrics, engine = self.metrics, self._watch.engine
        ledger = engine.ledger
        metrics.evaluations.inc()
        metrics.failures.inc(1 if silent else 0)
        metrics.last_evaluation.set(time.time())
        metrics.last_duration.set(seconds)
        metrics.slos.set(len(snapshot.slos))
        metrics.slos_failing.set(sum(status.problem is not None for status in snapshot.slos))
        metrics.ledger_slots.set(ledger.slots)
        metrics.ledger_bytes.set(ledger.bytes)
        metrics.backfill_progress.set(engine.history_progress())
        self._evaluated_at = time.monotonic()
        await asyncio.to_thread(self.publisher.publish, snapshot)
        # One datasource that is down must not keep the others' SLOs from being served.
        self._ready = self._ready or len(silent) < len(engine.datasources)
        await self._keeper.save(engine)
        self._show_store()

    def _show_store(self) -> None:
        if not self._stores:
            return
        before, self._store_shown = self._store_shown, self._keeper.state
        now = self._store_shown
        self.metrics.observe_store(
            up=now.problem is None,
            writes=now.writes - before.writes,
            failures=now.failures - before.failures,
            size=now.bytes,
            written=now.written,
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

    def _tell_left_out_rungs(self, settings: Settings) -> None:
        for slo in settings.slos:
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
