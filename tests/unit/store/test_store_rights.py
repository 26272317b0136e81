"""A store whose rights change, or whose files are removed or written over, under a daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.errors import StoreError
from exporter.store.errors import StoreLostError
from exporter.store.lock import LOCK, StoreInUseError, take
from exporter.store.opening import FILE
from exporter.store.rebuild_requests import request_rebuild
from exporter.store.store import Store
from exporter.store.verification import verify
from tests.helpers.ledger.full_store import fill_all
from tests.helpers.ledger.stored import KEY, START, restart, save, settle
from tests.helpers.ledger.troubled import (
    FILLED,
    NOBODY,
    fill,
    held,
    without_rights,
)

pytestmark = pytest.mark.lengthy


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
