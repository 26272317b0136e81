"""Slots of a day, kept for thirteen months: what months and quarters are compared by.

They are chunks as the finer slots are, in a table of their own: a ledger does not go on from them,
and an older program leaves them alone. Days are those of UTC.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence

from exporter.ledger.history import History
from exporter.ledger.levels import CHUNK
from exporter.slo.types import DAY, Group, SloIndex
from exporter.store.checksums import intact, sealed
from exporter.store.chunks import encode
from exporter.store.merging import histories, put_together
from exporter.store.session import Session
from exporter.store.stored import ChunkChange

KEPT = 400 * DAY
"""Seconds: thirteen months."""

AT_ONCE = 1_000

DayKey = tuple[int, str, int]
"""The key of the table: the SLO's id, its group as JSON, and the number of the chunk."""


def write(session: Session, ids: Sequence[int], changes: Sequence[ChunkChange]) -> None:
    """Put days together with those that are stored: nothing known is lost to unknown.

    `ids` are those of the SLOs, by their index.
    """
    for first in range(0, len(changes), AT_ONCE):
        some = changes[first : first + AT_ONCE]
        rows = list(_rows(ids, some))
        stored = _stored(session, {key[0] for key, _ in rows}, {key[2] for key, _ in rows})
        both = [
            (*key, sealed(put_together(mine, intact(stored[key], *key)), *key))
            if key in stored
            else (*key, sealed(mine, *key))
            for key, mine in rows
        ]
        session.executemany(
            "INSERT INTO day (slo, labels, number, counts) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (slo, labels, number) DO UPDATE SET counts = excluded.counts",
            [row for row in both if stored.get(row[:3]) != row[3]],
        )


def read(
    session: Session, ids: Sequence[int], wanted: Collection[SloIndex], end: int
) -> dict[SloIndex, History]:
    """The days that are stored of some SLOs."""
    if not session.has("day"):
        return {}
    by_id = {ids[slo_index]: slo_index for slo_index in wanted}
    rows = session.execute(
        "SELECT slo, labels, number, counts FROM day"  # noqa: S608 - ours
        f" WHERE slo IN {session.ids} ORDER BY slo, labels, number",
        (json.dumps(sorted(by_id)),),
    )
    chunks = (
        (by_id[slo_id], _group(labels), DAY, number, intact(counts, slo_id, labels, number))
        for slo_id, labels, number, counts in rows
    )
    return histories(end, chunks)


def prune(session: Session, end: int) -> None:
    """Delete what is older than thirteen months."""
    session.execute("DELETE FROM day WHERE (number + 1) * ? <= ?", (CHUNK * DAY, end - KEPT))


def _rows(ids: Sequence[int], changes: Sequence[ChunkChange]) -> Iterator[tuple[DayKey, bytes]]:
    for change in changes:
        texts = encode(change.stretch, change.number)
        for group, text in zip(change.groups, texts, strict=True):
            yield (ids[change.slo_index], json.dumps(group), change.number), text


def _stored(
    session: Session, slo_ids: Collection[int], numbers: Collection[int]
) -> dict[DayKey, bytes]:
    rows = session.execute(
        "SELECT slo, labels, number, counts FROM day"  # noqa: S608 - ours
        f" WHERE slo IN {session.ids} AND number IN {session.ids}",
        (json.dumps(sorted(slo_ids)), json.dumps(sorted(numbers))),
    )
    return {(slo, labels, number): bytes(counts) for slo, labels, number, counts in rows}


def _group(labels: str) -> Group:
    return tuple(json.loads(labels))
