"""What the store does not have yet, copied out of the state, which changes while it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.ledger.changes import Chunk
from exporter.ledger.history import History
from exporter.ledger.ledger import Ledger
from exporter.slo.types import SloIndex
from exporter.state.days import Days
from exporter.state.policy_records import PolicyRecords
from exporter.state.series_table import SeriesTable
from exporter.store.store import Store
from exporter.store.stored import ChunkChange, PolicyStates


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What is to be stored, as of `end` (Unix seconds).

    `level_starts` tells, for every slot length, since when the ledger has such slots. `days` are
    those that are over. `whole` tells whether it is all: otherwise it is a part of the slots, and
    the next call has more.
    """

    end: int
    level_starts: Sequence[tuple[int, int]]
    chunks: Sequence[Chunk]
    changes: list[ChunkChange]
    policy_states: PolicyStates
    days: Sequence[ChunkChange] = ()
    whole: bool = True

    def __bool__(self) -> bool:
        return bool(self.chunks or self.policy_states.changed or self.days)

    def write(self, store: Store) -> dict[SloIndex, History]:
        """Have it stored, and free the copies of slots.

        Returns:
            What others know more, as `Store.write`.

        Raises:
            StoreError, StoreLostError: as `Store.write`.
        """
        try:
            return store.write(
                *(self.end, self.level_starts, self.changes, self.policy_states, self.days),
                more=not self.whole,
            )
        finally:
            # A few at a time: nothing else runs while many are freed at once.
            while self.changes:
                del self.changes[-1_000:]


def collect_unsaved(
    ledger: Ledger,
    series_table: SeriesTable,
    policy_records: PolicyRecords,
    days: Days,
    most: int | None,
) -> Unsaved:
    """Take what has changed since the last call; `most`: chunks of an SLO, and few more.

    Tiers and days that come from slots are taken with the last of these.
    """
    chunks, changes = ledger.changes(most), []
    for chunk in chunks:
        series = [series_table.indices(slo_index) for slo_index in chunk.slo_indices]
        stretches = ledger.stretches(chunk, series)
        for slo_index, stretch in zip(chunk.slo_indices, stretches, strict=True):
            groups = series_table.groups(slo_index)
            changes.append(ChunkChange(slo_index, chunk.number, groups, stretch))
    level_starts = [(level.slot, ledger.cover(i)[0]) for i, level in enumerate(ledger.levels)]
    taken = ledger.end, level_starts, chunks, changes
    days.note(chunks)
    if ledger.has_changes():
        return Unsaved(*taken, PolicyStates(), whole=False)
    return Unsaved(*taken, policy_records.take_unsaved(), days.take())
