"""The life of the daemon: it is made of its parts, starts, reloads and stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from socket import socket

import structlog
from prometheus_client import CollectorRegistry

from exporter.config.reading.loading import load_file
from exporter.config.reading.watching import ConfigFiles
from exporter.config.settings import Settings
from exporter.daemon.auto_reload import AutoReload
from exporter.daemon.clock_watch import ClockWatch
from exporter.daemon.current import Current, LastReload
from exporter.daemon.diagnosis import diagnose
from exporter.daemon.facade import Facade
from exporter.daemon.interpreter import spare_the_loop
from exporter.daemon.observer import EvaluationObserver
from exporter.daemon.options import Options
from exporter.daemon.persister import Persister
from exporter.daemon.reloads import Reloads, tell_notices
from exporter.daemon.running_config import RunningConfig
from exporter.daemon.timekeeping import Timekeeper
from exporter.daemon.web_config import reloading_web_config
from exporter.errors import StoreError
from exporter.exposition.publisher import Publisher
from exporter.exposition.self_metrics import SelfMetrics
from exporter.store.lock import StoreInUseError
from exporter.store.schema import StoreVersionError
from exporter.store.store import Store
from exporter.version import installed
from exporter.web.routes import create_app
from exporter.web.server.leading import Leading
from exporter.web.server.listening import listen
from exporter.web.server.server import Server

STOP_SECONDS = 4.0
"""How long everything has to end before it is left behind."""


class App:
    """The daemon. `start()`, then `wait()` until it fails, or `stop()`.

    All that runs for long is in one task group: if a part of it fails, the others end as well.
    `load` reads the configuration; by default it reads the file of the options. `files` are its
    files as they were when `settings` were read; by default as they are now.

    Raises:
        SettingsError: no client can be made from the settings.
        WebSettingsError: the web configuration has mistakes, or other shards cannot be asked.
    """

    def __init__(
        self,
        settings: Settings,
        options: Options,
        load: Callable[[], Settings] | None = None,
        files: ConfigFiles | None = None,
    ) -> None:
        watched = reloading_web_config(options.web_config_file)
        shard = options.sharding.shard
        settings = settings.of_shard(shard)
        read = load or (lambda: load_file(options.config_file))
        self._load: Callable[[], Settings] = lambda: read().of_shard(shard)
        self._files = files or ConfigFiles(options.config_file)
        self._watching: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()
        self.clock = Timekeeper()
        self._watch = ClockWatch(
            self.clock, lambda now: self.current.persister.begin_again(self.current.engine, now)
        )
        self._metrics = SelfMetrics(
            CollectorRegistry(),
            lambda: self.current.figures(),  # noqa: PLW0108  # what it reads is made below
        )
        self.current = Current(
            options=options,
            storage=options.store_place(settings),
            running=RunningConfig.build(settings, self._metrics.observe_query, self.clock.note),
            persister=Persister(None, clock=self.clock),
            clock=self.clock,
            reload=LastReload(self.clock()),
        )
        self.publisher = Publisher(self._metrics.registry, settings.metrics)
        self.observer = EvaluationObserver(self.current, self.publisher)
        self._reloads = Reloads(self.current, self._read, self._swap, self.publisher.refresh)
        self.facade = Facade(self.current, self.publisher, self.reload)
        routes = create_app(self.publisher, self.facade, version=installed())
        self._leading = Leading(routes, self.facade, options.sharding)
        self._server = Server(self._leading, watched, admin=options.admin)
        self._tasks: asyncio.TaskGroup | None = None
        self._life: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen, bring back what is stored, and begin to poll.

        Returns:
            The port it listens on.

        Raises:
            ListenError: the address cannot be listened on.
            StoreInUseError, StoreVersionError: the store is another's.
        """
        current = self.current
        listener = listen(current.options.listen_address)
        async with current.swapping:  # a signal to reload may come at once, and waits
            try:
                await self._open_store()
            except BaseException:
                listener.close()
                raise
            spare_the_loop()
            port = int(listener.getsockname()[1])
            begun = asyncio.Event()
            self._life = asyncio.create_task(self._live(listener, begun), name="life")
            await begun.wait()
        settings, shard = current.running.settings, current.options.sharding.shard
        tell_notices(settings)
        self._log.info(
            "started",
            version=installed(),
            port=port,
            slos=len(settings.slos),
            datasources=" ".join(
                f"{name}={item.url}" for name, item in settings.datasources.items()
            ),
            storage=str(current.storage or "none"),
            **({"shard": str(shard)} if shard.total > 1 else {}),
        )
        return port

    async def _live(self, listener: socket, begun: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._serve(listener), name="web")
            self._begin(self.current.running)
            self._watch_files(self._tasks)
            begun.set()

    def _watch_files(self, tasks: asyncio.TaskGroup) -> None:
        interval = self.current.options.auto_reload_interval
        if interval:
            watch = AutoReload(self._files, interval, lambda again: self.reload(quietly=again))
            self._watching = tasks.create_task(watch.run(), name="auto reload")

    async def _serve(self, listener: socket) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:  # another part has failed: let answers under way end
            self._server.should_exit = True
            await serving
            raise

    def _begin(self, running: RunningConfig) -> None:
        self.current.running = running
        self.publisher.selection = running.settings.metrics
        if self._tasks is not None:
            running.begin(self.observer, self._tasks, self.facade.see_change, self._watch)

    async def _open_store(self) -> None:
        """Open the store, and let the state begin with what is stored; raises as `start`."""
        current, engine = self.current, self.current.engine
        if current.storage is None:
            await self._watch.look(current.running.clients.values())
            return
        try:
            store = await asyncio.to_thread(Store, current.storage)
            persister = Persister(store, clock=self.clock, sure=lambda: self.clock.sure)
            self.clock.begin(await persister.stored_end(engine))
            await self._watch.look(current.running.clients.values())
            self.clock.take_step()
            await persister.begin(engine, self.clock())
            await persister.read_overrides()
            await persister.changes.save()  # reads what is stored
        except (StoreInUseError, StoreVersionError):
            raise
        except StoreError as error:
            persister = Persister(None, problem=str(error), clock=self.clock)
            await self._watch.look(current.running.clients.values())
        current.persister = persister

    async def wait(self) -> None:
        """Return when the daemon has stopped.

        Raises:
            ExceptionGroup: what made a part of it fail.
        """
        if self._life is not None:
            await asyncio.wait([self._life])
            self._life.result()

    async def reload(self, *, quietly: bool = False) -> None:
        """Read the configuration again, and put it in force.

        Everything is read and built first. What is known of SLOs that stay is kept; the others
        vanish with the next evaluation. Mistakes that the last reload had as well are not logged
        again if it is done `quietly`.

        Raises:
            ReloadError: it has mistakes; the previous one stays in force.
        """
        await self._reloads.ask(quietly=quietly)

    def _read(self) -> Settings:
        """The configuration as its files are now; in a thread."""
        if self._watching is not None:
            self._files.mark()
        return self._load()

    async def _swap(self, settings: Settings) -> None:
        current = self.current
        old = current.running
        new = RunningConfig.build(settings, self._metrics.observe_query, self.clock.note)
        if current.options.store_place(settings) != current.storage:
            self._log.warning("storage has changed: this takes effect after a restart")
        await old.rest()
        try:
            saved = await current.persister.save(old.engine)
            stored = await current.persister.read(new.engine.state, old.engine.state)
            follow = new.engine.follow
            await old.engine.turns.run(follow, old.engine, stored, self.clock(), saved=saved)
        except BaseException:
            await current.persister.read(old.engine.state, old.engine.state)
            self._begin(old)
            await new.aclose()
            raise
        new.follow_rollouts(old)
        self._begin(new)
        await old.aclose()

    async def stop(self) -> None:
        """End everything, within seconds.

        What is not done by then is left: nothing is lost of what cannot be written now, as it is
        asked for again.
        """
        current = self.current
        until = asyncio.get_running_loop().time() + STOP_SECONDS
        self._server.should_exit = True
        self._reloads.stop()
        if self._watching is not None:
            self._watching.cancel()
        try:
            async with asyncio.timeout_at(until):
                # A swap under way ends, and no other begins; who waits behind is answered.
                async with current.swapping:
                    await current.running.rest()
                    await current.persister.save(current.running.engine)
        except TimeoutError:
            self._log.warning("not everything is stored: it took too long", seconds=STOP_SECONDS)
        if self._life is not None:
            left = until - asyncio.get_running_loop().time()
            _, late = await asyncio.wait([self._life], timeout=max(0.2, left))
            for task in late:
                task.cancel()
        await current.running.aclose()
        await self._leading.aclose()
        await asyncio.to_thread(current.persister.close)
        self._log.info("stopped")

    async def diagnose(self) -> None:
        """Log where time and memory go; takes ten seconds."""
        evaluations = self.current.evaluations
        await diagnose(
            {
                "slos": len(self.publisher.snapshot.slos),
                "ledger_bytes": self.current.running.engine.ledger.bytes,
                "pages_bytes": self.publisher.size,
                "last_evaluation_seconds": evaluations.seconds if evaluations.done else None,
            }
        )
