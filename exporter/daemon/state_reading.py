"""What comes from the store into the state: at a start, a reload, a step of the clock."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

import structlog

from exporter.daemon.engine import Engine
from exporter.errors import StoreError
from exporter.slo.types import SloIndex
from exporter.state.carry_over import held_by
from exporter.state.evaluation_state import EvaluationState
from exporter.store.schema import StoreVersionError
from exporter.store.store import Store
from exporter.store.stored import StoredSlo


class StateReading(ABC):
    """Reads a store, None where nothing is stored. `_unread` is set where it was out of reach."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._unread = False
        self._log = structlog.get_logger()

    @abstractmethod
    def _note(self, part: str, problem: str | None) -> None:
        """Remember how it went with a part of what is stored."""

    async def begin(self, engine: Engine, now: float) -> None:
        """Have an engine that knows nothing yet take over what is stored, at `now` (Unix seconds).

        Its changes are stored from then on. A database out of reach is read later.

        Raises:
            StoreError, StoreVersionError: the file cannot be read; a newer version wrote it.
        """
        if (store := self._store) is not None and not self._unread:
            taker, keys = engine.beginning(now), engine.state.keys()

            def load() -> None:
                store.step_back(keys, int(now))
                store.load_in_pieces(keys, taker)

            await self._reading(store, load)

    async def stored_end(self, engine: Engine) -> float:
        """Up to when anything is stored of an engine's SLOs, Unix seconds; 0 if that is unknown."""
        found = [0]
        if (store := self._store) is not None:
            keys = engine.state.keys()
            await self._reading(store, lambda: found.append(store.step_back(keys)))
        return float(found[-1])

    async def begin_again(self, engine: Engine, now: float) -> None:
        """Have an engine go on from what is stored, after the time was set to `now`."""
        stored: dict[SloIndex, StoredSlo] = {}
        if (store := self._store) is not None:
            keys = engine.state.keys()

            def load() -> None:
                store.step_back(keys, int(now))
                stored.update(store.load(keys))

            await self._reading(store, load)
        await engine.turns.run(engine.begin_again, stored, now)

    async def read(self, state: EvaluationState, old: EvaluationState) -> dict[SloIndex, StoredSlo]:
        """What the store has of a state's SLOs that `old` has not; as `begin` otherwise."""
        if (store := self._store) is None:
            return {}
        keys = state.keys()
        known, judged_otherwise = held_by(old.keys(), old.ledger.levels, keys, state.ledger.levels)
        found: dict[SloIndex, StoredSlo] = {}
        await self._reading(store, lambda: found.update(store.load(keys, known, judged_otherwise)))
        return found

    async def _reading(self, store: Store, load: Callable[[], None]) -> None:
        async with self._lock:
            try:
                await asyncio.to_thread(load)
            except StoreVersionError:
                raise
            except StoreError as error:
                if not store.shared:
                    raise
                self._note("ledger", str(error))
                self._unread = True  # it is read when it is there again
        self._tell(store)

    def _tell(self, store: Store) -> None:
        """Log what an operator should know of the file."""
        for message in store.new_messages():
            self._log.warning(message)
