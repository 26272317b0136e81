"""Overrides in the store: what is written comes back, whatever the file is like."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import StoreError
from exporter.slo.records import Override
from exporter.store.errors import StoreLostError
from exporter.store.opening import FILE
from exporter.store.store import Store
from tests.helpers.ledger.stored import KEY, START

ONE = Override("auth", None, "ada", "a hotfix", 1_700_000_000.25, 1_700_014_400.5, id=1)
OTHER = Override("auth", "latency", "bob", "another", 1_700_000_001.0, 1_700_000_002.0, id=7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that a daemon has open."""
    one = Store(tmp_path)
    one.load([KEY])
    yield one
    one.close()


def stored(folder: Path) -> tuple[Override, ...]:
    """Those that the next daemon finds."""
    one = Store(folder)
    try:
        return one.overrides()
    finally:
        one.close()


def execute(folder: Path, statement: str) -> None:
    """Change the file from outside."""
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        connection.execute(statement)


def test_all_come_back_as_they_were(store, tmp_path):
    """To the last digit, oldest first; what is written replaces what was there."""
    assert store.overrides() == ()
    store.write_overrides([ONE, OTHER])
    assert store.overrides() == (ONE, OTHER)
    store.write_overrides([OTHER])
    store.close()
    assert stored(tmp_path) == (OTHER,)


def test_a_write_of_slots_leaves_them_alone(store, tmp_path):
    """Each is written in transactions of its own."""
    store.write_overrides([ONE])
    store.write(START, [], [])
    store.close()
    assert stored(tmp_path) == (ONE,)


def test_a_file_that_is_gone_is_noticed(store, tmp_path):
    """By whichever write comes first, once: then everything is to be stored again."""
    store.write_overrides([ONE])
    (tmp_path / FILE).unlink()
    with pytest.raises(StoreLostError, match=r"ledger\.sqlite was removed or replaced"):
        store.write_overrides([ONE])
    store.write(START, [], [])
    store.write_overrides([ONE])
    assert (tmp_path / FILE).exists()
    store.close()
    assert stored(tmp_path) == (ONE,)


def test_slos_are_registered_again_in_a_file_that_overrides_had_to_make(store, tmp_path):
    """The ids of the SLOs were those of the file that is gone."""
    store.write(START, [], [])
    (tmp_path / FILE).unlink()
    with pytest.raises(StoreLostError):
        store.write_overrides([ONE])
    store.write_overrides([ONE])
    store.write(START, [], [])
    assert list(store.load([KEY])) == [0]


def test_a_file_that_was_replaced_while_it_was_closed_is_noticed(store, tmp_path):
    """It is opened again after a failure, to be read first, and is another one by then."""
    store.write_overrides([ONE])
    execute(tmp_path, "ALTER TABLE override RENAME TO away")
    with pytest.raises(StoreError, match="cannot be written: no such table: override"):
        store.write_overrides([ONE])
    (tmp_path / FILE).rename(tmp_path / "elsewhere")
    assert store.rebuilds.requests() == {}
    with pytest.raises(StoreLostError):
        store.write_overrides([ONE])
    store.write_overrides([ONE])
    (tmp_path / FILE).unlink()
    with pytest.raises(StoreLostError):
        store.write_overrides([ONE])


def test_a_file_without_room_for_them_says_so(store, tmp_path):
    """With its name, and what is wrong with it; the next try finds it mended."""
    execute(tmp_path, "ALTER TABLE override RENAME TO away")
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be read: no such table"):
        store.overrides()
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be written: no such table"):
        store.write_overrides([ONE])
    execute(tmp_path, "ALTER TABLE away RENAME TO override")
    store.write_overrides([ONE])
    assert store.overrides() == (ONE,)
