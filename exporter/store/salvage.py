"""What can be saved out of a damaged SQLite file: every record whose checksum is right."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from exporter.store import checksums, mending
from exporter.store.carving import Value, log_of, records, whole_frames
from exporter.store.checksums import TABLES, TIMES, DamagedChunkError, opened, sealed
from exporter.store.chunks import unpack
from exporter.store.merging import put_together
from exporter.store.opening import SqliteSession

Row = tuple[Value, ...]


class Saved:
    """Records that were found, by their tables and keys."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = {each.table: {} for each in TABLES}
        self.spares: dict[tuple[Value, ...], Row] = {}
        self.chunks: dict[Row, bytes] = {}
        self.days: dict[Row, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self.rows["slo"] or self.rows["override"] or self.rows["change"] or self.spares)

    def __str__(self) -> str:
        records = sum(map(len, self.rows.values())) - len(self.rows["slo"])
        slots = len(self.chunks) + len(self.days)
        return f"{len(self.rows['slo'])} SLOs, {slots} chunks of slots and {records} other records"

    def take(self, values: list[Value]) -> None:
        """Keep a record, if it is one of ours and as it was written."""
        if len(values) == 4 and isinstance(values[3], bytes):
            self._take_chunk(*values)
        elif len(values) == 4 and values[3] == checksums.checksum("spare", values[:3]):
            self.spares[tuple(values[:2])] = tuple(values)
        for of in TABLES:
            width = len(of.columns)
            stored = width + len(of.fleeting)
            if len(values) < stored + 1 or len(values) > stored + 2:
                continue
            if values[stored] is not None and values[stored] == of.checksum(values[:width]):
                row = dict(zip((*of.columns, *of.fleeting), values, strict=False))
                times = [row.get(column) for column in TIMES]
                if of.fleeting and values[stored + 1 :] != [checksums.checksum("times", times)]:
                    row["end"] = 0  # it is not known, nor until when it is final
                self.rows[of.table][of.key_of(values)] = tuple(row.values())

    def _take_chunk(self, one: Value, two: Value, three: Value, stored: Value) -> None:
        into = self.chunks if isinstance(two, int) else self.days
        if not (isinstance(one, int) and isinstance(three, int) and isinstance(stored, bytes)):
            return
        key = one, two, three
        with suppress(DamagedChunkError):
            counts = opened(stored, *key)  # type: ignore[arg-type]  # two is a number or a text
            unpack(counts)
            # A page may hold what was there before: of two, the one that knows more is the newer.
            there = into.get(key)
            into[key] = counts if there is None else put_together(counts, there)


def found(damaged: Path, *, log_alone: bool = False) -> Saved:
    """What a damaged file holds, or its write-ahead log alone.

    Raises:
        OSError: it cannot be read.
    """
    saved = Saved()
    for values in records(damaged, log_alone=log_alone):
        saved.take(values)
    return saved


def lost_in_log(file: Path) -> Saved | None:
    """What a write-ahead log holds that SQLite leaves out as a part of it is damaged.

    None if there is nothing. To be asked before SQLite opens the file.
    """
    try:
        read, committed = whole_frames(log_of(file))
        return found(file, log_alone=True) if read < committed else None
    except OSError:
        return None


def put(saved: Saved, into: SqliteSession) -> list[str]:
    """Put what was found into a store that lacks it; what is to be told of it.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    with mending.without_references(into):
        _write(into, saved)
    told = mending.mend(into, incomplete=True)
    # A group may lack what others of its SLO have: that is not seen by its slots.
    into.execute(
        "UPDATE slo SET rebuild = 1 WHERE id IN (SELECT slo FROM series WHERE labels <> '[]')"
    )
    return told


def _write(into: SqliteSession, saved: Saved) -> None:
    for of in TABLES:
        columns = checksums.listed((*of.columns, *of.fleeting))
        places = ", ".join("?" * (len(of.columns) + len(of.fleeting)))
        into.executemany(
            f"INSERT OR REPLACE INTO {of.table} ({columns}) VALUES ({places})",  # noqa: S608 - ours
            saved.rows[of.table].values(),
        )
    checksums.seal(into)
    into.executemany(
        'INSERT OR REPLACE INTO spare ("of", "key", body, checksum) VALUES (?, ?, ?, ?)',
        saved.spares.values(),
    )
    into.executemany(
        "INSERT OR REPLACE INTO chunk (series, slot, number, counts) VALUES (?, ?, ?, ?)",
        _sealed(saved.chunks),
    )
    into.executemany(
        "INSERT OR REPLACE INTO day (slo, labels, number, counts) VALUES (?, ?, ?, ?)",
        _sealed(saved.days),
    )


def _sealed(chunks: dict[Row, bytes]) -> Iterable[tuple[object, ...]]:
    for key, counts in chunks.items():
        yield (*key, sealed(counts, *key))  # type: ignore[arg-type]  # numbers and texts
