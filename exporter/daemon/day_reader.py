"""Reads the slots of a day out of the store: nobody else has what is older than the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from exporter.errors import StoreError
from exporter.ledger.history import History
from exporter.slo.types import SloIndex
from exporter.store.store import Store


class DayReader:
    """`lock` is held while the store is used; it is waited for `patience` seconds."""

    def __init__(self, store: Store | None, lock: asyncio.Lock, patience: float) -> None:
        self._store = store
        self._lock = lock
        self._patience = patience

    async def read(self, wanted: Collection[SloIndex]) -> dict[SloIndex, History]:
        """The days of some SLOs; nothing of them if the store does not answer in time."""
        if self._store is None or not wanted:
            return {}
        # A read that has begun is not to be cancelled: the store is for one at a time.
        reading = asyncio.create_task(self._read(self._store, wanted))
        await asyncio.wait([reading], timeout=self._patience)
        return reading.result() if reading.done() else {}

    async def _read(self, store: Store, wanted: Collection[SloIndex]) -> dict[SloIndex, History]:
        async with self._lock:
            try:
                return await asyncio.to_thread(store.days, wanted)
            except StoreError as error:
                structlog.get_logger().warning("days cannot be read", error=str(error))
                return {}
