"""Opening a store's file, whatever state it is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from exporter.errors import StoreError
from exporter.store import schema

FILE = "ledger.sqlite"

BESIDE = ("-wal", "-shm")

BUSY_SECONDS = 2.0
"""How long to wait for a backup or a shell that has locked the file."""


class SqliteSession(sqlite3.Connection):
    """Implements `Session`: nobody else writes to the file while a daemon has it open."""

    shared: ClassVar[bool] = False
    ids: ClassVar[str] = "(SELECT value FROM json_each(?))"
    texts: ClassVar[str] = ids

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        found = self.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        return found is not None


def existing(folder: Path) -> Path:
    """The file of a store that exists.

    Raises:
        StoreError: there is none in the folder.
    """
    file = folder / FILE
    if not file.exists():
        raise StoreError(f"{file} does not exist: no daemon has stored anything here yet")
    return file


def connect(file: Path) -> SqliteSession:
    """Open the file for reading and writing; it is created if it does not exist.

    Raises:
        sqlite3.Error: it cannot be opened, or is not a sound database.
        StoreVersionError: a newer version or another program wrote it.
    """
    check_head(file)
    connection = sqlite3.connect(
        file,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=SqliteSession,
    )
    try:
        is_new = schema.is_empty(connection, file)
        connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the machine may lose the newest transactions but never damages the file;
        # what they held is asked for again.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        if is_new:
            schema.create(connection)
        else:
            schema.upgrade(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(
    file: Path, check: Callable[[sqlite3.Connection, Path], None] = schema.check_filled
) -> SqliteSession:
    """Open the file for reading only, even where nothing beside it can be written.

    Raises:
        sqlite3.Error: it cannot be opened, or is not a sound database.
        StoreError: what `check` has against it.
    """
    # Without write access to the folder SQLite reads a WAL database only as `immutable`.
    for options in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?{options}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=SqliteSession,
        )
        try:
            check(connection, file)
        except sqlite3.OperationalError as error:
            connection.close()
            # An immutable read of a locked file would see half-written pages.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
            if "immutable" in options or code & 0xFF == sqlite3.SQLITE_BUSY:
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise AssertionError  # the loop returns or raises


_FIXED = {20: b"\0@  ", 44: b"\0\0\0\x04", 56: b"\0\0\0\x01"}
"""Bytes of the header that all of our files have, by where they begin: formats and limits."""

_JOURNALS = (b"\x02\x02", b"\x01\x01")
"""With a write-ahead log, as all of our files, or without, as copies by `VACUUM INTO`."""


def check_head(file: Path) -> None:
    """See whether the header of a file of ours is damaged, of which SQLite says something else.

    Raises:
        sqlite3.DatabaseError: it is.
    """
    try:
        with file.open("rb") as source:
            head = source.read(100)
    except OSError:
        return  # SQLite says why
    ours = int.from_bytes(head[68:72], "big") == schema.APPLICATION_ID
    if ours and (
        head[60:64] == bytes(4)
        or head[18:20] not in _JOURNALS
        or any(head[at : at + len(right)] != right for at, right in _FIXED.items())
    ):
        raise sqlite3.DatabaseError("its header is not as it was written")


def check_sound(connection: sqlite3.Connection) -> None:
    """Check every page of the file, and the order of the rows in it.

    Raises:
        sqlite3.DatabaseError: it is damaged.
    """
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file is damaged, rather than locked, full or unreadable."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError | sqlite3.IntegrityError
    )


def name_aside(file: Path, why: str) -> Path:
    """A name beside a file that nothing has, with a word and the time."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = file.with_name(f"{file.name}.{why}-{now}")
    count = 1
    while aside.exists():
        count += 1
        aside = file.with_name(f"{file.name}.{why}-{now}-{count}")
    return aside


def set_aside(file: Path, why: str = "corrupt") -> Path:
    """Rename a file and what SQLite keeps beside it; returns the new name.

    Raises:
        OSError: it cannot be renamed.
    """
    aside = name_aside(file, why)
    set_logs_aside(file, aside)
    file.rename(aside)
    return aside


def set_logs_aside(file: Path, aside: Path) -> None:
    """Rename what SQLite keeps beside a file, as if the file had the other name.

    Raises:
        OSError: it cannot be renamed.
    """
    for log, other in zip(logs(file), logs(aside), strict=True):
        if log.exists():
            log.rename(other)


def logs(file: Path) -> tuple[Path, Path]:
    """What SQLite may keep beside a file: its write-ahead log, and that log's index."""
    return file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def inode(file: Path) -> int | None:
    """The file's inode number, which differs if it was replaced; None if there is no file."""
    try:
        return file.stat().st_ino
    except OSError:
        return None


def beside(file: Path) -> tuple[int | None, ...]:
    """The inodes of what SQLite keeps beside an open file: its log, and the index of that."""
    return tuple(inode(file.with_name(file.name + suffix)) for suffix in BESIDE)


def written(file: Path) -> tuple[int, int]:
    """The file's bytes, and when it was written last (ns): others if somebody has written to it."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def size(file: Path) -> int:
    """The bytes that the store takes on disk, its write-ahead log included."""
    total = 0
    for path in (file, file.with_name(file.name + "-wal")):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total
