"""Simulated daemons: the exporter's own, in a simulated process that may be killed at any step."""

from __future__ import annotations

import asyncio
import contextvars
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from socket import socket
from typing import Any

from exporter.config.errors import ConfigError, Mistake
from exporter.config.settings import Settings
from exporter.daemon.app import App
from exporter.daemon.options import Options
from exporter.slo.snapshot import Snapshot
from exporter.web.daemon import ReloadError
from exporter.web.server.admin import AdminAccess
from tests.helpers.simulation import clock
from tests.helpers.simulation.disk import Disk, disk_of

PATIENCE = 1_800.0
"""Simulated seconds after which something that has to end is stuck."""


class StuckError(Exception):
    """Something does not end that has to."""


class SimulatedApp(App):
    """The daemon without its web server: nobody asks it anything by a socket."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ended = asyncio.Event()

    async def _serve(self, listener: socket) -> None:
        listener.close()
        await self._ended.wait()

    async def stop(self) -> None:
        self._ended.set()
        await super().stop()


class Daemon:
    """One daemon with its store, through all of its lives.

    `settings` are read at every start and reload; None for a file that has mistakes.
    """

    def __init__(self, name: str, folder: Path, settings: Callable[[], Settings | None]) -> None:
        self.name = name
        self.folder = folder
        self.settings = settings
        self.skew = 0.0
        self.starts = 0
        self.app: SimulatedApp | None = None
        self.process: clock.Process | None = None
        self._dead: list[
            object
        ] = []  # whatever ends with a process must not run for being collected

    @property
    def alive(self) -> bool:
        return self.app is not None and self.process is not None and self.process.alive

    @property
    def disk(self) -> Disk:
        assert self.process is not None
        return disk_of(self.process)

    @property
    def snapshot(self) -> Snapshot | None:
        return self.app.publisher.snapshot if self.app is not None and self.alive else None

    async def start(self, die_after: int | None = None) -> None:
        """Begin a life, which ends after so many steps.

        Raises:
            StuckError: it does not come up.
        """
        loop = asyncio.get_running_loop()
        self.starts += 1
        process = clock.Process(f"{self.name}", self.skew)
        process.on_death = lambda: loop.call_soon(
            disk_of(process).release, context=contextvars.Context()
        )
        process.die_after = die_after
        self.process = process

        async def begin() -> None:
            settings = self.settings()
            assert settings is not None
            options = Options(
                listen_address="127.0.0.1:0",
                storage=str(self.folder),
                admin=AdminAccess(enabled=True),
            )
            self.app = SimulatedApp(settings, options, load=self._load)
            await self.app.start()

        await self._run(begin(), "start")

    def _load(self) -> Settings:
        settings = self.settings()
        if settings is None:
            raise ConfigError([Mistake(Path("config.yaml"), 1, "slos", "is not a list")])
        return settings

    async def stop(self) -> None:
        """End a life as SIGTERM does.

        Raises:
            StuckError: it does not end.
        """
        app, process = self.app, self.process
        if app is None or process is None or not process.alive:
            return
        await self._run(app.stop(), "stop")
        if process.alive:
            left = [task for task in asyncio.all_tasks() if _of(task, process)]
            process.kill()
            await asyncio.sleep(0)
            if left:
                raise StuckError(f"{self.name}: tasks are left after a stop: {left[:3]}")
        self._bury()

    async def kill(self) -> None:
        """End a life as SIGKILL does."""
        if self.process is not None:
            self.process.kill()
            await asyncio.sleep(0.001)
        self._bury()

    def _bury(self) -> None:
        for task in asyncio.all_tasks():
            if self.process is not None and _of(task, self.process):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                self._dead.append(task)
        self._dead.append(self.app)
        self.app = None

    async def reload(self) -> bool:
        """Reload the configuration; whether it was accepted.

        Raises:
            StuckError: it does not end.
        """
        app, accepted = self.app, [True]
        assert app is not None

        async def ask() -> None:
            try:
                await app.reload()
            except ReloadError:
                accepted[0] = False

        await self._run(ask(), "reload")
        return accepted[0]

    async def ask(self, question: Coroutine[Any, Any, Any]) -> Any:
        """Have something done in the process, and give its result; None if it died of it.

        Raises:
            StuckError: it does not end.
        """
        found: list[Any] = []

        async def run() -> None:
            found.append(await question)

        await self._run(run(), "question")
        return found[0] if found else None

    async def _run(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run something in the process until it has ended, or the process has."""
        process = self.process
        assert process is not None
        context = contextvars.copy_context()
        context.run(clock.PROCESS.set, process)
        task = asyncio.get_running_loop().create_task(work, context=context)
        until = clock.true_time() + PATIENCE
        pause = 0.01
        while process.alive and not task.done():
            if clock.true_time() > until:
                raise StuckError(f"{self.name}: {what} has not ended after {PATIENCE:g} s")
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 1.5)
        if task.done():
            task.result()
        else:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            self._dead.append(task)

    def remove_store(self) -> None:
        """Delete the folder of the store, whether it is in use or not."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def step_clock(self, seconds: float) -> None:
        """Set its clock forwards, or back."""
        self.skew += seconds
        if self.process is not None:
            self.process.skew = self.skew


def _of(task: asyncio.Task[Any], process: clock.Process) -> bool:
    return clock.owner(task) is process
