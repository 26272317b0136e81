"""Writing what has changed of SLOs, within a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from exporter.slo.types import HOUR, Group, SloIndex
from exporter.store import pruning, tier_history
from exporter.store.chunks import encode
from exporter.store.session import Session
from exporter.store.stored import ChunkChange, PolicyStates, SloKey

PRUNE_EVERY = HOUR

ChunkRow = tuple[int, int, int, bytes]
"""Columns of the table: series, slot, number, counts."""


class SloWriter:
    """Writes the SLOs of one configuration. It remembers their ids in the database.

    After a transaction that failed, `forget` has to be called: some ids may have been made in it.
    """

    def __init__(self, keys: Sequence[SloKey]) -> None:
        self._keys = tuple(keys)
        self._ids: list[int] = []
        self._series_ids: dict[tuple[SloIndex, Group], int] = {}
        self._pruned_at = 0

    def forget(self) -> None:
        """Look up every id again: the database may be another one."""
        self._ids = []
        self._series_ids = {}

    def index_of(self, id_: int) -> SloIndex | None:
        """The SLO with this id; None if it is not one of them, or not written yet."""
        return SloIndex(self._ids.index(id_)) if id_ in self._ids else None

    def id_of(self, slo_index: SloIndex) -> int:
        """The id of an SLO that has been written."""
        return self._ids[slo_index]

    def write(
        self,
        session: Session,
        end: int,
        level_starts: Sequence[tuple[int, int]],
        changes: Sequence[ChunkChange],
        policy_states: PolicyStates,
    ) -> None:
        """Write what has changed up to `end`, and prune now and then; see `Store.write`."""
        if not self._ids:
            self._register(session, end)
        pruning.take_back(session, end)
        session.execute(
            f'UPDATE slo SET "end" = ? WHERE id IN {session.ids}',  # noqa: S608 - ours
            (end, json.dumps(self._ids)),
        )
        self._register_series(session, changes)
        session.executemany(
            "INSERT INTO chunk (series, slot, number, counts) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (series, slot, number) DO UPDATE SET counts = excluded.counts",
            self._chunk_rows(changes),
        )
        tier_history.write(session, self._ids, policy_states)
        if end - self._pruned_at >= PRUNE_EVERY:
            pruning.prune(session, end, level_starts)
            self._series_ids.clear()
            self._pruned_at = end

    def _register(self, session: Session, end: int) -> None:
        """Note which SLOs are configured now, and learn their ids."""
        session.execute("UPDATE slo SET current = 0")
        session.executemany(
            'INSERT INTO slo (measured, service, name, keep, "end", current, rebuild)'
            " VALUES (?, ?, ?, ?, ?, 1, 0) ON CONFLICT (measured, service, name) DO UPDATE"
            " SET keep = excluded.keep, current = 1",
            ((key.measured, key.service, key.name, key.keep, end) for key in self._keys),
        )
        ids = {
            tuple(key): id_
            for id_, *key in session.execute("SELECT id, measured, service, name FROM slo")
        }
        self._ids = [ids[key.measured, key.service, key.name] for key in self._keys]

    def _register_series(self, session: Session, changes: Sequence[ChunkChange]) -> None:
        """Learn the ids of the series that are about to be written; those that are new get one."""
        known = self._series_ids
        new = {
            (change.slo_index, group)
            for change in changes
            for group in change.groups
            if (change.slo_index, group) not in known
        }
        if not new:
            return
        session.executemany(
            "INSERT INTO series (slo, labels) VALUES (?, ?) ON CONFLICT (slo, labels) DO NOTHING",
            [(self._ids[slo_index], json.dumps(group)) for slo_index, group in sorted(new)],
        )
        slo_indices = {self._ids[slo_index]: slo_index for slo_index, _ in new}
        for id_, slo_id, labels in session.execute(
            f"SELECT id, slo, labels FROM series WHERE slo IN {session.ids}",  # noqa: S608 - ours
            (json.dumps(list(slo_indices)),),
        ):
            known[slo_indices[slo_id], tuple(json.loads(labels))] = id_

    def _chunk_rows(self, changes: Sequence[ChunkChange]) -> Iterator[ChunkRow]:
        for change in changes:
            texts = encode(change.stretch, change.number)
            for group, text in zip(change.groups, texts, strict=True):
                series_id = self._series_ids[change.slo_index, group]
                yield series_id, change.stretch.slot, change.number, text
