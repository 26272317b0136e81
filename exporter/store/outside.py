"""Opening a store from outside, while a daemon may be writing to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from exporter.errors import StoreError
from exporter.store import lock, opening
from exporter.store.places import postgres
from exporter.store.session import Session
from exporter.store.settings import Place, PostgresSettings


@contextmanager
def reading(place: Place) -> Iterator[Session]:
    """A session to read a store in. A daemon that has it is not disturbed.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    if isinstance(place, PostgresSettings):
        with closing(postgres(place)) as backend, backend.reading() as session:
            yield session
        return
    file = opening.existing(place)
    with _of_file(file, "read"), closing(opening.connect_read_only(file)) as connection:
        yield connection


@contextmanager
def writing(place: Place) -> Iterator[Session]:
    """A session to change a few things of a store in.

    Raises:
        StoreError: there is no store, or it cannot be written.
    """
    if isinstance(place, PostgresSettings):
        with closing(postgres(place)) as backend, backend.transaction() as session:
            yield session
        return
    file = opening.existing(place)
    with _of_file(file, "written"), closing(opening.connect(file)) as connection:
        # A daemon that has the file takes it for a mistake if others write to more than its log.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        yield connection


def name(place: Place) -> str:
    """What messages call it."""
    return str(place) if isinstance(place, PostgresSettings) else str(place / opening.FILE)


def size(place: Place) -> int:
    """The bytes that it takes.

    Raises:
        StoreError: it cannot be asked.
    """
    if isinstance(place, PostgresSettings):
        with closing(postgres(place)) as backend, backend.reading():
            return backend.size
    return opening.size(place / opening.FILE)


def has_daemon(place: Place) -> bool | None:
    """Whether a daemon has it open; None where that cannot be told."""
    return None if isinstance(place, PostgresSettings) else lock.taken(place)


@contextmanager
def _of_file(file: object, done: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be {done}: {error}") from error
