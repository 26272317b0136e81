"""Reads the slots of a day out of the store: nobody else has what is older than the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from exporter.errors import StoreError
from exporter.ledger.history import History
from exporter.slo.types import SloIndex
from exporter.store.store import Store

MOST_WAITING = 8
"""Readings under way: clients ask for them, and a database that hangs answers none."""


class DayReader:
    """`lock` is held while the store is used; it is waited for `patience` seconds."""

    def __init__(self, store: Store | None, lock: asyncio.Lock, patience: float) -> None:
        self._store = store
        self._lock = lock
        self._patience = patience
        self._under_way: set[asyncio.Task[dict[SloIndex, History]]] = set()

    async def read(self, wanted: Collection[SloIndex]) -> dict[SloIndex, History]:
        """The days of some SLOs; nothing of them if the store does not answer in time.

        Nor if it has so many questions to answer already that it cannot be in time.
        """
        if self._store is None or not wanted or len(self._under_way) >= MOST_WAITING:
            return {}
        # A read that has begun is not to be cancelled: the store is for one at a time.
        reading = asyncio.create_task(self._read(self._store, wanted))
        self._under_way.add(reading)
        reading.add_done_callback(self._under_way.discard)
        await asyncio.wait([reading], timeout=self._patience)
        return reading.result() if reading.done() else {}

    async def _read(self, store: Store, wanted: Collection[SloIndex]) -> dict[SloIndex, History]:
        async with self._lock:
            try:
                return await asyncio.to_thread(store.days, wanted)
            except StoreError as error:
                structlog.get_logger().warning("days cannot be read", error=str(error))
                return {}
