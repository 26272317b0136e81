"""Writing what has changed of SLOs, within a transaction of the caller's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from exporter.slo.types import HOUR, Group, SloIndex
from exporter.store import pruning, tier_history
from exporter.store.chunks import encode
from exporter.store.stored import ChunkChange, PolicyStates, SloKey

PRUNE_EVERY = HOUR


class SloWriter:
    """Writes the SLOs of one configuration. It remembers their ids in the file that it writes to.

    After a transaction that failed, `forget` has to be called: some ids may have been made in it.
    """

    def __init__(self, keys: Sequence[SloKey]) -> None:
        self._keys = tuple(keys)
        self._ids: list[int] = []
        self._series_ids: dict[tuple[SloIndex, Group], int] = {}
        self._pruned_at = 0

    def forget(self) -> None:
        """Look up every id again: the file may be another one."""
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
        connection: sqlite3.Connection,
        end: int,
        level_starts: Sequence[tuple[int, int]],
        changes: Iterable[ChunkChange],
        policy_states: PolicyStates,
    ) -> None:
        """Write what has changed up to `end`, and prune now and then; see `Store.write`."""
        if not self._ids:
            self._ids = list(self._register(connection, end))
        pruning.take_back(connection, end)
        connection.execute("UPDATE slo SET end = ? WHERE current", (end,))
        connection.executemany(
            "INSERT INTO chunk VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET counts = excluded.counts",
            self._chunk_rows(connection, changes),
        )
        tier_history.write(connection, self._ids, policy_states)
        if end - self._pruned_at >= PRUNE_EVERY:
            pruning.prune(connection, end, level_starts)
            self._series_ids.clear()
            self._pruned_at = end

    def _register(self, connection: sqlite3.Connection, end: int) -> Iterator[int]:
        """Note which SLOs are configured now; their ids."""
        connection.execute("UPDATE slo SET current = 0")
        for key in self._keys:
            (id_,) = connection.execute(
                "INSERT INTO slo (measured, service, name, keep, end, current, rebuild)"
                " VALUES (?, ?, ?, ?, ?, 1, 0) ON CONFLICT DO UPDATE"
                " SET keep = excluded.keep, current = 1 RETURNING id",
                (key.measured, key.service, key.name, key.keep, end),
            ).fetchone()
            yield id_

    def _chunk_rows(
        self, connection: sqlite3.Connection, changes: Iterable[ChunkChange]
    ) -> Iterator[tuple[int, int, int, bytes]]:
        for change in changes:
            texts = encode(change.stretch, change.number)
            for group, text in zip(change.groups, texts, strict=True):
                series_id = self._series_id(connection, change.slo_index, group)
                yield series_id, change.stretch.slot, change.number, text

    def _series_id(self, connection: sqlite3.Connection, slo_index: SloIndex, group: Group) -> int:
        id_ = self._series_ids.get((slo_index, group))
        if id_ is None:
            (id_,) = connection.execute(
                "INSERT INTO series (slo, labels) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET labels = labels RETURNING id",
                (self._ids[slo_index], json.dumps(group)),
            ).fetchone()
            self._series_ids[slo_index, group] = id_
        return id_
