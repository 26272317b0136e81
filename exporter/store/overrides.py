"""Overrides in the store. They are few: all of them are read, and written, at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from exporter.errors import StoreError
from exporter.slo.records import Override
from exporter.store import opening

COLUMNS = "id, service, slo, by, why, start, until"


class OverrideStore:
    """The overrides of a store. Its methods block, and may be called one at a time.

    It opens the file by itself each time, beside the ledger's own connection.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / opening.FILE
        self._inode: int | None = None

    def read(self) -> tuple[Override, ...]:
        """All that are kept, oldest first.

        Raises:
            StoreError: they cannot be read.
        """
        try:
            with closing(opening.connect_read_only(self.file)) as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                rows = (
                    connection.execute(f"SELECT {COLUMNS} FROM override ORDER BY id").fetchall()  # noqa: S608 - ours
                    if version >= 2  # an older one, that cannot be written, has no such table
                    else []
                )
        except sqlite3.Error as error:
            raise StoreError(f"{self.file} cannot be read: {error}") from error
        self._inode = opening.inode(self.file)
        return tuple(
            Override(service, slo, by, why, start, until, id_)
            for id_, service, slo, by, why, start, until in rows
        )

    def write(self, overrides: Iterable[Override]) -> None:
        """Store these in place of all others. The file is made by the ledger alone.

        Raises:
            StoreError: they cannot be written.
        """
        if opening.inode(self.file) is None:
            self._inode = None  # the next file may get the same number
            # Made beside the write-ahead log of the one that is gone, it would be damaged.
            raise StoreError(f"{self.file} is not there")
        rows = [(of.id, of.service, of.slo, of.by, of.why, of.start, of.until) for of in overrides]
        try:
            with closing(opening.connect(self.file)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("DELETE FROM override")
                connection.executemany(
                    f"INSERT INTO override ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
                    rows,
                )
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self.file} cannot be written: {error}") from error
        self._inode = opening.inode(self.file)

    @property
    def lost(self) -> bool:
        """Whether the file is no longer the one that was read or written last."""
        return self._inode is None or opening.inode(self.file) != self._inode
