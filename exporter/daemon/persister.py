"""The keeper: brings what the store has into the state, and what is new in them into the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from exporter.daemon.engine import Engine
from exporter.errors import StoreError
from exporter.slo.types import SloIndex, enumerate_slos
from exporter.state.evaluation_state import EvaluationState
from exporter.store.opening import StoreLostError
from exporter.store.store import Store, Stored


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
    """Writes down what has changed, after every evaluation; what fails is tried again.

    A store that cannot be used at all (`problem` says why) leaves everything in memory.
    """

    def __init__(
        self,
        store: Store | None,
        problem: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = structlog.get_logger()
        self._lock = asyncio.Lock()
        self.state = StoreState(problem=problem, failures=int(problem is not None))
        if problem:
            self._log.error("nothing is stored: the ledger is held in memory alone", error=problem)

    async def read(
        self, state: EvaluationState, old: EvaluationState | None = None
    ) -> dict[SloIndex, Stored]:
        """What the store has of the SLOs of some SLOs' state, other than those that `old` has, too.

        From then on it is these books' changes that are stored.

        Raises:
            StoreError: it cannot be read.
        """
        if self._store is None:
            return {}
        owners = state.owners()
        there = {owner.identity for owner in old.owners()} if old else set()
        known = {place for place, owner in enumerate_slos(owners) if owner.identity in there}
        async with self._lock:
            stored = await asyncio.to_thread(self._store.load, owners, known)
        for message in self._store.messages:
            self._log.warning(message)
        self._store.messages.clear()
        return stored

    async def save(self, engine: Engine) -> bool:
        """Store what has changed in the engine's books, and meet requests to ask anew.

        Returns:
            Whether the store has all that is settled.
        """
        if self._store is None:
            return False
        # A write that has begun is not to be cancelled: the store is for one at a time.
        return await asyncio.shield(self._save_now(self._store, engine))

    async def _save_now(self, store: Store, engine: Engine) -> bool:
        async with self._lock:
            try:
                await self._save(store, engine)
                requests = await asyncio.to_thread(store.requests)
            except StoreError as error:
                self._note(str(error))
                return False
            self._note(None)
        async with engine.turns:
            for slo_index in set(requests) - set(engine.state.rebuilds.under_way):
                engine.state.rebuilds.begin(slo_index)
        return True

    async def _save(self, store: Store, engine: Engine) -> None:
        state = engine.state
        for slo_index in state.rebuilds.complete():
            async with engine.turns:
                state.rebuilds.finish(slo_index)
        done = state.rebuilds.done
        # It is copied before it is written: the state may change meanwhile.
        unsaved = await engine.turns.run(state.take_unsaved)
        if unsaved or done:
            try:
                await asyncio.to_thread(
                    store.write,
                    unsaved.end,
                    unsaved.fences,
                    unsaved.changes,
                    unsaved.policy_states,
                )
            except StoreLostError:
                async with engine.turns:
                    state.give_all_back()
                raise
            except BaseException:
                async with engine.turns:
                    state.give_back(unsaved)
                raise
            self.state = replace(
                self.state, writes=self.state.writes + 1, written=self._clock(), bytes=store.size
            )
        for slo_index in done:
            await asyncio.to_thread(store.answered, slo_index)
            async with engine.turns:
                state.rebuilds.end(slo_index)
            slo = state.slos[slo_index]
            self._log.info("everything was asked for anew", service=slo.service, slo=slo.name)

    def _note(self, problem: str | None) -> None:
        """Remember how it went; log it when it begins, changes, or is over."""
        before = self.state.problem
        if problem is not None:
            self.state = replace(self.state, problem=problem, failures=self.state.failures + 1)
            if problem != before:
                self._log.error("the store fails; what is new is kept in memory", error=problem)
        elif before is not None:
            self.state = replace(self.state, problem=None)
            self._log.info("the store is written again")

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
