"""Keeps changes in the store, and brings those back that others have noted who share it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from exporter.slo.records import Change
from exporter.state.changes import ServiceChanges
from exporter.store.store import Store

Attempt = Callable[[str, Awaitable[None]], Awaitable[bool]]
"""Does what the store may fail to do, and tells whether that went well."""


class ChangeKeeper:
    """`known` are the changes; what is noted is known at once, whether or not it can be stored.

    `lock` is held while the store is used, `attempt` notes its troubles, and `patience` is how many
    seconds a shared one is waited for.
    """

    def __init__(
        self,
        store: Store | None,
        lock: asyncio.Lock,
        attempt: Attempt,
        patience: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.known = ServiceChanges(clock)
        self._store = store
        self._lock = lock
        self._attempt = attempt
        self._patience = patience
        self._read = False
        self._last = 0

    @property
    def stored(self) -> bool:
        """Whether the store has all of them."""
        return self._read and not self.known.unsaved()

    async def note(self, new: Change) -> tuple[Change, bool]:
        """Note a change, and store it.

        Returns:
            It, or the one that says the same; and whether it is stored.

        Raises:
            ChangeError, TooManyChangesError: it may not be noted.
        """
        if self._store is not None and self._store.shared:
            await self.save()  # another may have been told of it a moment ago
        made = self.known.note(new)
        return made, await self.save()

    async def save(self) -> bool:
        """Store those that are new, and learn those of others; whether all are stored."""
        if self._store is not None:
            saving = asyncio.create_task(self._save(self._store))
            await asyncio.wait([saving], timeout=self._patience if self._store.shared else None)
            if saving.done():
                saving.result()
        return self.stored

    def lost(self) -> None:
        """What was stored is gone: all are stored again."""
        self.known.give_all_back()
        self._last = 0

    async def _save(self, store: Store) -> None:
        async with self._lock:
            await self._attempt("changes", self._exchange(store))

    async def _exchange(self, store: Store) -> None:
        new = self.known.unsaved()
        if new:
            await asyncio.to_thread(store.add_changes, new)
            self.known.saved(new)
        if store.shared or not self._read:
            self._last, found = await asyncio.to_thread(store.changes, self._last)
            self.known.take(found, told=not self._read)
            self._read = True
