"""Requests to read SLOs again: from the API and, by way of the store, from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from exporter.daemon.engine import Engine
from exporter.slo.types import SloIndex
from exporter.store.rebuild_requests import RebuildProgress
from exporter.store.store import Store

Attempt = Callable[[str, Awaitable[None]], Awaitable[bool]]
"""Writes a part of what is stored; gives whether that went well."""


class RebuildKeeper:
    """Keeps requests in the store, if there is one, until they are met or cancelled.

    So a daemon that is killed goes on with them at its next start. `lock` is for the store, which
    is for one at a time.
    """

    def __init__(self, store: Store | None, lock: asyncio.Lock, attempt: Attempt) -> None:
        self._store = store
        self._lock = lock
        self._attempt = attempt
        self._noted: dict[SloIndex, RebuildProgress] = {}

    async def request(self, engine: Engine, slo_indices: Sequence[SloIndex], since: int) -> bool:
        """Have SLOs read again since a time (Unix seconds); whether that is stored."""
        async with self._lock:
            store, stored = self._store, False
            if store is not None and store.registered:
                ask = asyncio.to_thread(store.rebuilds.request, slo_indices, since)
                stored = await self._attempt("rebuilds", ask)
            async with engine.turns:
                engine.rebuilding.begin(dict.fromkeys(slo_indices, since), requested=stored)
        return stored

    async def cancel(
        self, engine: Engine, slo_indices: Sequence[SloIndex]
    ) -> tuple[list[SloIndex], bool]:
        """End rebuilds of SLOs; of which there was one, and whether that is stored."""
        async with self._lock:
            store, stored = self._store, False
            if store is not None and store.registered:
                ask = asyncio.to_thread(store.rebuilds.cancel, slo_indices)
                stored = await self._attempt("rebuilds", ask)
            async with engine.turns:
                ended = [s for s in slo_indices if engine.rebuilding.cancel(s)]
        return ended, stored

    async def attend(self, store: Store, engine: Engine, done: Iterable[SloIndex]) -> None:
        """Note the requests that were met, those of the SLOs in `done`, and take up new ones.

        What was requested and is no longer is cancelled. The caller has the lock.

        Raises:
            StoreError: the store fails.
        """
        rebuilds = engine.state.rebuilds
        for slo_index in done:
            await asyncio.to_thread(store.rebuilds.end, slo_index)
            async with engine.turns:
                rebuilds.end(slo_index)
        requests = await asyncio.to_thread(store.rebuilds.requests)
        async with engine.turns:
            for slo_index in set(rebuilds.requested) - requests.keys():
                engine.rebuilding.cancel(slo_index)
            new = {s: since for s, since in requests.items() if s not in rebuilds.done}
            engine.rebuilding.begin(new, requested=True)
            found = {
                each.slo_index: RebuildProgress(round(each.progress, 2), each.problem)
                for each in rebuilds.statuses()
                if each.slo_index in requests
            }
        changed = {s: each for s, each in found.items() if self._noted.get(s) != each}
        if changed:
            await asyncio.to_thread(store.rebuilds.note, changed)
        self._noted = found
