"""A store in PostgreSQL, which several daemons may share.

Every session is one transaction. One that writes takes a lock of its own first: whoever writes sees
all that others have written. Every wait has an end, on the server's side and on ours: a server that
hangs is a store that fails, and what is new is kept in memory.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, ClassVar

import psycopg

from exporter.errors import StoreError
from exporter.store import checksums, postgres_schema
from exporter.store.session import Rows
from exporter.store.settings import PostgresSettings

CONNECT_SECONDS = 3
LOCK_SECONDS = 10
"""How long to wait for another daemon that writes."""

STATEMENT_SECONDS = 15
"""How long the server may work on a statement."""

ANSWER_SECONDS = 20
"""How long to wait for a server that says nothing; longer than it may work."""

ROWS_AT_ONCE = 5_000
"""Rows that are written by what counts as one statement."""

LOCK = 0x45424C31
"""The number of the lock that writers take: `EBL1`, as SQLite files have it."""


class PostgresSession:
    """Implements `Session`."""

    shared: ClassVar[bool] = True
    ids: ClassVar[str] = "(SELECT value::bigint FROM json_array_elements_text(?::json))"
    texts: ClassVar[str] = "(SELECT value FROM json_array_elements_text(?::json))"

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement."""
        with self._bounded():
            # Without parameters, several statements may stand in one text.
            found: Rows = self._connection.execute(_translated(sql), parameters or None)
            return found

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> None:
        """Run a statement for each of some rows of parameters."""
        rows = iter(parameters)
        with self._connection.cursor() as cursor:
            while some := list(islice(rows, ROWS_AT_ONCE)):
                with self._bounded():
                    cursor.executemany(_translated(sql), some)

    def has(self, table: str) -> bool:  # a database is brought up to date first
        """Whether there is such a table."""
        return True

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Cut the connection if this takes too long: libpq waits for an answer for ever."""
        watch = threading.Timer(ANSWER_SECONDS, _cut, (self._connection,))
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()


class PostgresBackend:
    """Implements `Backend`. It connects when it is used, and again after every failure."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self.name = str(settings)
        self.messages: list[str] = []
        self._connection: psycopg.Connection | None = None
        self._size = 0

    @property
    def size(self) -> int:
        """The bytes that its tables took when it was last asked for."""
        return self._size

    def check(self) -> None:
        """Nothing: what was lost is noticed as it is written."""

    @contextmanager
    def reading(self) -> Iterator[PostgresSession]:
        """A session to read in: it sees everything as of one moment.

        Raises:
            StoreError: it cannot be read.
            StoreVersionError: a newer version wrote it.
        """
        with self._session("read", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[PostgresSession]:
        """A session in which all that is written is stored, or nothing.

        Raises:
            StoreError: nothing was stored; the next transaction tries again.
            StoreVersionError: a newer version wrote it.
        """
        with self._session("written", "BEGIN") as session:
            session.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            session.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            # Another daemon may have brought it up to a version of its own meanwhile.
            postgres_schema.check(session, self.name)
            yield session
            checksums.seal(session)
            self._size = postgres_schema.size(session)

    def interrupt(self) -> None:
        """Cut the connection: who waits for an answer gets none."""
        connection = self._connection
        if connection is not None:
            _cut(connection)

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _session(self, done: str, begin: str) -> Iterator[PostgresSession]:
        try:
            session = self._begun(begin)
            session.execute(postgres_schema.SEARCH_PATH)
            session.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            try:
                yield session
                session.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):  # where the connection has ended, that has, too
                    session.execute("ROLLBACK")
                raise
        except psycopg.Error as error:
            self.close()
            raise StoreError(f"{self.name} cannot be {done}: {_in_a_line(error)}") from error
        except StoreError:
            self.close()
            raise

    def _begun(self, begin: str) -> PostgresSession:
        """A session in a transaction; by another connection if the one that was kept has ended."""
        if self._connection is not None:
            session = PostgresSession(self._connection)
            try:
                session.execute(begin)
            except psycopg.OperationalError:
                self.close()
            else:
                return session
        session = PostgresSession(self._connected())
        session.execute(begin)
        return session

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            connection = self._connect()
            try:
                postgres_schema.bring_up_to_date(PostgresSession(connection), self.name, LOCK)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _connect(self) -> psycopg.Connection:
        url = self._settings.read()
        try:
            return psycopg.connect(
                url,
                autocommit=True,  # transactions are begun and ended by name
                prepare_threshold=None,  # poolers may give every transaction another connection
                connect_timeout=CONNECT_SECONDS,
                application_name="error-budget-exporter",
                keepalives_idle=5,
                keepalives_interval=5,
                keepalives_count=3,
            )
        except psycopg.ProgrammingError as error:  # its text may quote a part of the URL
            raise StoreError(f"{self.name} cannot be opened: the URL is not valid") from error
        except UnicodeError as error:
            raise StoreError(f"{self.name} cannot be opened: the URL is not valid") from error


def _translated(sql: str) -> str:
    return sql.replace("?", "%s")


def _in_a_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _cut(connection: psycopg.Connection) -> None:
    """End a connection under whoever waits for it."""
    try:
        with socket.socket(fileno=connection.fileno()) as own:
            try:
                own.shutdown(socket.SHUT_RDWR)
            finally:
                own.detach()  # libpq closes it
    except (OSError, psycopg.Error):  # it has ended by itself
        return
