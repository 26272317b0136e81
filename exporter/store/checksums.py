"""Checksums of stored records: a byte that has tipped over is noticed wherever it is.

Rows carry theirs in a column, which writers leave empty and `seal` fills before the transaction
ends; so rows of an older program, which knows nothing of it, are filled by the next that does.
Chunks of slots carry theirs at the end of their bytes, where an older program does not look.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import pack, unpack

from exporter.errors import StoreError
from exporter.store.session import Session

MARK = b"EBC1"
"""Where a chunk's checksum begins, the last eight bytes of it."""


class DamagedChunkError(StoreError):
    """The bytes are not those that were written."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table whose rows have checksums: its key, and all columns that they cover, the key first.

    `what` is what messages call such a row, and `fleeting` are columns of it that they do not cover
    as they are written at every evaluation.
    """

    table: str
    what: str
    key: int
    columns: tuple[str, ...]
    fleeting: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """The columns, as SQL lists them."""
        return listed(self.columns)

    def key_of(self, values: Sequence[object]) -> str:
        """What tells a row from others of its table, as text."""
        return " ".join(str(value) for value in values[: self.key])

    def checksum(self, values: Sequence[object]) -> int:
        """The checksum of a row with these values."""
        return checksum(self.table, values)


def listed(columns: Sequence[str]) -> str:
    """Columns as SQL lists them."""
    return ", ".join(f'"{column}"' for column in columns)


_SERIES = ("slo", "labels")

TABLES = (
    Rows(
        *("slo", "an SLO's names", 1, ("id", "measured", "service", "name")),
        fleeting=("keep", "end", "current", "rebuild", "judged"),
    ),
    Rows("series", "a group's labels", 1, ("id", *_SERIES)),
    Rows(
        *("tier_change", "a change of tier", 3),
        (*_SERIES, *("at", "before", "after", "policy", "remaining", "window", "burn_rate")),
    ),
    Rows(
        *("incident", "an incident", 3),
        (
            *(*_SERIES, "start", "end", "bad", "share", "open", "postmortem"),
            *("acknowledged_at", "acknowledged_by", "note"),
        ),
    ),
    Rows(
        *("incident_detail", "the peak of an incident", 3),
        (*_SERIES, "start", "end", "peak", "start_about", "end_about"),
    ),
    Rows(
        *("firing", "a firing", 6),
        (*_SERIES, "start", "severity", "long", "short", "end", "open"),
    ),
    Rows(
        *("override", "an override", 1),
        ("id", "service", "slo", "by", "why", "start", "until"),
    ),
    Rows("slo_shape", "the configuration", 1, ("slo", "judged_by", "lengths", "cut", "since")),
    Rows("policy_past", "the past", 2, ("slo", "judged_by", "at", "judged", "states")),
    Rows("change", "a change", 1, ("id", "service", "what", "at", "by", "link", "source")),
)
"""Each refers only to those before it."""


TIMES = ("keep", "end", "judged")
"""What is written of every SLO at every evaluation, and has a checksum of its own."""


_encode = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: every record is looked at when a file is opened."""


def checksum(kind: str, values: Sequence[object]) -> int:
    """Of some values, as either database gives them back."""
    return zlib.crc32(_encode([kind, *map(_plain, values)]).encode())


def _plain(value: object) -> object:
    """A number is the same whether it is an integer or not; what must be text may be damaged."""
    if type(value) is str or type(value) is int:  # most are
        return value
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def seal(session: Session) -> None:
    """Fill in the checksums of rows that have none, within a transaction of the caller's."""
    for each in TABLES:
        places = " AND ".join(f'"{column}" = ?' for column in each.columns[: each.key])
        rows = session.execute(
            f"SELECT {each.names} FROM {each.table} WHERE checksum IS NULL"  # noqa: S608 - ours
        ).fetchall()
        if not rows:
            continue
        session.executemany(
            f"UPDATE {each.table} SET checksum = ? WHERE {places}",  # noqa: S608 - ours
            [(each.checksum(row), *row[: each.key]) for row in rows],
        )
        if not session.shared:
            session.executemany(
                'INSERT OR REPLACE INTO spare ("of", "key", body, checksum) VALUES (?, ?, ?, ?)',
                (spare(each, row) for row in rows),
            )


def spare(of: Rows, values: Sequence[object]) -> tuple[str, str, str, int]:
    """The second copy of a row."""
    found = of.table, of.key_of(values), json.dumps(list(values))
    return *found, checksum("spare", found)


def seal_times(session: Session, slo_ids: Sequence[int]) -> None:
    """Bring the checksums of what is written at every evaluation up to what was written of SLOs.

    Daemons that share a database change them at the same time: there are none there.
    """
    if session.shared:
        return
    # Most SLOs were written with the same times.
    for ids, sum_, *times in session.execute(
        f"SELECT json_group_array(id), times_checksum, {listed(TIMES)} FROM slo"  # noqa: S608 - ours
        f" WHERE id IN {session.ids} GROUP BY times_checksum, {listed(TIMES)}",
        (json.dumps(slo_ids),),
    ).fetchall():
        right = checksum("times", times)
        if sum_ != right:
            session.execute(
                f"UPDATE slo SET times_checksum = ? WHERE id IN {session.ids}",  # noqa: S608 - ours
                (right, ids),
            )


def damaged_rows(session: Session, of: Rows) -> Iterator[tuple[object, ...]]:
    """The rows of a table whose checksum is not theirs, or has gone."""
    for *values, stored in session.execute(f"SELECT {of.names}, checksum FROM {of.table}"):  # noqa: S608 - ours
        if not is_right(session, of, values, stored):
            yield tuple(values)


def is_right(session: Session, of: Rows, values: Sequence[object], stored: int | None) -> bool:
    """Whether a row is as it was written, by the checksum that is stored with it.

    One that has none was written by an older program, unless there is a copy of it: whoever deletes
    a row deletes its copy.
    """
    if stored is not None:
        return stored == of.checksum(values)
    if session.shared:
        return True
    if "labels" in of.columns and not _are_labels(values[of.columns.index("labels")]):
        return False
    there = session.execute(
        'SELECT 1 FROM spare WHERE "of" = ? AND "key" = ?', (of.table, of.key_of(values))
    )
    return there.fetchone() is None


def _are_labels(text: object) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), list)
    except ValueError:
        return False


def sealed(counts: bytes, *key: int | str) -> bytes:
    """A chunk's bytes with the checksum of them and of the key of its row."""
    return counts + MARK + pack("<I", _of_chunk(counts, key))


def opened(stored: bytes, *key: int | str) -> bytes:
    """A chunk's bytes without their checksum, which those of an older program do not have.

    Raises:
        DamagedChunkError: they are not those that were written, or not of this row.
    """
    if stored[-8:-4] != MARK:
        return stored
    counts = stored[:-8]
    if unpack("<I", stored[-4:])[0] != _of_chunk(counts, key):
        raise DamagedChunkError("its checksum is another")
    return counts


def intact(stored: bytes, *key: int | str) -> bytes:
    """A chunk's bytes as `opened` gives them; none at all, which is no chunk, if it is damaged."""
    try:
        return opened(stored, *key)
    except DamagedChunkError:
        return b""


def intact_chunks(rows: Iterable[tuple[int, int, int, bytes]]) -> list[bytes]:
    """The bytes of many chunks, each with its three-part key, as `intact` gives them."""
    crc32 = zlib.crc32
    found = []
    for one, two, three, stored in rows:
        counts = stored
        if stored[-8:-4] == MARK:
            counts = stored[:-8]
            key = f"{one} {two} {three}".encode()
            if crc32(counts, crc32(key)) != int.from_bytes(stored[-4:], "little"):
                counts = b""
        found.append(counts)
    return found


def has_checksum(stored: bytes) -> bool:
    """Whether a chunk's bytes have a checksum."""
    return stored[-8:-4] == MARK


def _of_chunk(counts: bytes, key: tuple[int | str, ...]) -> int:
    return zlib.crc32(counts, zlib.crc32(("%s %s %s" % key).encode()))  # noqa: UP031  # the fastest
