"""A store without room, without rights, or that another program has locked."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from exporter.errors import StoreError
from exporter.store.errors import StoreLostError
from exporter.store.lock import LOCK, StoreInUseError, take
from exporter.store.opening import FILE
from exporter.store.rebuild_requests import request_rebuild
from exporter.store.store import Store
from exporter.store.stored import ChunkChange
from exporter.store.verification import verify
from tests.helpers.ledger.full_store import fill_all
from tests.helpers.ledger.stored import KEY, START, names, restart, save, settle
from tests.helpers.ledger.troubled import (
    FILLED,
    NOBODY,
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


@contextmanager
def shut(folder: Path) -> Iterator[None]:
    """Nobody may look into the folder, also where the tests run as root."""
    with without_rights(folder):
        root = os.getuid() == 0
        if root:
            os.seteuid(0)
        folder.chmod(0)
        if root:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)


class TestRights:
    """They change under a daemon that runs, or are given to one that began without."""

    def test_the_lock_is_kept_while_nobody_may_look_into_the_folder(self, tmp_path):
        """What is new is written once that is over, and no second daemon has got in between."""
        folder = tmp_path / "store"
        fill(folder)
        one, store = restart(folder)
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        with shut(folder), pytest.raises(StoreError, match="cannot be opened"):
            save(one, store)
        with pytest.raises(StoreInUseError):
            Store(folder)
        one.give_all_back()
        save(one, store)
        store.close()
        assert held(folder) == FILLED + 1

    def test_what_loses_its_rights_while_it_is_open_is_written_on(self, tmp_path):
        """Files that are open stay so."""
        folder = tmp_path / "store"
        fill(folder)
        one, store = restart(folder)
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        with without_rights(folder):
            save(one, store)
            store.close()
        assert held(folder) == FILLED + 1

    def test_a_daemon_that_gets_its_rights_later_locks_others_out(self, tmp_path):
        """It began without the right to lock anything."""
        folder = tmp_path / "store"
        fill(folder)
        (folder / LOCK).unlink()
        with without_rights(folder):
            one, store = restart(folder)
            assert store.new_messages()
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        save(one, store)
        with pytest.raises(StoreInUseError):
            Store(folder)
        store.close()
        assert held(folder) == FILLED + 1

    def test_a_lock_that_cannot_be_written_locks_all_the_same(self, tmp_path):
        """Who has it is not known then."""
        lock = tmp_path / LOCK
        lock.touch()
        with without_rights(tmp_path):
            first = take(tmp_path)
            assert first is not None
            with pytest.raises(StoreInUseError):
                take(tmp_path)
            first.close()


class TestRemoved:
    """What happens to the folder, the file or the lock under a daemon that runs."""

    def take_away(self, folder: Path, how: str) -> None:
        """Whatever somebody may do."""
        if how == "folder deleted":
            shutil.rmtree(folder)
        elif how == "folder moved":
            folder.rename(folder.with_name("elsewhere"))
        elif how == "file deleted":
            (folder / FILE).unlink()
        elif how == "lock deleted":
            (folder / LOCK).unlink()
        elif how == "log deleted":
            (folder / f"{FILE}-wal").unlink()
        elif how == "index of the log deleted":
            (folder / f"{FILE}-shm").unlink()
        elif how == "log and its index deleted":
            (folder / f"{FILE}-wal").unlink()
            (folder / f"{FILE}-shm").unlink()
        else:
            old = (folder / FILE).read_bytes()
            (folder / FILE).unlink()
            (folder / FILE).write_bytes(old)

    @pytest.mark.parametrize(
        "how",
        [
            *("folder deleted", "folder moved", "file deleted", "lock deleted", "file replaced"),
            *("log deleted", "index of the log deleted", "log and its index deleted"),
        ],
    )
    def test_is_noticed_said_and_made_again(self, tmp_path, how):
        """Also where nothing new is to be written."""
        folder = tmp_path / "store"
        fill(folder)
        one, store = restart(folder)
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        save(one, store)
        store.check()
        self.take_away(folder, how)
        with pytest.raises(StoreLostError, match="was removed or replaced"):
            store.check()
        one.give_all_back()
        save(one, store)
        with pytest.raises(StoreInUseError):
            Store(folder)
        store.close()
        assert verify(folder).damage == []
        assert held(folder) == FILLED + 1

    @pytest.mark.parametrize(
        "what", ["an old copy", "an old copy and its log", "another's", "garbage"]
    )
    def test_what_is_copied_over_the_file_in_place_is_put_together_with_what_is_known(
        self, tmp_path, what
    ):
        """By `cp`: the file stays the same one, and has something else in it."""
        fill(tmp_path)
        one, store = restart(tmp_path)
        file, log = tmp_path / FILE, tmp_path / f"{FILE}-wal"
        settle(one, 0, START - 20, [[1.0]], [[2.0]])
        save(one, store)
        old, old_log = file.read_bytes(), log.read_bytes()
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        save(one, store)
        if what == "another's":
            fill_all(tmp_path / "other")
            old = (tmp_path / "other" / FILE).read_bytes()
        file.write_bytes(b"garbage" * 5_000 if what == "garbage" else old)
        if "log" in what:
            log.write_bytes(old_log)
        with pytest.raises(StoreLostError, match="another program has written to "):
            save(one, store)
        one.give_all_back()
        save(one, store)
        store.check()
        with pytest.raises(StoreInUseError):
            Store(tmp_path)
        store.close()
        assert verify(tmp_path).damage == []
        assert held(tmp_path) == FILLED + 2
        assert bool([*tmp_path.glob("*.corrupt-*")]) == (what == "garbage")

    def test_a_folder_that_comes_back_has_all(self, tmp_path):
        """As that of a volume that was unmounted; in between another one was in its place."""
        folder, away = tmp_path / "store", tmp_path / "away"
        fill(folder)
        one, store = restart(folder)
        folder.rename(away)
        for at in (START - 20, START - 10):
            settle(one, 0, at, [[1.0]], [[2.0]])
            with pytest.raises(StoreLostError):
                save(one, store)
            one.give_all_back()
            save(one, store)
            if away.exists():
                shutil.rmtree(folder)
                away.rename(folder)
        with pytest.raises(StoreInUseError):
            Store(folder)
        store.close()
        assert held(folder) == FILLED + 2

    def test_what_is_closed_stays_so(self, tmp_path):
        """What was under way at the end must not open it again, beside the next daemon."""
        fill(tmp_path)
        one, store = restart(tmp_path)
        store.close()
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        for again in (lambda: save(one, store), store.check, store.overrides):
            with pytest.raises(StoreError, match="is closed"):
                again()
        Store(tmp_path).close()

    def test_other_commands_are_no_mistake(self, tmp_path):
        """They may write while a daemon has the file."""
        fill(tmp_path)
        one, store = restart(tmp_path)
        save(one, store)
        request_rebuild(tmp_path, KEY.service, KEY.name)
        verify(tmp_path)
        store.check()
        assert store.rebuilds.requests()
        store.close()

    def test_a_second_daemon_that_was_faster_keeps_it(self, tmp_path):
        """The first one says so, and writes into neither file."""
        folder = tmp_path / "store"
        fill(folder)
        one, store = restart(folder)
        shutil.rmtree(folder)
        second = Store(folder)
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        with pytest.raises(StoreInUseError):
            store.check()
        with pytest.raises(StoreError, match="is in use by another"):
            save(one, store)
        second.close()
        with pytest.raises(StoreLostError):
            store.check()
        one.give_all_back()
        assert save(one, store) > 0
        store.close()
