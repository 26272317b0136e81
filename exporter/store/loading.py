"""Reading SLOs back from the store: their slots, tiers and incidents."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from exporter.ledger.history import History, Stretch
from exporter.ledger.levels import CHUNK
from exporter.slo.types import DAY
from exporter.store import tier_history
from exporter.store.chunks import DamagedChunkError, decode
from exporter.store.stored import SloKey, StoredSlo

SLACK = DAY
"""How much longer than the period they are for slots are kept, in seconds."""

Chunks = Mapping[int, Mapping[int, bytes]]
"""Chunks of one slot length: number -> series (its position) -> bytes."""


class SloReader:
    """Reads SLOs through a connection. `messages` tell of damaged slots that were left out."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.messages: list[str] = []

    def read(self, key: SloKey) -> StoredSlo | None:
        """What is stored of an SLO, or of one that measures the same; None if there is nothing.

        Raises:
            sqlite3.Error: it cannot be read.
        """
        rows = self._connection.execute(
            "SELECT id, end, service = ? AND name = ? AS own, rebuild FROM slo WHERE measured = ?"
            " ORDER BY end DESC, own DESC",
            (key.service, key.name, key.measured),
        ).fetchall()
        if not rows:
            return None
        (newest, end, newest_is_own, _), *older = rows
        history = self._history(newest, end, key.keep)
        for id_, older_end, is_own, _ in older:
            if is_own:  # it had this name before: what it has may reach further back
                history = history.over(self._history(id_, older_end, key.keep))
        own_id = next((id_ for id_, _, is_own, _ in rows if is_own), newest)
        return StoredSlo(
            history,
            own=bool(newest_is_own),
            rebuild=any(is_own and rebuild for _, _, is_own, rebuild in rows),
            final_until=tier_history.final_until(self._connection, own_id),
            policy_states=tier_history.read(self._connection, own_id),
        )

    def _history(self, slo_id: int, end: int, keep: int) -> History:
        series = self._connection.execute(
            "SELECT id, labels FROM series WHERE slo = ? ORDER BY labels", (slo_id,)
        ).fetchall()
        groups = tuple(tuple(json.loads(labels)) for _, labels in series)
        ids = [id_ for id_, _ in series]
        return History(end, groups, tuple(self._stretches(ids, end - keep - SLACK, end)))

    def _stretches(self, series_ids: Sequence[int], start: int, end: int) -> Iterator[Stretch]:
        by_slot: dict[int, dict[int, dict[int, bytes]]] = defaultdict(lambda: defaultdict(dict))
        for position, id_ in enumerate(series_ids):
            # The bounds leave out chunks that a clock years off has left behind.
            for slot, number, counts in self._connection.execute(
                "SELECT slot, number, counts FROM chunk WHERE series = ?"
                " AND (number + 1) * slot * ? > ? AND number * slot * ? < ?",
                (id_, CHUNK, start, CHUNK, end),
            ):
                by_slot[slot][number][position] = counts
        for slot, chunks in by_slot.items():
            try:
                yield decode(slot, chunks, len(series_ids))
            except DamagedChunkError:
                intact = self._intact(slot, chunks)
                if intact:
                    yield decode(slot, intact, len(series_ids))

    def _intact(self, slot: int, chunks: Chunks) -> Chunks:
        """Those of some chunks that are not damaged; a message names each of the others."""
        intact = {}
        for number, by_series in chunks.items():
            try:
                decode(slot, {number: by_series}, 1 + max(by_series))
            except DamagedChunkError:
                start = number * CHUNK * slot
                self.messages.append(
                    f"{CHUNK} slots of {slot} s from {start} on are damaged, "
                    "and are asked for again"
                )
            else:
                intact[number] = by_series
        return intact
