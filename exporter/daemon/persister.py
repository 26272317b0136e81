"""The persister: brings what is stored into the state, and what is new in memory into the store."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from exporter.daemon.change_keeper import ChangeKeeper
from exporter.daemon.day_reader import DayReader
from exporter.daemon.engine import Engine
from exporter.daemon.rebuild_requests import RebuildKeeper
from exporter.daemon.sharing import learn, learn_all
from exporter.daemon.state_reading import StateReading
from exporter.daemon.store_state import StoreState
from exporter.errors import StoreError
from exporter.slo.overrides import OFFLINE, OverrideLimits
from exporter.slo.records import KEPT, Override
from exporter.state.evaluation_state import EvaluationState
from exporter.state.overrides import Overrides
from exporter.state.unsaved import Unsaved
from exporter.store.errors import StoreLostError
from exporter.store.overrides import alike
from exporter.store.store import Store

MOST_AT_ONCE = 20_000
"""Chunks of an SLO that are copied and written at once, some 30 MB; what thousands of SLOs have to
store at first, or once a store is made again, is more than ten times that."""

PATIENCE = 5.0
"""How many seconds evaluations and requests wait for a store that does not answer."""


class Persister(StateReading):
    """Writes what has changed, after every evaluation; what fails is tried again.

    Without a store, or with one that cannot be used at all (`problem` says why), everything stays
    in memory. `overrides` and `changes` are those that it stores, `days` reads those of SLOs, and
    `rebuilds` keeps requests to read SLOs again.
    """

    def __init__(
        self,
        store: Store | None,
        problem: str | None = None,
        clock: Callable[[], float] = time.time,
        sure: Callable[[], bool] = lambda: True,
    ) -> None:
        self.overrides = Overrides(clock=clock)
        self.state = StoreState(problem=problem, failures=int(problem is not None))
        self._clock = clock
        self._sure = sure
        super().__init__(store)
        self.changes = ChangeKeeper(store, self._lock, self._attempt, PATIENCE, clock)
        self.days = DayReader(store, self._lock, PATIENCE)
        self.rebuilds = RebuildKeeper(store, self._lock, self._attempt)
        self._problems: dict[str, str] = {}
        self._overrides_read = False
        self._lost = False
        self._saving: asyncio.Task[bool] | None = None
        if problem:
            self._log.error("nothing is stored: the ledger is kept in memory alone", error=problem)

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

    async def record_override(self, new: Override, limits: OverrideLimits) -> tuple[Override, bool]:
        """Put an override in force, and store it.

        Where daemons share a database, their overrides count together, unless it is out of reach.
        One that says the same as another of the last minute is that one.

        Returns:
            It as it was recorded, and whether it is stored.

        Raises:
            OverrideError, QuotaError: it is beyond the limits.
        """
        if self._store is None or not self._store.shared:
            # Told to several shards, it was led here several times.
            made = alike(new, self.overrides.all) or self.overrides.record(new, limits)
            return made, await self.save_overrides()
        task = asyncio.create_task(self._add_override(self._store, new, limits))
        await asyncio.wait([task], timeout=PATIENCE)
        recorded = task.result() if task.done() else None
        if recorded is not None:
            return recorded, True
        drawn = OFFLINE + secrets.randbelow(OFFLINE)
        return self.overrides.record(replace(new, id=drawn), limits), False

    async def _add_override(
        self, store: Store, new: Override, limits: OverrideLimits
    ) -> Override | None:
        """Record an override in the database; None if it is out of reach."""
        async with self._lock:
            own, since = self.overrides.all, self._since()
            try:
                made, everything = await asyncio.to_thread(
                    store.add_override, new, own, limits, since
                )
            except StoreError as error:
                self._note("overrides", str(error))
                return None
            self.overrides.take(everything)
            self._note("overrides", None)
        return made

    @property
    def overrides_stored(self) -> bool:
        """Whether the store has all overrides."""
        return self._overrides_read and not self.overrides.unsaved

    def _since(self) -> float:
        """Since when overrides are kept; a clock that may be wrong has none forgotten."""
        return self._clock() - KEPT if self._sure() else 0.0

    async def save(self, engine: Engine) -> bool:
        """Store what has changed in the engine's state, and overrides; take up rebuild requests.

        A database that is slow to answer is not waited for: writing goes on meanwhile.

        Returns:
            Whether the store has all of the state that is settled.
        """
        if self._sure():
            self.overrides.forget_old()
            self.changes.known.forget_old()
        if self._store is None:
            return False
        if self._store.shared and self._saving is not None and not self._saving.done():
            await asyncio.wait([self._saving], timeout=PATIENCE)
            if not self._saving.done():
                return False
        # A write that has begun is not to be cancelled: the store is for one at a time.
        self._saving = asyncio.create_task(self._save(self._store, engine))
        await asyncio.wait([self._saving], timeout=PATIENCE if self._store.shared else None)
        return self._saving.done() and self._saving.result()

    async def learn_overrides(self) -> None:
        """Look for those that others who share the store have recorded since."""
        if self._store is not None and self._store.shared:
            await self.save_overrides()

    async def save_overrides(self) -> bool:
        """Store the overrides, if they have changed; whether the store has all of them."""
        if self._store is not None:
            saving = asyncio.create_task(self._save_overrides(self._store))
            await asyncio.wait([saving], timeout=PATIENCE if self._store.shared else None)
            if saving.done():
                saving.result()
        return self.overrides_stored

    async def _save(self, store: Store, engine: Engine) -> bool:
        async with self._lock:
            saved = await self._attempt("ledger", self._write_state(store, engine))
            if self._lost:  # what was made again is filled at once
                saved = await self._attempt("ledger", self._write_state(store, engine))
            self._tell(store)
        await self._save_overrides(store)
        await self.changes.save()
        return saved

    async def _save_overrides(self, store: Store) -> None:
        async with self._lock:
            if store.shared:
                await self._attempt("overrides", self._share_overrides(store))
            # Whoever had the lock before may have stored these as well.
            elif self._overrides_read and self.overrides.unsaved:
                await self._attempt("overrides", self._write_overrides(store))

    async def _share_overrides(self, store: Store) -> None:
        own, since = self.overrides.all, self._since()
        found = await asyncio.to_thread(store.share_overrides, own, since)
        if self.overrides.all is own:  # otherwise one was recorded meanwhile: the next time
            self.overrides.take(found)
            self.overrides.unsaved = False
            self._overrides_read = True

    async def _write_overrides(self, store: Store) -> None:
        self.overrides.unsaved = False  # those that are recorded while it is written are not stored
        try:
            await asyncio.to_thread(store.write_overrides, self.overrides.all)
        except BaseException:
            self.overrides.unsaved = True
            raise

    async def _write_state(self, store: Store, engine: Engine) -> None:
        state = engine.state
        if self._unread:
            stored = await asyncio.to_thread(store.load, state.keys())
            await engine.turns.run(learn_all, state, stored)
            self._unread = False
        await asyncio.to_thread(store.check)
        if self._lost:
            async with engine.turns:
                state.give_all_back()
            self._lost = False
        done, whole = state.rebuilds.done, False
        while not whole:
            state = engine.state
            # It is copied before it is written: the state may change meanwhile.
            unsaved = await engine.turns.run(state.take_unsaved, MOST_AT_ONCE)
            whole = unsaved.whole
            if unsaved or done or (store.shared and not store.registered):
                await self._write(store, engine, state, unsaved)
        if store.shared:
            await learn(store, engine)
        await self.rebuilds.attend(store, engine, done)

    async def _write(
        self, store: Store, engine: Engine, state: EvaluationState, unsaved: Unsaved
    ) -> None:
        try:
            learned = await asyncio.to_thread(unsaved.write, store)
        except BaseException:
            async with engine.turns:
                state.give_back(unsaved)
            raise
        await engine.turns.run(state.shared_slots.take, learned)
        self.state = replace(
            self.state, writes=self.state.writes + 1, written=self._clock(), bytes=store.size
        )

    async def _attempt(self, part: str, write: Awaitable[None]) -> bool:
        """Write a part of what is stored; whether that went well."""
        try:
            await write
        except StoreLostError as error:
            self._lost = self.overrides.unsaved = True
            self.changes.lost()
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
