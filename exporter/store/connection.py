"""The one connection to a store's file: opened when it is needed, closed when it fails.

A `Backend` of the store; PostgreSQL is the other.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from exporter.errors import StoreError
from exporter.store import checksums, lock, opening, salvage
from exporter.store.errors import StoreLostError
from exporter.store.mending import mend
from exporter.store.opening import SqliteSession


class StoreConnection:
    """Reads and writes the file of a folder, which is locked until `close`.

    Whatever happens to the file is noticed here: damage, removal, a full or read-only disk. After a
    failed write the next one opens the file again. `messages` are what an operator should know of
    its opening.
    """

    def __init__(self, folder: Path) -> None:
        """Open the file in a folder; both are created if need be.

        A damaged file is renamed. Where nothing can be written, what is there is read all the same.

        Raises:
            StoreInUseError: another daemon uses it.
            StoreVersionError: a newer version or another program wrote it.
            StoreError: it can be neither written nor read.
        """
        self.file = folder / opening.FILE
        self.name = str(self.file)
        self.messages: list[str] = []
        self._read_only = False
        self._folder = folder
        self._inode: int | None = None
        self._beside: tuple[int | None, ...] = ()
        self._written = (0, 0)
        self._doubted = False
        self._connection: SqliteSession | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be created: {error.strerror}") from error
        self._lock = lock.take(folder)
        try:
            self._open()
        except BaseException:
            self._unlock()
            raise

    @property
    def size(self) -> int:
        """The bytes that the file takes on disk."""
        return opening.size(self.file)

    @contextmanager
    def reading(self) -> Iterator[SqliteSession]:
        """The connection, to read from.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            yield self._connection or self._open()
        except sqlite3.Error as error:
            raise StoreError(f"{self.file} cannot be read: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[SqliteSession]:
        """The connection within a transaction: all that is written in it is stored, or nothing.

        Raises:
            StoreError: nothing was stored; the next transaction tries again.
            StoreLostError: the same, and what was stored before is gone.
        """
        try:
            connection = self._writable()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                checksums.seal(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._note_files()
        except (sqlite3.Error, StoreError) as error:
            self._disconnect()
            if isinstance(error, StoreLostError):
                raise
            if isinstance(error, sqlite3.Error) and opening.is_damage(error):
                raise self._lost_to(error) from error
            raise StoreError(f"{self.file} cannot be written: {error}") from error

    def interrupt(self) -> None:
        """Have the statement that runs in another thread fail, if there is one."""
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.ProgrammingError):  # it was closed just now
                connection.interrupt()

    def close(self) -> None:
        """Close the file and unlock its folder, for good."""
        self._disconnect()
        self._unlock()

    def check(self) -> None:
        """See whether the files and their lock are still those that were opened.

        SQLite does not notice that a file was removed, moved, replaced or written over, and writes
        on into what nobody finds any more, or what it does not know.

        Raises:
            StoreLostError: they are not. They are made again, and everything has to be written.
            StoreInUseError, StoreError: they cannot be made again.
        """
        what = self._what_happened()
        if not (what or lock.lost(self._lock, self._folder)):
            return
        self._disconnect()
        self._doubted = True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be created: {error.strerror}") from error
        if lock.lost(self._lock, self._folder):
            taken = lock.take(self._folder)  # who else has it by now keeps it
            if taken is None:
                raise StoreError(f"{self._folder / lock.LOCK} cannot be opened")
            self._unlock()
            self._lock = taken
        self._inode = None
        what = what or f"{self._folder / lock.LOCK} was removed or replaced"
        raise StoreLostError(f"{what}; what is known is stored again")

    def _what_happened(self) -> str | None:
        """What somebody else has done to the files since they were opened or written here."""
        if self._inode is not None and opening.inode(self.file) != self._inode:
            return f"{self.file} was removed or replaced"
        if self._connection is None or self._read_only:
            return None
        if opening.written(self.file) != self._written:
            # SQLite would write what its log has over it, as it closes.
            with suppress(OSError):
                os.truncate(self.file.with_name(f"{self.file.name}-wal"), 0)
            return f"another program has written to {self.file}"
        if opening.beside(self.file) != self._beside:
            return f"{self.file}-wal, or the index of it, was removed or replaced"
        return None

    def _writable(self) -> SqliteSession:
        self.check()
        if self._lock is None:  # it could not be written, as nothing could
            self._lock = lock.take(self._folder)
        if self._read_only:
            self._disconnect()
        if self._connection is not None:
            return self._connection
        self._read_only = False
        return self._open() if self._doubted else self._use(opening.connect(self.file))

    def _note_files(self) -> None:
        """Note what the files are after something was written to them here."""
        self._beside, self._written = opening.beside(self.file), opening.written(self.file)

    def _open(self) -> SqliteSession:
        """Open the file and check it as a whole."""
        try:
            lost = salvage.lost_in_log(self.file)
            connection, told = _mended(self.file, lost)
        except sqlite3.Error as error:
            if opening.is_damage(error):
                return self._use(self._start_over(error))
            try:
                connection = _checked(opening.connect_read_only(self.file))
            except sqlite3.Error:
                raise StoreError(f"{self.file} cannot be opened: {error}") from error
            self.messages.append(f"{self.file} can be read but not written: {error}")
            self._read_only = True
            return self._use(connection)

        if lost is not None:
            self.messages.append(
                f"{self.file}-wal is damaged: what was written last was saved from it as far as it "
                "is whole, and the rest is read from Prometheus again"
            )
        self.messages += [f"{self.file}: {each}" for each in told]
        return self._use(connection)

    def _use(self, connection: SqliteSession) -> SqliteSession:
        self._connection, self._doubted = connection, False
        self._note_files()
        if self._inode is None:
            # Otherwise it stays that of the file that was written to, so that the next transaction
            # notices if this is another one.
            self._inode = opening.inode(self.file)
        return connection

    def _start_over(self, damage: sqlite3.Error) -> SqliteSession:
        try:
            aside = opening.set_aside(self.file)
            connection = opening.connect(self.file)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.file} is damaged ({damage}), and {error}") from error
        saved = self._save(aside, connection)
        self.messages.append(
            f"{self.file} is damaged ({damage}) and was kept as {aside.name}; {saved} "
            "is read from Prometheus again, as far back as it keeps its data"
        )
        return connection

    def _save(self, damaged: Path, into: SqliteSession) -> str:
        """Put into a new file what a damaged one holds; what that leaves, in words."""
        try:
            found = salvage.found(damaged)
            told = salvage.put(found, into) if found else []
        except (OSError, sqlite3.Error) as error:
            return f"nothing could be saved from it ({error}), and the ledger"
        if not found:
            return "nothing could be saved from it, and the ledger"
        self.messages += [f"{self.file}: {each}" for each in told]
        return f"{found} were saved from it, and what is missing"

    def _lost_to(self, damage: sqlite3.Error) -> StoreError:
        try:
            aside = opening.set_aside(self.file)
        except OSError as error:
            return StoreError(f"{self.file} is damaged ({damage}), and {error}")
        self._inode = None
        with suppress(sqlite3.Error), closing(opening.connect(self.file)) as connection:
            self._save(aside, connection)  # what this daemon does not know, such as old days
        return StoreLostError(
            f"{self.file} is damaged ({damage}) and was kept as {aside.name}; "
            "what is known is stored again"
        )

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _mended(file: Path, lost: salvage.Saved | None) -> tuple[SqliteSession, list[str]]:
    """A connection to a file that is sound, with what was `lost` of it; and what is told of that.

    Raises:
        sqlite3.Error, StoreVersionError: as `opening.connect`; the file is damaged.
    """
    try:
        connection = _checked(opening.connect(file))
        try:
            return connection, mend(connection) if lost is None else salvage.put(lost, connection)
        except BaseException:
            connection.close()
            raise
    except UnicodeDecodeError as error:  # a name in its schema, or a value
        raise sqlite3.DatabaseError("some of its text cannot be read") from error


def _checked(connection: SqliteSession) -> SqliteSession:
    """The connection itself, if its file is sound; otherwise it is closed.

    Raises:
        sqlite3.DatabaseError: the file is damaged.
    """
    try:
        opening.check_sound(connection)
    except BaseException:
        connection.close()
        raise
    return connection
