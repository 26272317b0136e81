"""The daemon as `run` has it: from the configuration file to its end, driven by signals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

from exporter.commands.signals import EarlySignals
from exporter.commands.supervisor import Supervisor
from exporter.config.reading.loading import load_file
from exporter.config.reading.watching import ConfigFiles
from exporter.config.settings import Settings
from exporter.daemon.app import App
from exporter.daemon.ending import end_at_last
from exporter.daemon.interpreter import search_rarely
from exporter.daemon.options import Options
from exporter.web.daemon import ReloadError
from exporter.web.server.admin import AdminAccess, own_names
from exporter.web.server.listening import parse_listen_address


def admin_access(
    *,
    listen_address: str,
    enabled: bool,
    trust_loopback: bool,
    users: Sequence[str],
    hosts: Sequence[str],
    external_url: str | None,
    open_probes: bool,
    shard_hosts: Sequence[str] = (),
) -> AdminAccess:
    """Who may change state, from the flags of `run`; `shard_hosts` are its names among shards."""
    names = own_names(parse_listen_address(listen_address)[0])
    external = urlsplit(external_url or "").hostname
    return AdminAccess(
        enabled=enabled,
        trust_loopback=trust_loopback,
        users=frozenset(users) or None,
        hosts=(*names, *hosts, *shard_hosts, *([external] if external else [])),
        open_probes=open_probes,
    )


def serve(options: Options, early: EarlySignals) -> None:
    """Run the daemon until a signal stops it.

    Raises:
        ConfigurationError, StoreError: it cannot start.
    """
    search_rarely()
    files = ConfigFiles(options.config_file)
    files.mark()  # what changes while they are read is seen
    asyncio.run(_serve(load_file(options.config_file), files, options, early))


async def _serve(
    settings: Settings, files: ConfigFiles, options: Options, early: EarlySignals
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not stopped.is_set():
            end_at_last()
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    app, supervisor = App(settings, options, files=files), Supervisor()
    under_way: set[asyncio.Task[None]] = set()

    def on(number: signal.Signals, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def begin() -> None:
            task = asyncio.create_task(act())
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        loop.add_signal_handler(number, begin)
        if number in early.pending:
            loop.call_soon(begin)

    on(signal.SIGHUP, lambda: _reload(app, supervisor))
    on(signal.SIGUSR1, app.diagnose)
    try:
        await app.start()
        supervisor.ready(_status(app))
        reassuring = asyncio.create_task(supervisor.reassure())
        ended = asyncio.create_task(app.wait())
        signalled = asyncio.create_task(stopped.wait())
        await asyncio.wait((ended, signalled), return_when=asyncio.FIRST_COMPLETED)
        signalled.cancel()
        if ended.done():
            ended.result()
        ended.cancel()
        reassuring.cancel()
    finally:
        supervisor.stopping()
        await app.stop()


async def _reload(app: App, supervisor: Supervisor) -> None:
    supervisor.reloading()
    try:
        await app.reload()
    except ReloadError:  # it is logged, and a metric
        supervisor.ready(f"the last reload failed, see the log; {_status(app)}")
    else:
        supervisor.ready(_status(app))


def _status(app: App) -> str:
    return f"{len(app.current.running.settings.slos)} SLOs"
