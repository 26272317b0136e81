"""Changes in the store: what is added comes back, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from exporter.slo.records import KEPT, Change
from exporter.store import changes
from exporter.store.copying import copy
from exporter.store.opening import FILE
from exporter.store.settings import Place, PostgresSettings
from exporter.store.store import Store
from tests.helpers.ledger.stored import KEY, START

NUMBERS = count(1)
ONE = Change("auth", "v1.2.3 ✓", START - 50, "ada", "https://ci.test/7", "reported")
OTHER = Change("auth", "v1.2.4", START, source="query")


@pytest.fixture
def database(postgres_server) -> PostgresSettings:
    return PostgresSettings(postgres_server.create(f"changes_{next(NUMBERS)}"))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path) -> Place:
    """Where the store is."""
    return tmp_path if request.param == "sqlite" else request.getfixturevalue("database")


@pytest.fixture
def store(place) -> Iterator[Store]:
    """A store that a daemon has open."""
    one = Store(place)
    one.load([KEY])
    yield one
    one.close()


def test_they_come_back_as_they_were(store, place):
    """Those that are there already are not added again; ids tell what is new."""
    assert store.changes() == (0, ())
    store.add_changes([ONE])
    last, found = store.changes()
    assert found == (ONE,)
    store.add_changes([ONE, OTHER])
    assert store.changes(last)[1] == (OTHER,)
    store.close()
    again = Store(place)
    assert again.changes()[1] == (ONE, OTHER)
    again.close()


def test_what_another_has_stored_within_a_minute_is_not_stored_again(store):
    """Of another service, or a minute later, it is another change."""
    store.add_changes([ONE])
    near = Change("auth", ONE.what, ONE.at + 59)
    more = [Change("auth", ONE.what, ONE.at + 60), Change("shop", ONE.what, ONE.at)]
    store.add_changes([near, *more])
    assert store.changes()[1] == (ONE, *more)


def test_the_old_ones_are_deleted(store):
    """By the end of the ledger, as the other records are."""
    old = Change("auth", "v0", START - KEPT)
    store.add_changes([old, OTHER])
    store.write(START, [(30, START - 100)], [])
    assert store.changes()[1] == (OTHER,)


def test_of_very_many_the_newest_are_kept(store, monkeypatch):
    """Whatever has put them there."""
    monkeypatch.setattr(changes, "MOST", 2)
    all_of_them = [Change("auth", f"v{each}", START - 1_000 * each) for each in range(4)]
    store.add_changes(all_of_them)
    store.write(START, [(30, START - 100)], [])
    assert store.changes()[1] == tuple(all_of_them[:3])


def test_a_store_of_an_older_program_has_none(tmp_path):
    """It is given the table."""
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute("DROP TABLE change")
    store = Store(tmp_path)
    assert store.changes() == (0, ())
    store.add_changes([ONE])
    assert store.changes()[1] == (ONE,)
    store.close()


def test_they_are_copied(tmp_path, database):
    """And ids go on behind them."""
    store = Store(tmp_path)
    store.load([KEY])
    store.add_changes([ONE])
    store.close()
    copy(Path(tmp_path), database)
    copied = Store(database)
    last, found = copied.changes()
    assert found == (ONE,)
    copied.add_changes([OTHER])
    assert copied.changes(last)[1] == (OTHER,)
    copied.close()
