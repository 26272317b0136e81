"""The persister: brings what is stored into the state, and what is new in memory into the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from exporter.daemon.engine import Engine
from exporter.errors import StoreError
from exporter.slo.types import SloIndex, enumerate_slos
from exporter.state.evaluation_state import EvaluationState
from exporter.state.overrides import Overrides
from exporter.store.connection import StoreLostError
from exporter.store.store import Store
from exporter.store.stored import StoredSlo


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the store is.

    - `problem`: why the newest is not stored, or None.
    - `writes` and `failures`: how many writes went well, and how many did not.
    - `written`: when it was last written, Unix seconds; 0 for not yet.
    - `bytes`: what it takes on disk.
    """

    problem: str | None = None
    writes: int = 0
    failures: int = 0
    written: float = 0.0
    bytes: int = 0


class Persister:
    """Writes what has changed, after every evaluation; what fails is tried again.

    Without a store, or with one that cannot be used at all (`problem` says why), everything stays
    in memory. `overrides` are those that it stores.
    """

    def __init__(
        self,
        store: Store | None,
        problem: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.overrides = Overrides(clock=clock)
        self.state = StoreState(problem=problem, failures=int(problem is not None))
        self._store = store
        self._clock = clock
        self._log = structlog.get_logger()
        self._lock = asyncio.Lock()
        self._problems: dict[str, str] = {}
        self._overrides_read = False
        self._lost = False
        if problem:
            self._log.error("nothing is stored: the ledger is kept in memory alone", error=problem)

    async def read(
        self, state: EvaluationState, old: EvaluationState | None = None
    ) -> dict[SloIndex, StoredSlo]:
        """What the store has of the SLOs of a state, except for those that `old` has as well.

        From then on it is this state's changes that are stored.

        Raises:
            StoreError: it cannot be read.
        """
        if self._store is None:
            return {}
        keys = state.keys()
        there = set(old.keys()) if old else set()
        known = {slo_index for slo_index, key in enumerate_slos(keys) if key in there}
        async with self._lock:
            stored = await asyncio.to_thread(self._store.load, keys, known)
        for message in self._store.new_messages():
            self._log.warning(message)
        return stored

    async def read_overrides(self) -> None:
        """Begin with the overrides that are stored.

        If they cannot be read, new ones stay in memory alone: what is in the file must not be
        replaced by them.
        """
        if self._store is None:
            return
        try:
            async with self._lock:
                stored = await asyncio.to_thread(self._store.overrides)
        except StoreError as error:
            self._note("overrides", str(error))
            return
        self.overrides = Overrides(stored, self._clock)
        self._overrides_read = True

    @property
    def overrides_stored(self) -> bool:
        """Whether the store has all overrides."""
        return self._overrides_read and not self.overrides.unsaved

    async def save(self, engine: Engine) -> bool:
        """Store what has changed in the engine's state, and overrides; take up rebuild requests.

        Returns:
            Whether the store has all of the state that is settled.
        """
        self.overrides.forget_old()
        if self._store is None:
            return False
        # A write that has begun is not to be cancelled: the store is for one at a time.
        return await asyncio.shield(self._save(self._store, engine))

    async def save_overrides(self) -> bool:
        """Store the overrides, if they have changed.

        Returns:
            Whether the store has all of them.
        """
        if self._store is not None:
            await asyncio.shield(self._save_overrides(self._store))
        return self.overrides_stored

    async def _save(self, store: Store, engine: Engine) -> bool:
        async with self._lock:
            saved = await self._attempt("ledger", self._write_state(store, engine))
        await self._save_overrides(store)
        return saved

    async def _save_overrides(self, store: Store) -> None:
        async with self._lock:
            # Whoever had the lock before may have stored these as well.
            if self._overrides_read and self.overrides.unsaved:
                await self._attempt("overrides", self._write_overrides(store))

    async def _write_overrides(self, store: Store) -> None:
        self.overrides.unsaved = False  # those that are recorded while it is written are not stored
        try:
            await asyncio.to_thread(store.write_overrides, self.overrides.all)
        except BaseException:
            self.overrides.unsaved = True
            raise

    async def _write_state(self, store: Store, engine: Engine) -> None:
        state = engine.state
        if self._lost:
            async with engine.turns:
                state.give_all_back()
            self._lost = False
        for slo_index in state.rebuilds.complete():
            async with engine.turns:
                state.rebuilds.finish(slo_index)
        done = state.rebuilds.done
        # It is copied before it is written: the state may change meanwhile.
        unsaved = await engine.turns.run(state.take_unsaved)
        if unsaved or done:
            try:
                await asyncio.to_thread(unsaved.write, store)
            except BaseException:
                async with engine.turns:
                    state.give_back(unsaved)
                raise
            self.state = replace(
                self.state, writes=self.state.writes + 1, written=self._clock(), bytes=store.size
            )
        for slo_index in done:
            await asyncio.to_thread(store.end_rebuild, slo_index)
            async with engine.turns:
                state.rebuilds.end(slo_index)
            slo = state.slos[slo_index]
            self._log.info("everything was read again", service=slo.service, slo=slo.name)
        requests = await asyncio.to_thread(store.rebuild_requests)
        async with engine.turns:
            for slo_index in set(requests) - set(state.rebuilds.under_way):
                state.rebuilds.begin(slo_index)

    async def _attempt(self, part: str, write: Awaitable[None]) -> bool:
        """Write a part of what is stored; whether that went well."""
        try:
            await write
        except StoreLostError as error:
            self._lost = self.overrides.unsaved = True
            self._note(part, str(error))
            return False
        except StoreError as error:
            self._note(part, str(error))
            return False
        self._note(part, None)
        return True

    def _note(self, part: str, problem: str | None) -> None:
        """Remember how it went; log a problem when it begins, changes, or is over."""
        before = dict(self._problems)
        if problem is not None:
            self._problems[part] = problem
            self.state = replace(self.state, failures=self.state.failures + 1)
            if problem not in before.values():
                self._log.error("the store fails; what is new is kept in memory", error=problem)
        elif part in before:
            del self._problems[part]
            if not self._problems:
                self._log.info("the store is written again")
        self.state = replace(self.state, problem=next(iter(self._problems.values()), None))

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
