"""Overrides in the store. They are few: all of them are read, and written, together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from exporter.slo.records import Override
from exporter.store.schema import has_policy_tables

COLUMNS = "id, service, slo, by, why, start, until"


def read(connection: sqlite3.Connection) -> tuple[Override, ...]:
    """All that are stored, oldest first."""
    if not has_policy_tables(connection):
        return ()
    rows = connection.execute(f"SELECT {COLUMNS} FROM override ORDER BY id").fetchall()  # noqa: S608 - ours
    return tuple(
        Override(service, slo, by, why, start, until, id_)
        for id_, service, slo, by, why, start, until in rows
    )


def write(connection: sqlite3.Connection, overrides: Iterable[Override]) -> None:
    """Store these in place of all others."""
    rows = [(o.id, o.service, o.slo, o.by, o.why, o.start, o.until) for o in overrides]
    connection.execute("DELETE FROM override")
    connection.executemany(
        f"INSERT INTO override ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
        rows,
    )
