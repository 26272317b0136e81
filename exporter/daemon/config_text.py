"""The configuration as it may be shown: made once for each that is in force."""

from __future__ import annotations

import asyncio

from exporter.config.settings import Settings
from exporter.web.server.pools import Pool


class ConfigText:
    """Makes it when somebody asks, which takes seconds where there are thousands of SLOs."""

    def __init__(self) -> None:
        self._pool = Pool("config", 1)
        self._of: Settings | None = None
        self._made: asyncio.Task[bytes] | None = None

    async def of(self, settings: Settings) -> bytes:
        """The text of a configuration; who asks meanwhile waits for the same one."""
        if self._made is None or self._of is not settings or _failed(self._made):
            self._of = settings
            self._made = asyncio.create_task(self._pool.run(_written, settings))
        return await asyncio.shield(self._made)


def _written(settings: Settings) -> bytes:
    return settings.masked.encode()


def _failed(made: asyncio.Task[bytes]) -> bool:
    return made.done() and (made.cancelled() or made.exception() is not None)
