"""From where the store is to what reads and writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import ConfigurationError
from exporter.store.connection import StoreConnection
from exporter.store.one_at_a_time import OneAtATime
from exporter.store.session import Backend
from exporter.store.settings import Place, PostgresSettings

if TYPE_CHECKING:
    from exporter.store.postgres import PostgresBackend


class DriverAbsentError(ConfigurationError):
    """The package that speaks to PostgreSQL is not installed."""


def backend(place: Place) -> Backend:
    """Open the store; a database is connected to when it is used.

    Raises:
        DriverAbsentError: it is in PostgreSQL, and the extra is not installed.
        StoreInUseError, StoreVersionError, StoreError: as `StoreConnection`.
    """
    return OneAtATime(
        postgres(place) if isinstance(place, PostgresSettings) else StoreConnection(place)
    )


def postgres(settings: PostgresSettings) -> PostgresBackend:
    """A store in PostgreSQL.

    Raises:
        DriverAbsentError: the extra is not installed.
    """
    try:
        from exporter.store.postgres import PostgresBackend  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise DriverAbsentError(
            "storage.url needs psycopg, which is not installed: "
            "pip install 'error-budget-exporter[postgres]'"
        ) from error
    return PostgresBackend(settings)
