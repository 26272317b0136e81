"""Overrides as the daemon keeps them: in memory, and in the store where there is one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from exporter.errors import StoreError
from exporter.slo.overrides import OverrideLimits, check
from exporter.slo.records import KEPT, Override
from exporter.store.overrides import OverrideStore


class Overrides:
    """Records, ends and keeps overrides; they hold at once, also if they cannot be stored.

    What could not be stored is tried again whenever `keep` is called. `all` are those that are
    kept, oldest first.
    """

    def __init__(
        self,
        store: OverrideStore | None = None,
        kept: Sequence[Override] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._log = structlog.get_logger()
        self._problem: str | None = None
        self._unstored = False
        self.all: tuple[Override, ...] = tuple(kept)

    @property
    def stored(self) -> bool:
        """Whether the store has everything."""
        return self._store is not None and not self._unstored

    async def record(self, new: Override, limits: OverrideLimits) -> tuple[Override, bool]:
        """Let an override hold from now on.

        Returns:
            It as it was recorded, and whether it is stored.

        Raises:
            OverrideError, QuotaError: it is beyond the limits.
        """
        new = replace(new, id=1 + max((one.id for one in self.all), default=0))
        check(new, self.all, limits)
        self.all = (*self.all, new)
        self._unstored = True
        self._log.info("override recorded", **_told(new))
        return new, await self.keep()

    async def end(self, id_: int) -> tuple[Override, bool] | None:
        """End an override now; one that is over stays as it is.

        Returns:
            It, and whether that is stored; None if there is none of this id.
        """
        found = next((one for one in self.all if one.id == id_), None)
        if found is None:
            return None
        now = self._clock()
        if found.until > now:
            found = replace(found, until=max(now, found.start))
            self.all = tuple(found if one.id == id_ else one for one in self.all)
            self._unstored = True
            self._log.info("override ended", **_told(found))
        return found, await self.keep()

    async def keep(self) -> bool:
        """Store what is not stored yet, and forget what is older than a year.

        Returns:
            Whether the store has everything.
        """
        if self._store is None:
            self._forget()
            return False
        return await asyncio.shield(self._keep(self._store))

    async def _keep(self, store: OverrideStore) -> bool:
        async with self._lock:
            self._forget()
            if not self._unstored and not store.lost:
                return True  # an earlier one in the queue has stored this as well
            self._unstored = False  # what is changed during the writing is not
            try:
                await asyncio.to_thread(store.write, self.all)
            except StoreError as error:
                self._unstored = True
                if str(error) != self._problem:
                    self._problem = str(error)
                    self._log.error("overrides are kept in memory alone", error=self._problem)
                return False
            self._problem = None
            return True

    def _forget(self) -> None:
        since = self._clock() - KEPT
        kept = tuple(one for one in self.all if one.until > since)
        if len(kept) < len(self.all):
            self.all, self._unstored = kept, True


def _told(override: Override) -> dict[str, object]:
    return {
        "id": override.id,
        "service": override.service,
        "slo": override.slo or "all",
        "by": override.by,
        "why": override.why,
        "until": override.until,
    }


async def read_overrides(store: OverrideStore) -> Overrides:
    """Begin with what is stored; where that cannot be read, they are held in memory alone."""
    try:
        return Overrides(store, await asyncio.to_thread(store.read))
    except StoreError as error:
        structlog.get_logger().error("overrides are kept in memory alone", error=str(error))
        return Overrides()
