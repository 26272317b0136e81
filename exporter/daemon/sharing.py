"""What one daemon learns of the others that share its store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from exporter.daemon.engine import Engine
from exporter.slo.types import SloIndex
from exporter.state.evaluation_state import EvaluationState
from exporter.store.store import Store
from exporter.store.stored import SharedRecords, StoredSlo


async def learn(store: Store, engine: Engine) -> None:
    """Take what others know more: slots that are overdue here, acknowledgements, longer pasts.

    Raises:
        StoreError: the store cannot be read.
    """
    state = engine.state
    wanted = await engine.turns.run(state.shared_slots.wanted)
    if wanted:
        found = await asyncio.to_thread(store.look, wanted, state.ledger.interval)
        await engine.turns.run(state.shared_slots.take, found)
    records = await asyncio.to_thread(store.shared_records)
    async with engine.turns:
        behind = state.policy_records.learn(records)
    if behind:
        states = await asyncio.to_thread(store.policy_states, behind)
        async with engine.turns:
            for slo_index, (until, policy_states) in states.items():
                state.policy_records.take(slo_index, until, policy_states)


def learn_all(state: EvaluationState, stored: Mapping[SloIndex, StoredSlo]) -> None:
    """Take what a store has that could not be read until now; what is known here stands."""
    state.shared_slots.take({slo_index: item.history for slo_index, item in stored.items()})
    for slo_index, item in stored.items():
        first_changes = {
            (slo_index, group): policy_state.changes[0].at
            for group, policy_state in item.policy_states.items()
            if policy_state.changes
        }
        if state.policy_records.learn(SharedRecords(first_changes)):
            state.policy_records.take(slo_index, item.final_until, item.policy_states)
        if item.rebuild:
            state.rebuilds.begin(slo_index)
