"""Reloads when the configuration's files have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from structlog.contextvars import bound_contextvars

from exporter.config.reading.watching import ConfigFiles
from exporter.daemon.detached import Detached, StuckError
from exporter.web.daemon import ReloadError

SETTLE = 1.0
"""Seconds that the files must rest after a change: half a file is not read."""

LONGEST_PAUSE = 300.0
"""Seconds until files that cannot be used are tried again, at the most: what they name, such as a
certificate, may come later, and is not looked at."""

LOOK_SECONDS = 60.0
"""How long it may take to look at the files."""

Reload = Callable[[bool], Coroutine[Any, Any, None]]
"""Reloads, or raises ReloadError; told whether what was told of before is not to be told again."""


class AutoReload:
    """Looks at the files every `interval` seconds."""

    def __init__(self, files: ConfigFiles, interval: float, reload: Reload) -> None:
        self._files = files
        self._interval = interval
        self._reload = reload
        self._looking = Detached("looking at the configuration", LOOK_SECONDS)
        self._pause = interval
        self._failed_for: float | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._interval)
            if await self._changed():
                self._pause = self._interval
                await self._try(again=False)
            elif self._failed_for is not None:
                self._failed_for += self._interval
                if self._failed_for >= self._pause:
                    self._pause = min(2 * self._pause, LONGEST_PAUSE)
                    await self._try(again=True)

    async def _changed(self) -> bool:
        """Whether the files are others than when they were last read, and at rest."""
        try:
            state = await self._looking.run(self._files.state)
            if state == self._files.marked:
                return False
            await asyncio.sleep(SETTLE)
            return state == await self._looking.run(self._files.state)
        except StuckError:  # a mount does not answer: what it has is not known to have changed
            return False

    async def _try(self, *, again: bool) -> None:
        try:
            with bound_contextvars(cause="its files changed"):
                await self._reload(again)
        except ReloadError:  # it is logged, and a metric
            self._failed_for = 0.0
        else:
            self._failed_for = None
