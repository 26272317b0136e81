"""The store's file: opening it, whatever state it is in, and keeping it to one daemon.

StoreError               nothing can be stored, or read; the message says why
├── StoreInUseError      another daemon has the store
├── StoreLostError       what was stored is gone, and is to be stored again
└── StoreVersionError    the file is of a newer version of this program
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from exporter.errors import StoreError

FILE = "ledger.sqlite"
LOCK = "ledger.lock"

APPLICATION_ID = 0x45424C31
"""`EBL1`: tells other programs' databases from ours."""

VERSION = 2
"""Of the schema. A file of a newer one is left alone."""

SCHEMA = """
CREATE TABLE slo (
    id INTEGER PRIMARY KEY,
    measured TEXT NOT NULL,          -- a hash of what is measured
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    keep INTEGER NOT NULL,           -- how far back slots are kept, in seconds
    end INTEGER NOT NULL,            -- when it was last written, Unix seconds
    current INTEGER NOT NULL,        -- whether it is in the configuration
    rebuild INTEGER NOT NULL,        -- whether Prometheus is to be asked for everything anew
    judged INTEGER NOT NULL DEFAULT 0, -- until when its tiers and incidents stand, Unix seconds
    UNIQUE (measured, service, name)
) STRICT;
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,            -- the values of the group_by labels, as JSON
    UNIQUE (slo, labels)
) STRICT;
CREATE TABLE chunk (
    series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    slot INTEGER NOT NULL,           -- the length of its slots, in seconds
    number INTEGER NOT NULL,         -- which chunk since the epoch
    counts BLOB NOT NULL,
    PRIMARY KEY (series, slot, number)
) STRICT, WITHOUT ROWID;
"""

RECORDS = """
CREATE TABLE tier_change (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,            -- as in series
    at INTEGER NOT NULL,
    before TEXT,                     -- NULL for the first tier
    after TEXT NOT NULL,
    policy TEXT NOT NULL,
    remaining REAL NOT NULL,         -- of the budget, a ratio
    window INTEGER,                  -- seconds, if a burn rate raised the tier
    burn_rate REAL,
    PRIMARY KEY (slo, labels, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE incident (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    bad REAL NOT NULL,
    share REAL NOT NULL,             -- of one period's budget, a ratio
    open INTEGER NOT NULL,           -- whether it may go on
    postmortem INTEGER NOT NULL,     -- whether it requires one
    acknowledged_at REAL,
    acknowledged_by TEXT,
    note TEXT,
    PRIMARY KEY (slo, labels, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE override (
    id INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    slo TEXT,                        -- NULL for all of the service
    by TEXT NOT NULL,
    why TEXT NOT NULL,
    start REAL NOT NULL,
    until REAL NOT NULL
) STRICT;
"""
"""What is remembered of policies. The tables that came with version 2."""

UPGRADES = {
    1: f"ALTER TABLE slo ADD COLUMN judged INTEGER NOT NULL DEFAULT 0; {RECORDS}",
}
"""What makes a file of a version one of the next."""

BUSY_SECONDS = 2.0
"""How long a backup or a shell that holds the store is waited for."""


class StoreInUseError(StoreError):
    """Another daemon has the store."""


class StoreLostError(StoreError):
    """What was stored is gone: all that is known is to be stored again."""


class StoreVersionError(StoreError):
    """The file was written by a newer version of this program, or is another program's."""


def take(folder: Path) -> IO[bytes] | None:
    """Lock a folder for this process, until the file returned is closed or the process ends.

    None where the lock cannot be written at all: then nobody can write to the store either.

    Raises:
        StoreInUseError: another process has it.
    """
    path = folder / LOCK
    try:
        lock = path.open("a+b")
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read(20).decode("ascii", "replace").strip()
        lock.close()
        raise StoreInUseError(
            f"{folder} is in use by another error-budget-exporter (process {holder}): "
            "end that one, or give this one a folder of its own with --storage.path"
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n".encode())
    lock.flush()
    return lock


def taken(folder: Path) -> bool:
    """Whether a daemon has the store."""
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def connect(file: Path) -> sqlite3.Connection:
    """Open the file for reading and writing; it is made if it is not there.

    Raises:
        sqlite3.Error: it cannot be opened, or is no sound database.
        StoreVersionError: it is a newer version's, or another program's.
    """
    connection = sqlite3.connect(
        file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        fresh = _check(connection, file)
        connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the machine may take the newest transactions, but never breaks the file;
        # what they held is asked for again.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        if fresh:
            connection.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {VERSION}; {SCHEMA} {RECORDS} COMMIT;"
            )
        else:
            _upgrade(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _upgrade(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for older in range(version, VERSION):
        connection.executescript(
            f"BEGIN; {UPGRADES[older]} PRAGMA user_version = {older + 1}; COMMIT;"
        )


def connect_read_only(file: Path) -> sqlite3.Connection:
    """Open the file for reading alone, also where nothing beside it can be written.

    Raises:
        sqlite3.Error, StoreVersionError: as `connect`.
    """
    # Without write access to the folder SQLite reads a WAL database only as `immutable`.
    for options in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?{options}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _check_filled(connection, file)
        except sqlite3.OperationalError as error:
            connection.close()
            # Of a file that is locked it would read what is half written.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
            if "immutable" in options or code & 0xFF == sqlite3.SQLITE_BUSY:
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise AssertionError  # the loop returns or raises


def _check_filled(connection: sqlite3.Connection, file: Path) -> None:
    if _check(connection, file):
        raise sqlite3.OperationalError("it is empty")


def _check(connection: sqlite3.Connection, file: Path) -> bool:
    """Whether the database is empty.

    Raises:
        sqlite3.DatabaseError: it is none.
        StoreVersionError: it is not ours to write to.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and not application:
        return True
    if application != APPLICATION_ID:
        raise StoreVersionError(f"{file} is no ledger of this program: it is left as it is")
    if version > VERSION:
        raise StoreVersionError(
            f"{file} was written by a newer version (schema {version}, this one knows {VERSION}): "
            "run that version, or give this one another folder with --storage.path"
        )
    return False


def check_sound(connection: sqlite3.Connection) -> None:
    """Look through the whole file.

    Raises:
        sqlite3.DatabaseError: it is damaged.
    """
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error tells of a file that is no sound database, and not of its surroundings."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError | sqlite3.IntegrityError
    )


def set_aside(file: Path) -> Path:
    """Rename a damaged file, and what SQLite keeps beside it; returns the new name.

    Raises:
        OSError: it cannot be renamed.
    """
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = file.with_name(f"{file.name}.corrupt-{now}")
    count = 1
    while aside.exists():
        count += 1
        aside = file.with_name(f"{file.name}.corrupt-{now}-{count}")
    for suffix in ("-wal", "-shm"):
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    file.rename(aside)
    return aside


def inode(file: Path) -> int | None:
    """What tells the file from another one of its name; None if there is none."""
    try:
        return file.stat().st_ino
    except OSError:
        return None


def size(file: Path) -> int:
    """The bytes that the store takes on disk."""
    total = 0
    for path in (file, file.with_name(file.name + "-wal")):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total
