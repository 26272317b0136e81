"""Reloads, one at a time: reading the configuration holds up nobody, and stopping ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from structlog.contextvars import get_contextvars

from exporter.config.errors import ConfigError
from exporter.config.settings import Settings
from exporter.daemon.current import Current, LastReload
from exporter.daemon.detached import Detached, StuckError
from exporter.daemon.interpreter import give_back_memory
from exporter.errors import StoreError
from exporter.prometheus.errors import SettingsError
from exporter.slo.slo_changes import changes
from exporter.web.daemon import ReloadError

READ_SECONDS = 60.0
"""How long the configuration is read at a reload before that is given up."""

_STUCK = "cannot be read: {}; is one of its files a pipe, or on a mount that does not answer?"

_NOTICES = 20
"""How many notices of specs are logged at a start; `check` lists them all."""


class Reloads:
    """Those who ask while others wait for their turn are answered together with them.

    Args:
        current: what is in force.
        read: reads the configuration; it may take for ever.
        swap: puts it in force; while it does, it has `current.swapping`.
        done: is told of every end, good or bad.
        seconds: how long `read` is waited for.
    """

    def __init__(
        self,
        current: Current,
        read: Callable[[], Settings],
        swap: Callable[[Settings], Awaitable[None]],
        done: Callable[[], None],
        seconds: float = READ_SECONDS,
    ) -> None:
        self._current = current
        self._read = read
        self._swap = swap
        self._done = done
        self._reader = Detached("reading the configuration", seconds)
        self._turn = asyncio.Lock()
        self._queued: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._log = structlog.get_logger()

    def stop(self) -> None:
        """Begin no swap any more; one under way ends."""
        self._stopping.set()

    async def ask(self, *, quietly: bool) -> None:
        """Read the configuration again, and put it in force.

        Raises:
            ReloadError: it has mistakes, cannot be read, or the daemon is stopping.
        """
        # Whoever asks before it is read wants what those who wait for their turn want.
        if self._queued is None:
            self._queued = asyncio.create_task(self._in_turn(quietly=quietly))
            self._queued.add_done_callback(_note_end)
        await asyncio.shield(self._queued)

    async def _in_turn(self, *, quietly: bool) -> None:
        current = self._current
        async with self._turn:
            self._queued = None
            before = current.running.settings
            try:
                settings = await self._read_settings()
                # Once more: the daemon may have been told to stop as the reading ended.
                self._refuse_if_stopping()
                async with current.swapping:
                    await self._swap(settings)
                await asyncio.to_thread(give_back_memory)
            except (ConfigError, SettingsError, StoreError, StuckError) as error:
                said = _STUCK.format(error) if isinstance(error, StuckError) else str(error)
                if not (quietly and said == current.reload.error):
                    self._log.error(
                        "the configuration was not reloaded; the previous one stays in force",
                        error=said,
                        **get_contextvars(),
                    )
                current.reload = LastReload(current.reload.at, said)
                raise ReloadError(said) from error
            else:
                self._note(before, settings)
            finally:
                self._done()

    def _note(self, before: Settings, settings: Settings) -> None:
        self._current.reload = LastReload(self._current.clock())
        tell_notices(settings)
        changed = {**changes(before.slos, settings.slos), **settings.changes(before)}
        self._log.info(
            "the configuration was reloaded",
            slos=len(settings.slos),
            **changed,
            **get_contextvars(),  # who asked for it
        )

    async def _read_settings(self) -> Settings:
        """What the files have now, unless the daemon is told to stop meanwhile."""
        reading = asyncio.create_task(self._reader.run(self._read))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            self._refuse_if_stopping()
            return await reading
        finally:
            for task in (reading, stopping):
                task.cancel()
            await asyncio.gather(reading, stopping, return_exceptions=True)

    def _refuse_if_stopping(self) -> None:
        if self._stopping.is_set():
            raise ReloadError("the daemon is stopping")


def tell_notices(settings: Settings) -> None:
    """Log what specs say that has no counterpart here."""
    log = structlog.get_logger()
    for notice in settings.notices[:_NOTICES]:
        log.warning("a spec says what has no counterpart here", notice=notice)
    more = len(settings.notices) - _NOTICES
    if more > 0:
        log.warning("specs say more without a counterpart: see check", notices=more)


def _note_end(task: asyncio.Task[None]) -> None:
    """Take notice of how a reload ended, also if whoever asked for it has gone."""
    if not task.cancelled():
        task.exception()
