"""What several daemons know of the same slots, put together: nothing known is lost to unknown.

Slots are deterministic: daemons that know one agree on it. So it only matters who knows more.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from exporter.ledger.history import History
from exporter.ledger.levels import CHUNK
from exporter.slo.types import Group, SloIndex
from exporter.store.checksums import DamagedChunkError, intact, opened, sealed
from exporter.store.chunks import decode, is_sound, unpack
from exporter.store.session import Session

ChunkRow = tuple[int, int, int, bytes]
"""Columns of the table: series, slot, number, counts."""

ChunkKey = tuple[int, int, int]
"""The key of the table: series, slot, number."""

AT_ONCE = 5_000


def write(
    session: Session, rows: Iterable[ChunkRow], written: dict[ChunkKey, int]
) -> list[ChunkRow]:
    """Write chunks, each with what others have stored of it, into a database that is shared.

    `written` holds hashes of what this daemon has written before: nobody else's has to be looked at
    while that is what is stored.

    Returns:
        Those in which others knew more than their writer.
    """
    learned = []
    given = iter(rows)
    while some := list(islice(given, AT_ONCE)):
        to_write = []
        stored = _stored(session, some)
        for row in some:
            mine, key = row[3], (row[0], row[1], row[2])
            theirs = stored.get(key)
            if theirs is None or theirs == mine or hash(theirs) == written.get(key):
                both = mine
            else:
                both = _both(mine, theirs, key)
            if both is mine:
                written[key] = hash(both)
            else:  # its writer has yet to learn the rest: until it has, it must look again
                written.pop(key, None)
            result = (row[0], row[1], row[2], both)
            if both is not mine:
                learned.append(result)
            if both != theirs:
                to_write.append(result)
        if to_write:
            session.execute(
                "INSERT INTO chunk (series, slot, number, counts) SELECT * FROM"
                " unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[])"
                " ON CONFLICT (series, slot, number) DO UPDATE SET counts = excluded.counts",
                tuple(map(list, zip(*to_write, strict=True))),
            )
    return learned


def write_alone(session: Session, rows: Iterable[ChunkRow], own: set[ChunkKey]) -> None:
    """Write chunks into a database that nobody else writes to.

    A chunk that is not among its `own` ones yet, of which this daemon knows all that is stored, is
    put together with that: a ledger with less of the past takes nothing away.
    """
    given = iter(rows)
    while some := list(islice(given, AT_ONCE)):
        to_write = []
        for row in some:
            key = (row[0], row[1], row[2])
            if key not in own:
                theirs = session.execute(
                    "SELECT counts FROM chunk WHERE series = ? AND slot = ? AND number = ?", key
                ).fetchone()
                if theirs is not None and theirs[0] != row[3]:
                    both = _both(row[3], theirs[0], key)
                    if both is row[3]:
                        own.add(key)
                    row = (*key, both)  # noqa: PLW2901  # grows
                else:
                    own.add(key)
            to_write.append(row)
        session.executemany(
            "INSERT INTO chunk (series, slot, number, counts) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (series, slot, number) DO UPDATE SET counts = excluded.counts",
            to_write,
        )


def _both(mine: bytes, theirs: bytes, key: ChunkKey) -> bytes:
    own = opened(mine, *key)
    together = put_together(own, intact(theirs, *key))
    return mine if together is own else sealed(together, *key)


def histories(
    end: int, chunks: Iterable[tuple[SloIndex, Group, int, int, bytes]]
) -> dict[SloIndex, History]:
    """Chunks, each with its SLO, group, slot length and number, as histories up to `end`.

    Those that are damaged are left out.
    """
    groups: dict[SloIndex, dict[Group, int]] = defaultdict(dict)
    by_slo: dict[SloIndex, dict[tuple[int, int], dict[int, bytes]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for slo_index, group, slot, number, counts in chunks:
        place = groups[slo_index].setdefault(group, len(groups[slo_index]))
        by_slo[slo_index][slot, number][place] = counts
    found = {}
    for slo_index, of_slo in by_slo.items():
        stretches = []
        for (slot, number), by_place in of_slo.items():
            sound = {place: counts for place, counts in by_place.items() if is_sound(counts)}
            if sound:
                stretches.append(decode(slot, {number: sound}, len(groups[slo_index])))
        found[slo_index] = History(end, tuple(groups[slo_index]), tuple(stretches))
    return found


def _stored(session: Session, rows: Sequence[ChunkRow]) -> dict[tuple[int, int, int], bytes]:
    keys = json.dumps([{"a": series, "b": slot, "c": number} for series, slot, number, _ in rows])
    return {
        (series, slot, number): counts
        for series, slot, number, counts in session.execute(
            "SELECT series, slot, number, counts FROM chunk WHERE (series, slot, number) IN"
            " (SELECT a, b, c FROM json_to_recordset(?::json)"
            " AS wanted(a bigint, b bigint, c bigint))",
            (keys,),
        )
    }


def put_together(mine: bytes, theirs: bytes) -> bytes:
    """A chunk of mine with the slots of which theirs knows more; `mine` itself if there are none.

    What has settled goes before what has not, and known before unknown. Of two that know the same,
    mine is the newer.
    """
    try:
        other = unpack(theirs)
    except DamagedChunkError:
        return mine
    own = unpack(mine)
    better = _worth(_shares(other)) > _worth(_shares(own))
    if not better.any():
        return mine
    parts = [_part(own, other, 0, better)]
    size = CHUNK * 20
    if len(own) > size or len(other) > size:
        parts.append(_part(_with_excluded(own), _with_excluded(other), size, better))
    return isal_zlib.compress(b"".join(parts), level=1)


def _part(own: bytes, other: bytes, offset: int, better: NDArray[np.bool_]) -> bytes:
    written = []
    for kind, start in (("<f8", 0), ("<f8", 8 * CHUNK), ("<f4", 16 * CHUNK)):
        a, b = (
            np.frombuffer(body, dtype=kind, count=CHUNK, offset=offset + start)
            for body in (own, other)
        )
        written.append(np.where(better, b, a).astype(kind).tobytes())
    return b"".join(written)


def _with_excluded(body: bytes) -> bytes:
    size = CHUNK * 20
    return body if len(body) > size else body + bytes(16 * CHUNK) + bytes(4 * CHUNK)


def _shares(body: bytes) -> NDArray[np.float32]:
    return np.frombuffer(body, dtype="<f4", count=CHUNK, offset=16 * CHUNK)


def _worth(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much is known of slots: 0 nothing, 1 that nothing is there, above 2 something that has
    not settled, above 4 something that has, each by its share."""
    worth: NDArray[np.float32] = np.where(
        shares > 0, 4 + shares, np.where(shares < 0, 2 - shares, shares == 0)
    )
    return worth
