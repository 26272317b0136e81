"""A copy of a SQLite store while a daemon writes to it, some pages at a time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from exporter.errors import StoreError
from exporter.store import opening
from exporter.store.settings import Place, PostgresSettings

PAGES_AT_ONCE = 1_000


def backup(place: Place, target: Path) -> int:
    """Copy a store into a file, as of one moment; its size in bytes.

    What is at the target is replaced once the copy is whole. Memory does not grow with the store,
    and room is needed beside the target alone.

    Raises:
        StoreError: the store is in PostgreSQL or cannot be read, or the file cannot be written.
    """
    if isinstance(place, PostgresSettings):
        raise StoreError(
            f"{place} is backed up by pg_dump --schema=error_budget_exporter; "
            "`ledger copy` takes it into a folder"
        )
    file, partial = opening.existing(place), target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with (
            closing(opening.connect_read_only(file)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            source.backup(copy, pages=PAGES_AT_ONCE)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with no log beside it
        partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"{target} cannot be written from {file}: {error}") from error
    return target.stat().st_size
