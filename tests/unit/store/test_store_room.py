"""A store without room, that is read-only, or that another program has locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import pytest

from exporter.errors import StoreError
from exporter.store.lock import LOCK
from exporter.store.opening import FILE
from exporter.store.store import Store
from exporter.store.stored import ChunkChange
from tests.helpers.ledger.stored import START, names, restart, save, settle
from tests.helpers.ledger.troubled import (
    FILLED,
    fill,
    held,
    no_room,
    without_rights,
)


class TestNoRoom:
    def test_what_cannot_be_written_is_written_later(self, tmp_path):
        """A full disk: the store says so, and stays as it was; once there is room all is there."""
        fill(tmp_path)
        one, store = restart(tmp_path)
        settle(one, 1, START - 2_400, np.ones((1, 60)), np.full((1, 60), 5.0))
        chunks = one.changes()
        one.give_back(chunks)
        with no_room(1_000), pytest.raises(StoreError, match=r"cannot be written: "):
            save(one, store)
        one.give_back(chunks)
        assert save(one, store) > 0
        store.close()
        assert held(tmp_path) == one.window(24_000).total[0]

    def test_a_first_write_that_fails_half_way_leaves_nothing_behind(self, tmp_path):
        """What it had begun to note of the SLO and its groups is noted again by the next."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        chunks = one.changes()
        one.give_back(chunks)

        def half() -> Iterator[ChunkChange]:
            [stretch] = one.stretches(chunks[0], [[0]])
            yield ChunkChange(0, chunks[0].number, names(1), stretch)
            raise sqlite3.OperationalError("disk I/O error")

        with pytest.raises(StoreError, match="cannot be written: disk I/O error"):
            store.write(START, [(10, 0)], half())
        assert save(one, store) > 0
        store.close()
        assert held(tmp_path) == 2.0

    def test_a_store_that_cannot_be_begun_says_so(self, tmp_path):
        """No room even for an empty one."""
        with no_room(100), pytest.raises(StoreError, match=r"ledger.sqlite cannot be opened: "):
            Store(tmp_path)

    def test_a_folder_that_cannot_be_made_says_so(self, tmp_path):
        """There is a file where it should be."""
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="file cannot be created: "):
            Store(tmp_path / "file")


class TestReadOnly:
    def test_what_is_there_is_read(self, tmp_path):
        """Budgets are shown from it, though nothing new is stored."""
        folder = tmp_path / "store"
        fill(folder)
        (folder / LOCK).unlink()
        with without_rights(folder):
            one, store = restart(folder)
            [message] = store.new_messages()
            assert one.window(24_000).total[0] == FILLED
            settle(one, 0, START - 10, [[1.0]], [[2.0]])
            with pytest.raises(StoreError, match=f"{FILE} cannot be written: "):
                save(one, store)
            store.close()
        assert f"{folder / FILE} can be read but not written: " in message
        assert held(folder) == FILLED

    def test_a_store_that_becomes_writable_is_written(self, tmp_path):
        """The next evaluation tries again."""
        folder = tmp_path / "store"
        fill(folder)
        with without_rights(folder):
            one, store = restart(folder)
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        chunks = one.changes()
        one.give_back(chunks)
        assert save(one, store) > 0
        store.close()
        assert held(folder) == FILLED + 1

    def test_without_a_store_there_is_none_to_read(self, tmp_path):
        """It says what it could not make."""
        folder = tmp_path / "store"
        folder.mkdir()
        with without_rights(folder), pytest.raises(StoreError, match="cannot be opened: "):
            Store(folder)


def test_a_backup_under_way_is_waited_for(tmp_path):
    """Another process that writes holds the store up, and does not break it."""
    one, store = restart(tmp_path)
    settle(one, 0, START - 10, [[1.0]], [[2.0]])
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    chunks = one.changes()
    one.give_back(chunks)
    with pytest.raises(StoreError, match="cannot be written: database is locked"):
        save(one, store)
    other.execute("ROLLBACK")
    other.close()
    one.give_back(chunks)
    assert save(one, store) > 0
    store.close()
    assert held(tmp_path) == 2.0


def test_a_store_that_is_locked_whole_is_not_read_half(tmp_path):
    """What the newest transactions hold would be missed, and then written over."""
    fill(tmp_path)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StoreError, match="cannot be opened: database is locked"):
            Store(tmp_path)
    finally:
        other.close()
    assert held(tmp_path) == FILLED
