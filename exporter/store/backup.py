"""A copy of a SQLite store while a daemon writes to it, some pages at a time."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

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
    file, partial = _file(place), target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with (
            closing(opening.connect_read_only(file)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            copy_pages(source, copy)
        partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"{target} cannot be written from {file}: {error}") from error
    return target.stat().st_size


def stream(place: Place, target: BinaryIO) -> int:
    """Write a copy of a store to a pipe, as of one moment; its size in bytes.

    SQLite writes a file out of order, so the copy is made on disk first. It is made beside the
    store, since the temporary folder of a container is memory, and it has no name: nothing is left
    of it however this ends.

    Raises:
        StoreError: as `backup`.
        BrokenPipeError: whoever reads has gone away.
    """
    file = _file(place)
    try:
        with tempfile.NamedTemporaryFile(
            dir=file.parent, prefix=".backup-", delete=False
        ) as copied:
            try:
                copy = sqlite3.connect(copied.name)
            finally:
                Path(copied.name).unlink()
            with closing(copy), closing(opening.connect_read_only(file)) as source:
                # A journal would need the name, and nothing is used of a copy that is cut short.
                copy.execute("PRAGMA journal_mode = OFF")
                copy.execute("PRAGMA synchronous = OFF")
                copy_pages(source, copy)
            shutil.copyfileobj(copied, target)
            target.flush()
            return copied.tell()
    except BrokenPipeError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{file} cannot be copied to standard output: {error}") from error


def copy_pages(source: sqlite3.Connection, into: sqlite3.Connection) -> None:
    """Copy a database that may be in use, as of one moment.

    Raises:
        sqlite3.Error: it cannot be read, or the copy cannot be written.
    """
    # Within one transaction a writer does not matter: otherwise SQLite begins again after each of
    # its writes, and may never come to an end.
    source.execute("BEGIN")
    source.execute("SELECT 1 FROM sqlite_schema").fetchone()
    source.backup(into, pages=PAGES_AT_ONCE)


def _file(place: Place) -> Path:
    if isinstance(place, PostgresSettings):
        raise StoreError(
            f"{place} is backed up by pg_dump --schema=error_budget_exporter; "
            "`ledger copy` takes it into a folder"
        )
    return opening.existing(place)
