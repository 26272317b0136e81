"""The schema of a store's file, and how files of older versions are brought up to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from exporter.errors import StoreError
from exporter.store.checksums import MARK, TABLES, sealed

APPLICATION_ID = 0x45424C31
"""`EBL1`: distinguishes our databases from other programs'."""

VERSION = 2
"""Of the schema. A file with a newer one is left alone."""

SCHEMA = """
CREATE TABLE slo (
    id INTEGER PRIMARY KEY,
    measured TEXT NOT NULL,          -- a hash of what is measured
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    keep INTEGER NOT NULL,           -- how far back slots are kept, in seconds
    "end" INTEGER NOT NULL,            -- when it was last written, Unix seconds
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

POLICY_TABLES = """
CREATE TABLE tier_change (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,            -- as in series
    at INTEGER NOT NULL,
    before TEXT,                     -- NULL for the first tier
    after TEXT NOT NULL,
    policy TEXT NOT NULL,
    remaining REAL NOT NULL,         -- of the budget, a ratio
    "window" INTEGER,                -- seconds, if a burn rate raised the tier
    burn_rate REAL,
    PRIMARY KEY (slo, labels, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE incident (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
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
    "by" TEXT NOT NULL,
    why TEXT NOT NULL,
    start REAL NOT NULL,
    until REAL NOT NULL
) STRICT;
"""
"""What is remembered of policies: the tables that version 2 added."""

FIRING_TABLE = """
CREATE TABLE IF NOT EXISTS firing (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,            -- as in series
    severity TEXT NOT NULL,
    long INTEGER NOT NULL,           -- the condition's windows, in seconds
    short INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    open INTEGER NOT NULL,           -- whether it goes on
    PRIMARY KEY (slo, labels, start, severity, long, short)
) STRICT, WITHOUT ROWID;
"""
"""When burn-rate conditions held. An older program of this version leaves the table alone, so it is
added without a new version: one can go back to that program."""

INCIDENT_DETAIL_TABLE = """
CREATE TABLE IF NOT EXISTS incident_detail (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,            -- as in series
    start INTEGER NOT NULL,          -- as in incident
    "end" INTEGER NOT NULL,
    peak REAL,                       -- the highest error ratio; NULL if it is not known
    start_about INTEGER NOT NULL,    -- by how many seconds the start may be off
    end_about INTEGER NOT NULL,
    PRIMARY KEY (slo, labels, start)
) STRICT, WITHOUT ROWID;
"""
"""What incidents have beside the columns of version 2: a table of its own for the same reason. An
older program writes its incidents beside it; what is said of another end is not said of them."""

CHANGE_TABLE = """
CREATE TABLE IF NOT EXISTS change (
    id INTEGER PRIMARY KEY,          -- rises: tells what was added since one looked
    service TEXT NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    "by" TEXT,
    link TEXT,
    source TEXT NOT NULL,            -- reported, or query
    UNIQUE (service, at, what)
) STRICT;
"""
"""What people did to services, added in the same way."""

DAY_TABLE = """
CREATE TABLE IF NOT EXISTS day (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    labels TEXT NOT NULL,            -- as in series
    number INTEGER NOT NULL,         -- which 64 days since the epoch
    counts BLOB NOT NULL,            -- as in chunk
    PRIMARY KEY (slo, labels, number)
) STRICT, WITHOUT ROWID;
"""
"""Slots of a day, which outlive the period, added in the same way."""

MISTAKE_TABLES = """
CREATE TABLE IF NOT EXISTS slo_shape (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    judged_by TEXT NOT NULL,         -- a hash of what its tiers come from
    lengths TEXT NOT NULL,           -- of its slots in seconds, as JSON
    cut INTEGER NOT NULL,            -- slots that begin before it are kept, Unix seconds
    since INTEGER NOT NULL,          -- since when they are, for a week; 0 for never
    PRIMARY KEY (slo)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS policy_past (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    judged_by TEXT NOT NULL,         -- as in slo_shape, when this was in force
    at INTEGER NOT NULL,             -- when it was set aside, Unix seconds
    judged INTEGER NOT NULL,         -- as in slo
    states TEXT NOT NULL,            -- tiers, incidents and firings by group, as JSON
    PRIMARY KEY (slo, judged_by)
) STRICT, WITHOUT ROWID;
"""
"""What a change of the configuration would take away, kept until it is no mistake any more; added
in the same way."""

REBUILD_TABLE = """
CREATE TABLE IF NOT EXISTS rebuild_request (
    slo INTEGER NOT NULL REFERENCES slo ON DELETE CASCADE,
    since INTEGER NOT NULL,          -- slots that end by then are left alone, Unix seconds
    share REAL NOT NULL,             -- how much is read by now, a ratio
    problem TEXT,                    -- why it waits; NULL if it does not
    PRIMARY KEY (slo)
) STRICT, WITHOUT ROWID;
"""
"""What belongs to requests to read an SLO again, beside the column of `slo`; added in the same way.
An older program reads all of the SLO."""

SPARE_TABLE = """
CREATE TABLE IF NOT EXISTS spare (
    "of" TEXT NOT NULL,              -- the table
    "key" TEXT NOT NULL,             -- of the row, with spaces between
    body TEXT NOT NULL,              -- what its checksum covers, as JSON
    checksum INTEGER NOT NULL,
    PRIMARY KEY ("of", "key")
) STRICT, WITHOUT ROWID;
"""
"""A second copy of what is small, in SQLite alone: damage of one page loses none of it."""

ADDED_TABLES = "".join(
    (FIRING_TABLE, INCIDENT_DETAIL_TABLE, CHANGE_TABLE, DAY_TABLE, MISTAKE_TABLES, REBUILD_TABLE)
)

CHECKSUM_COLUMNS = (*((each.table, "checksum") for each in TABLES), ("slo", "times_checksum"))
"""Columns that were added in the same way: an older program leaves them empty."""

CHECKSUM_INDEXES = "".join(
    f"CREATE INDEX IF NOT EXISTS {each.table}_without_checksum"
    f' ON {each.table} ("{each.columns[0]}") WHERE checksum IS NULL;\n'
    for each in TABLES
)

_SPARE_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS TABLE_spare AFTER DELETE ON TABLE BEGIN
    DELETE FROM spare WHERE "of" = 'TABLE' AND "key" = KEY;
END;
"""

SPARE_TRIGGERS = "".join(
    _SPARE_TRIGGER.replace("TABLE", each.table).replace(
        "KEY", " || ' ' || ".join(f'old."{column}"' for column in each.columns[: each.key])
    )
    for each in TABLES
)
"""Whoever deletes a row, an older program included, deletes its copy."""

_SEAL_CHUNKS = """
UPDATE chunk SET counts = sealed(counts, series, slot, number)
    WHERE substr(counts, -8, 4) IS NOT x'MARK';
UPDATE day SET counts = sealed(counts, slo, labels, number)
    WHERE substr(counts, -8, 4) IS NOT x'MARK';
""".replace("MARK", MARK.hex())

UPGRADES = {
    1: f"ALTER TABLE slo ADD COLUMN judged INTEGER NOT NULL DEFAULT 0; {POLICY_TABLES}",
}
"""The statements that turn a file of each version into one of the next."""


class StoreVersionError(StoreError):
    """A newer version of this program, or another program, wrote the file."""


def create(connection: sqlite3.Connection) -> None:
    """Create all tables in an empty database."""
    connection.executescript(
        f"BEGIN; PRAGMA application_id = {APPLICATION_ID};"
        f"PRAGMA user_version = {VERSION}; {SCHEMA} {POLICY_TABLES} {ADDED_TABLES} COMMIT;"
    )
    _add_checksums(connection)


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a file of an older version up to this one, a version at a time, and add what is new."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for older in range(version, VERSION):
        connection.executescript(
            f"BEGIN; {UPGRADES[older]} PRAGMA user_version = {older + 1}; COMMIT;"
        )
    connection.executescript(f"BEGIN; {ADDED_TABLES} COMMIT;")
    _add_checksums(connection)


def _add_checksums(connection: sqlite3.Connection) -> None:
    """Add the columns of checksums, and checksums to the chunks that are there."""
    new = [
        (table, column)
        for table, column in CHECKSUM_COLUMNS
        if column not in {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    ]
    if not new:
        return
    connection.create_function("sealed", -1, sealed, deterministic=True)
    columns = "".join(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER;" for table, column in new)
    connection.executescript(
        f"BEGIN; {SPARE_TABLE} {columns} {CHECKSUM_INDEXES} {SPARE_TRIGGERS} {_SEAL_CHUNKS} COMMIT;"
    )


def check_filled(connection: sqlite3.Connection, file: Path) -> None:
    """Do nothing if the database holds a store.

    Raises:
        sqlite3.DatabaseError: it is empty, or not a database.
        StoreVersionError: as `is_empty`.
    """
    if is_empty(connection, file):
        raise sqlite3.OperationalError("it is empty")


def is_empty(connection: sqlite3.Connection, file: Path) -> bool:
    """Whether the database is empty: it can be filled.

    Raises:
        sqlite3.DatabaseError: it is not a database.
        StoreVersionError: a newer version or another program wrote it.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and not application:
        return True
    if application != APPLICATION_ID:
        ours = {"slo", "series", "chunk", "override"}
        names = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        if ours <= {name for (name,) in names}:
            raise sqlite3.DatabaseError("its header says that it is another program's")
        raise StoreVersionError(f"{file} is not a ledger of this program: it is left as it is")
    if version > VERSION:
        raise StoreVersionError(
            f"{file} was written by a newer version (schema {version}, this one knows {VERSION}): "
            "run that version, or give this one another folder with --storage.path"
        )
    return False
