"""Damaged records of a SQLite store: restored from their second copies, or taken out.

Chunks of slots have no copy: whoever reads them leaves the damaged ones out, and asks again.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from exporter.ledger.levels import CHUNK
from exporter.slo.figures import minute
from exporter.slo.types import DAY
from exporter.store import checksums
from exporter.store.checksums import TABLES, TIMES, Rows, listed
from exporter.store.chunks import is_sound
from exporter.store.opening import SqliteSession
from exporter.store.session import Session

MOST_TOLD = 10

Row = tuple[Any, ...]


@contextmanager
def without_references(connection: SqliteSession) -> Iterator[None]:
    """A transaction in which rows may be taken out and put back in any order."""
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def mend(connection: SqliteSession, *, incomplete: bool = False) -> list[str]:
    """See whether all records are as they were written; what is to be told of those that are not.

    `incomplete` tells that whole records may be missing of which there are copies.

    Raises:
        sqlite3.Error: the file cannot be read or written.
    """
    with lenient(connection):
        bad = [of for of in TABLES if incomplete or _is_suspicious(connection, of)]
        copies = any(damaged_spares(connection))
        times, days = wrong_times(connection), list(damaged_days(connection))
        if not (bad or copies or times or days):
            return []
        told: list[str] = []
        with without_references(connection):
            spares = _spares(connection)
            for of in bad:
                told += _restore(connection, of, spares[of.table])
            told += _leave_out_days(connection, days)
            if copies:
                _renew_spares(connection)
            _take_out_orphans(connection)
            _set_times(connection, times)
            checksums.seal(connection)
        more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        return told[:MOST_TOLD] + more


def _is_suspicious(connection: SqliteSession, of: Rows) -> bool:
    """Whether a table has rows that are damaged, or lack a checksum, which may be just as bad."""
    (unsealed,) = connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM {of.table} WHERE checksum IS NULL)"  # noqa: S608 - ours
    ).fetchone()
    return bool(unsealed) or any(checksums.damaged_rows(connection, of))


@contextmanager
def lenient(connection: sqlite3.Connection) -> Iterator[None]:
    """Text that is no text is read, too."""
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        yield
    finally:
        connection.text_factory = str


def damaged_spares(connection: Session) -> Iterator[Row]:
    """The copies whose checksum is not theirs."""
    for *values, stored in connection.execute('SELECT "of", "key", body, checksum FROM spare'):
        if stored != checksums.checksum("spare", values):
            yield tuple(values)


def damaged_days(connection: sqlite3.Connection) -> Iterator[tuple[int, str, int]]:
    """The keys of the chunks of days that are damaged."""
    for slo, labels, number, counts in connection.execute(
        "SELECT slo, labels, number, counts FROM day"
    ):
        if not is_sound(checksums.intact(counts, slo, labels, number)):
            yield slo, labels, number


def _leave_out_days(
    connection: SqliteSession, damaged: Sequence[tuple[int, str, int]]
) -> list[str]:
    """Delete them: those that the ledger reaches are summed up again."""
    if not damaged:
        return []
    gone = set(damaged)
    rows = connection.execute("SELECT slo, labels, number, counts FROM day").fetchall()
    connection.execute("DELETE FROM day")  # a key that is no text could not be named
    connection.executemany(
        "INSERT INTO day (slo, labels, number, counts) VALUES (?, ?, ?, ?)",
        [row for row in rows if row[:3] not in gone],
    )
    names = slo_names(connection)
    return [
        f"{of_slo(names, slo, labels)}: {CHUNK} days from {minute(number * CHUNK * DAY)} on are "
        "damaged, and left out as far as they cannot be summed up again"
        for slo, labels, number in damaged
    ]


def slo_names(connection: Session) -> dict[int, str]:
    """What SLOs are called, by their ids."""
    rows = connection.execute("SELECT id, service, name FROM slo")
    return {id_: f"{service}/{name}" for id_, service, name in rows}


def of_slo(names: Mapping[int, str], slo: int, labels: str) -> str:
    """What an SLO, or a group of it, is called."""
    return names.get(slo, f"SLO {slo}") + ("" if labels == "[]" else f" {labels}")


def wrong_times(connection: Session) -> list[int]:
    """The ids of SLOs of which it is not known until when they were written.

    Where no checksum is right, an older program has written all of them: they are wrong only where
    there are slots of later.
    """
    rows = connection.execute(f"SELECT id, times_checksum, {listed(TIMES)} FROM slo").fetchall()  # noqa: S608 - ours
    sealed = [(row[0], row[1] == checksums.checksum("times", row[2:])) for row in rows if row[1]]
    wrong = [id_ for id_, right in sealed if not right]
    if len(wrong) < len(sealed):
        return wrong
    ends = {id_: end for id_, _, _, end, _ in rows}
    return [id_ for id_ in wrong if _newest(connection, id_)[0] >= ends[id_]]


def _newest(connection: Session, slo_id: int) -> tuple[int, int]:
    """Where the newest chunk of an SLO begins and ends, Unix seconds; 0 without any."""
    row = connection.execute(
        "SELECT slot, max(number * slot) FROM chunk WHERE series IN"
        " (SELECT id FROM series WHERE slo = ?)",
        (slo_id,),
    ).fetchone()
    slot, begin = row
    return (0, 0) if slot is None else (begin * CHUNK, (begin + slot) * CHUNK)


def _set_times(connection: SqliteSession, slo_ids: Sequence[int]) -> None:
    """Tell by what else is stored until when SLOs were written, and are final."""
    unknown = [id_ for (id_,) in connection.execute('SELECT id FROM slo WHERE "end" = 0')]
    for slo_id in {*slo_ids, *unknown}:
        begin, end = _newest(connection, slo_id)
        (judged,) = connection.execute(
            "SELECT max(at) FROM (SELECT at FROM tier_change WHERE slo = :slo UNION ALL"
            ' SELECT "end" FROM incident WHERE slo = :slo UNION ALL'
            ' SELECT "end" FROM firing WHERE slo = :slo)',
            {"slo": slo_id},
        ).fetchone()
        connection.execute(
            'UPDATE slo SET "end" = ?, judged = ? WHERE id = ?',
            (min(end, max(begin, int(time.time()))), judged or 0, slo_id),
        )
    every = [id_ for (id_,) in connection.execute("SELECT id FROM slo")]
    checksums.seal_times(connection, every)


def _spares(connection: sqlite3.Connection) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for of, key, body, stored in connection.execute(
        'SELECT "of", "key", body, checksum FROM spare'
    ):
        if stored == checksums.checksum("spare", (of, key, body)):
            found[of][key] = tuple(json.loads(body))
    return found


def _renew_spares(connection: sqlite3.Connection) -> None:
    """Have all copies made again of the rows, which are right by now."""
    connection.execute("DELETE FROM spare")
    for of in TABLES:
        connection.execute(f"UPDATE {of.table} SET checksum = NULL")  # noqa: S608 - ours


def _restore(connection: SqliteSession, of: Rows, spares: dict[str, Row]) -> list[str]:
    """Put a table together of sound rows and copies; what is told of the others."""
    columns, width = listed((*of.columns, *of.fleeting)), len(of.columns)
    sound: dict[str, Row] = {}
    unsealed: dict[str, Row] = {}
    bad: list[Row] = []
    for *row, stored in connection.execute(f"SELECT {columns}, checksum FROM {of.table}"):  # noqa: S608 - ours
        if checksums.is_right(connection, of, row[:width], stored):
            (unsealed if stored is None else sound)[of.key_of(row)] = tuple(row)
        else:
            bad.append(tuple(row))
    missing = spares.keys() - sound.keys()
    # Where copies lack their rows, rows without checksums are what has become of them.
    if len(unsealed) <= len(missing):
        bad += unsealed.values()
    else:
        sound |= unsealed
    restored = [spare for key, spare in spares.items() if key not in sound]
    if not bad and not restored:
        return []
    connection.execute(f"DELETE FROM {of.table}")  # noqa: S608 - ours
    rows = [*sound.values(), *(_with_fleeting(of, spare, bad) for spare in restored)]
    places = ", ".join("?" * (width + len(of.fleeting)))
    connection.executemany(
        f"INSERT OR IGNORE INTO {of.table} ({columns}) VALUES ({places})",  # noqa: S608 - ours
        rows,
    )
    name = naming(connection, of)
    lost = bad[len(restored) :]
    return [
        *(f"{name(each)} was damaged, and is restored from its copy" for each in restored),
        *(f"{name(each)} is damaged, and left out" for each in lost),
    ]


def _with_fleeting(of: Rows, spare: Row, bad: Sequence[Row]) -> Row:
    """A copy with the columns that it lacks: from the damaged row, where that is known."""
    width = len(of.columns)
    for row in bad:
        if row[0] == spare[0] or row[1:width] == spare[1:]:
            return (*spare, *row[width:])
    return (*spare, *(1 if column == "current" else 0 for column in of.fleeting))


def naming(connection: Session, of: Rows) -> Callable[[Row], str]:
    """What a row is called in a message."""
    names = slo_names(connection)

    def name(row: Row) -> str:
        value = dict(zip(of.columns, row, strict=False))
        if of.columns[0] == "slo":
            at = value.get("at", value.get("start"))
            when = f" at {minute(at)}" if isinstance(at, int) and 0 < at < 2**34 else ""
            return f"{of.what} of {of_slo(names, value['slo'], value.get('labels', '[]'))}{when}"
        told = (f"{column} {value[column]}" for column in of.columns[1:4])
        return f"{of.what} ({', '.join(told)})"

    return name


def _take_out_orphans(connection: sqlite3.Connection) -> None:
    """Delete what refers to rows that are not there."""
    connection.execute("DELETE FROM series WHERE slo NOT IN (SELECT id FROM slo)")
    connection.execute("DELETE FROM chunk WHERE series NOT IN (SELECT id FROM series)")
    for table in ("day", *(of.table for of in TABLES if of.columns[0] == "slo")):
        connection.execute(f"DELETE FROM {table} WHERE slo NOT IN (SELECT id FROM slo)")  # noqa: S608 - ours
