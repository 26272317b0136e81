"""Whether everything in a store is as it was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from exporter.errors import StoreError
from exporter.ledger.levels import CHUNK
from exporter.slo.figures import minute
from exporter.slo.types import DAY
from exporter.store import mending, outside
from exporter.store.carving import log_of, whole_frames
from exporter.store.checksums import TABLES, damaged_rows, has_checksum, intact
from exporter.store.chunks import is_sound
from exporter.store.mending import of_slo, slo_names
from exporter.store.opening import FILE, is_damage
from exporter.store.session import Session
from exporter.store.settings import Place, PostgresSettings

AT_ONCE = 200
"""Series whose chunks are read together."""


@dataclass(slots=True)
class Verified:
    """What was looked at, and what was found.

    - `damage`: a line for each damaged part: what it is, and where.
    - `records`, `chunks`: how many were looked at.
    - `unsealed`: how many of them have no checksum, as an older version wrote them.
    """

    damage: list[str] = field(default_factory=list)
    records: int = 0
    chunks: int = 0
    unsealed: int = 0


def verify(place: Place) -> Verified:
    """Look at every record of a store. A running daemon is not disturbed.

    Raises:
        StoreError: there is no store, or it cannot be read at all.
    """
    found = Verified()
    if not isinstance(place, PostgresSettings):
        read, committed = whole_frames(log_of(place / FILE))
        # While a daemon writes, the log may grow between the two.
        if read < committed and not outside.has_daemon(place):
            found.damage.append(
                f"{FILE}-wal: {committed - read} of its {committed} pages cannot be read"
            )
    try:
        with outside.reading(place) as session:
            look(session, found)
    except StoreError as error:
        if not (isinstance(error.__cause__, sqlite3.Error) and is_damage(error.__cause__)):
            raise
        found.damage.append(f"the file: {error.__cause__}")
    return found


def look(session: Session, found: Verified) -> None:
    """Look at every record that a session can read.

    Raises:
        sqlite3.Error, StoreError: it cannot be read at all.
    """
    if isinstance(session, sqlite3.Connection):
        with mending.lenient(session):
            found.damage += (f"the file: {line}" for line in _integrity(session))
            _look(session, found)
    else:
        _look(session, found)


def _look(session: Session, found: Verified) -> None:
    names: dict[int, str] = {}
    try:
        names = slo_names(session)
    except sqlite3.Error as error:
        found.damage.append(f"table slo: {error}")
    steps = (_records(session, found), _chunks(session, names, found), _days(session, names, found))
    for step in steps:
        try:
            for line in step:
                found.damage.append(line)
        except sqlite3.Error as error:
            found.damage.append(f"not everything can be read: {error}")


def _integrity(session: Session) -> Iterator[str]:
    try:
        lines = [line for (line,) in session.execute("PRAGMA integrity_check(20)")]
    except sqlite3.Error as error:
        lines = [str(error)]
    yield from (line for line in lines if line != "ok")


def _records(session: Session, found: Verified) -> Iterator[str]:
    for of in TABLES:
        if not session.has(of.table) or not _has_checksums(session, of.table):
            continue
        name = mending.naming(session, of)
        total, unsealed = session.execute(
            f"SELECT count(*), count(*) - count(checksum) FROM {of.table}"  # noqa: S608 - ours
        ).fetchone()
        found.records += total
        found.unsealed += unsealed
        for row in damaged_rows(session, of):
            yield f"table {of.table}: {name(row)}: its checksum is another"
    if session.has("spare") and not session.shared:
        for of_table, key, _ in mending.damaged_spares(session):
            yield f"table spare: the copy of {of_table} {key}: its checksum is another"
        names = slo_names(session)
        for id_ in mending.wrong_times(session):
            yield f"table slo: until when {names[id_]} is stored: its checksum is another"


def _has_checksums(session: Session, table: str) -> bool:
    columns = session.execute(f"SELECT * FROM {table} LIMIT 0").description  # noqa: S608 - ours
    return any(column[0] == "checksum" for column in columns)


def _chunks(session: Session, names: dict[int, str], found: Verified) -> Iterator[str]:
    series = session.execute("SELECT id, slo, labels FROM series ORDER BY id").fetchall()
    of = {id_: (slo, labels) for id_, slo, labels in series}
    for first in range(0, len(series), AT_ONCE):
        low, high = series[first][0], series[min(first + AT_ONCE, len(series)) - 1][0]
        for id_, slot, number, stored in session.execute(
            "SELECT series, slot, number, counts FROM chunk WHERE series >= ? AND series <= ?",
            (low, high),
        ):
            found.chunks += 1
            found.unsealed += not has_checksum(stored)
            if not is_sound(intact(stored, id_, slot, number)):
                yield (
                    f"table chunk: {of_slo(names, *of.get(id_, (id_, '[]')))}: {CHUNK} slots of "
                    f"{slot} s from {_time(number * CHUNK * slot)} on"
                )


def _days(session: Session, names: dict[int, str], found: Verified) -> Iterator[str]:
    if not session.has("day"):
        return
    for slo, labels, number, stored in session.execute(
        "SELECT slo, labels, number, counts FROM day"
    ):
        found.chunks += 1
        found.unsealed += not has_checksum(stored)
        if not is_sound(intact(stored, slo, labels, number)):
            begin = _time(number * CHUNK * DAY)
            yield f"table day: {of_slo(names, slo, labels)}: {CHUNK} days from {begin} on"


def _time(at: int) -> str:
    return minute(at) if 0 <= at < 2**34 else str(at)
