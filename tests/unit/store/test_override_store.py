"""Overrides in the store: what is written comes back, whatever the file is like."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from exporter.errors import StoreError
from exporter.slo.records import Override
from exporter.store.opening import FILE
from exporter.store.overrides import OverrideStore
from exporter.store.store import Store

ONE = Override("auth", None, "ada", "a hotfix", 1_700_000_000.25, 1_700_014_400.5, id=1)
OTHER = Override("auth", "latency", "bob", "another", 1_700_000_001.0, 1_700_000_002.0, id=7)


@pytest.fixture
def folder(tmp_path):
    """A folder with a store that no daemon has open."""
    Store(tmp_path).close()
    return tmp_path


def test_all_come_back_as_they_were(folder):
    """To the last digit, oldest first; what is written takes the place of what was there."""
    assert OverrideStore(folder).read() == ()
    OverrideStore(folder).write([ONE, OTHER])
    assert OverrideStore(folder).read() == (ONE, OTHER)
    OverrideStore(folder).write([OTHER])
    assert OverrideStore(folder).read() == (OTHER,)


def test_they_are_written_beside_an_open_ledger(folder):
    """The daemon has the file open all the time."""
    store = Store(folder)
    OverrideStore(folder).write([ONE])
    store.write(1_700_000_000, [], [])
    store.close()
    assert OverrideStore(folder).read() == (ONE,)


def test_a_file_that_is_gone_is_noticed(folder):
    """Whoever has them in memory must write them again."""
    store = OverrideStore(folder)
    store.read()
    assert not store.lost
    (folder / FILE).unlink()
    assert store.lost
    with pytest.raises(StoreError, match=r"ledger\.sqlite is not there"):
        store.write([ONE])
    assert store.lost
    Store(folder).close()
    assert store.lost
    store.write([ONE])
    assert not store.lost
    assert OverrideStore(folder).read() == (ONE,)


def test_a_file_that_cannot_be_used_says_so(folder):
    """With its name, and what is wrong with it."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("DROP TABLE override")
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be read: no such table"):
        OverrideStore(folder).read()
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be written: no such table"):
        OverrideStore(folder).write([ONE])


def test_a_file_of_the_first_version_that_is_only_read_has_none(folder):
    """It has no such table before it can be written."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("DROP TABLE override")
        connection.execute("PRAGMA user_version = 1")
    assert OverrideStore(folder).read() == ()
