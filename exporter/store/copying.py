"""Copying a store as a whole, from SQLite to PostgreSQL or back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from exporter.errors import StoreError
from exporter.store import outside, schema
from exporter.store.places import backend
from exporter.store.session import Session
from exporter.store.settings import Place

TABLES = re.findall(
    r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)",
    schema.SCHEMA + schema.POLICY_TABLES + schema.ADDED_TABLES,
)
"""Each refers only to those before it."""

AT_ONCE = 5_000

LEFT_OUT = {column for _, column in schema.CHECKSUM_COLUMNS}

NUMBERED = ("slo", "series", "override", "change")
"""Tables whose ids the database gives out."""


def copy(source: Place, target: Place) -> dict[str, int]:
    """Copy everything that a store has into one that is empty; how many rows of each table.

    The source may be in use. The target is written as a whole, or not at all.

    Raises:
        StoreError: the source cannot be read, or the target is not empty or cannot be written.
    """
    with outside.reading(source) as of, closing(backend(target)) as into:
        if isinstance(of, sqlite3.Connection):
            of.execute("BEGIN")  # all tables as of one moment
        with into.transaction() as to:
            for table in TABLES:
                if to.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 - ours
                    raise StoreError(f"{into.name} is not empty: nothing was copied")
            copied = {table: _copy(of, to, table) for table in TABLES if of.has(table)}
            if to.shared:
                for table in NUMBERED:
                    to.execute(
                        f"SELECT setval(pg_get_serial_sequence(?, 'id'), max(id)) FROM {table}",  # noqa: S608 - ours
                        (table,),
                    )
    return copied


def _copy(of: Session, to: Session, table: str) -> int:
    # A store of an older version lacks columns, and checksums are those of where the rows are.
    there = _columns(of, table)
    columns = [each for each in _columns(to, table) if each in there and each not in LEFT_OUT]
    names = ", ".join(f'"{column}"' for column in columns)
    places = ", ".join("?" * len(columns))
    count = 0

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal count
        found = iter(of.execute(f"SELECT {names} FROM {table}"))  # noqa: S608 - ours
        while some := list(islice(found, AT_ONCE)):
            count += len(some)
            yield from some

    to.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows())  # noqa: S608 - ours
    return count


def _columns(session: Session, table: str) -> list[str]:
    found = session.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 - ours
    return [column[0] for column in found.description]
