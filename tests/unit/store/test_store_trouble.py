"""What may happen to the store: each is said plainly, and nothing is lost by it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import StoreError
from exporter.slo.figures import minute
from exporter.store.chunks import CHUNK
from exporter.store.errors import StoreLostError
from exporter.store.lock import StoreInUseError
from exporter.store.opening import FILE
from exporter.store.schema import StoreVersionError
from exporter.store.store import Store
from tests.helpers.ledger.stored import KEY, START, restart, save, settle
from tests.helpers.ledger.troubled import (
    FILLED,
    fill,
    held,
    no_room,
)


class TestSecondDaemon:
    def test_is_told_who_has_the_store(self, tmp_path):
        """Two writers would spoil each other's counts."""
        store = Store(tmp_path)
        with pytest.raises(StoreInUseError) as caught:
            Store(tmp_path)
        assert str(caught.value) == (
            f"{tmp_path} is in use by another error-budget-exporter (process {os.getpid()}): "
            "stop that one, or give this one a folder of its own with --storage.path"
        )
        store.close()
        Store(tmp_path).close()

    def test_a_daemon_that_was_killed_leaves_no_lock(self, tmp_path):
        """The lock ends with its process, however that ends."""
        code = (
            "import pathlib, sys, time; from exporter.store.store import Store;"
            f"store = Store(pathlib.Path({str(tmp_path)!r})); print('open', flush=True);"
            "time.sleep(60)"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "open\n"
            with pytest.raises(StoreInUseError, match=f"process {child.pid}"):
                Store(tmp_path)
        finally:
            child.kill()
            child.communicate()
        Store(tmp_path).close()


class TestVersions:
    def test_a_newer_file_is_left_alone(self, tmp_path):
        """An older program would not know what it overwrites."""
        fill(tmp_path)
        with sqlite3.connect(tmp_path / FILE) as connection:
            connection.execute("PRAGMA user_version = 99")
        with pytest.raises(StoreVersionError) as caught:
            Store(tmp_path)
        assert str(caught.value) == (
            f"{tmp_path / FILE} was written by a newer version (schema 99, this one knows 2): "
            "run that version, or give this one another folder with --storage.path"
        )
        with sqlite3.connect(tmp_path / FILE) as connection:
            connection.execute("PRAGMA user_version = 2")
        assert held(tmp_path) == FILLED

    def test_a_file_of_the_first_version_is_brought_up_to_date(self, tmp_path):
        """An upgrade loses nothing, and what is new can be written."""
        fill(tmp_path)
        with closing(sqlite3.connect(tmp_path / FILE)) as connection:
            for table in ("tier_change", "incident", "override"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("ALTER TABLE slo DROP COLUMN judged")
            connection.execute("PRAGMA user_version = 1")
        assert held(tmp_path) == FILLED
        with closing(sqlite3.connect(tmp_path / FILE)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (2,)
            assert connection.execute("SELECT judged FROM slo").fetchall() == [(0,)]
            assert connection.execute("SELECT count(*) FROM override").fetchone() == (0,)

    def test_another_programs_database_is_left_alone(self, tmp_path):
        """A path that was mistaken costs nobody their data."""
        with sqlite3.connect(tmp_path / FILE) as connection:
            connection.execute("CREATE TABLE theirs (a)")
        with pytest.raises(StoreVersionError, match="is not a ledger of this program: it is left"):
            Store(tmp_path)
        with sqlite3.connect(tmp_path / FILE) as connection:
            assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


class TestDamage:
    def assert_set_aside(self, folder: Path, damaged: bytes) -> None:
        """The bad file is kept, and a new one is begun."""
        store = Store(folder)
        [message] = store.new_messages()
        store.close()
        [aside] = [path for path in folder.glob(f"{FILE}.corrupt-*") if path.name[-1] == "Z"]
        assert aside.read_bytes() == damaged
        assert f"{folder / FILE} is damaged (" in message
        assert f") and was kept as {aside.name};" in message
        assert message.endswith("is read from Prometheus again, as far back as it keeps its data")
        fill(folder)
        assert held(folder) == FILLED

    @pytest.mark.parametrize("length", [50, 5_000, 20_000])
    def test_a_truncated_file_is_kept_aside(self, tmp_path, length):
        """Cut off within its head, or somewhere behind."""
        fill(tmp_path)
        whole = (tmp_path / FILE).read_bytes()
        assert len(whole) > length
        (tmp_path / FILE).write_bytes(whole[:length])
        self.assert_set_aside(tmp_path, whole[:length])

    def test_a_file_of_garbage_is_kept_aside(self, tmp_path):
        """It may be somebody's last copy of something."""
        garbage = bytes(range(256)) * 100
        (tmp_path / FILE).write_bytes(garbage)
        self.assert_set_aside(tmp_path, garbage)

    def test_two_damaged_files_are_both_kept(self, tmp_path, monkeypatch):
        """Neither takes the other's name, within the same second either."""
        for _ in range(2):
            (tmp_path / FILE).write_bytes(b"garbage" * 100)
            Store(tmp_path).close()
        assert len([p for p in tmp_path.glob("*.corrupt-*") if "-shm" not in p.name]) == 2

    def test_a_damaged_chunk_is_asked_for_anew(self, tmp_path):
        """A bit that has tipped over makes no wrong number; the other chunks are kept."""
        fill(tmp_path)
        with sqlite3.connect(tmp_path / FILE) as connection:
            [number, counts] = connection.execute(
                "SELECT number, counts FROM chunk WHERE slot = 240 ORDER BY number LIMIT 1"
            ).fetchone()
            tipped = bytearray(counts)
            tipped[len(tipped) // 2] ^= 1
            connection.execute(
                "UPDATE chunk SET counts = ? WHERE slot = 240 AND number = ?",
                (bytes(tipped), number),
            )
        store = Store(tmp_path)
        assert store.load([KEY])[0].rebuild
        start = minute(number * CHUNK * 240)
        assert store.new_messages() == [
            f"{tmp_path / FILE}: auth/availability group 0: 64 slots of 240 s from {start} on are "
            "damaged, and are asked for again"
        ]
        store.close()
        assert 0 < held(tmp_path) < FILLED

    def test_a_chunk_of_another_length_is_damaged_too(self, tmp_path):
        """Compressed as it should be, but not what was written."""
        fill(tmp_path)
        with sqlite3.connect(tmp_path / FILE) as connection:
            connection.execute(
                "UPDATE chunk SET counts = ? WHERE slot = 10", (zlib.compress(b"short"),)
            )
        store = Store(tmp_path)
        store.load([KEY])
        messages = store.new_messages()
        assert messages
        assert all("slots of 10 s" in message for message in messages)
        store.close()
        assert 0 < held(tmp_path) < FILLED

    def test_a_file_that_is_damaged_meanwhile_is_kept_aside(self, tmp_path):
        """The daemon is told that nothing is stored any more, and writes on into a new file."""
        fill(tmp_path)
        one, store = restart(tmp_path)
        settle(one, 0, START - 10, [[1.0]], [[2.0]])
        with no_room(1_000), pytest.raises(StoreError, match="cannot be written"):
            save(one, store)
        (tmp_path / FILE).write_bytes(b"garbage" * 1_000)
        with pytest.raises(StoreLostError, match=r"is damaged \(.*\) and was kept as .*corrupt-"):
            save(one, store)
        one.give_all_back()
        save(one, store)
        store.close()
        assert held(tmp_path) == one.window(24_000).total[0]
        [aside] = [path for path in tmp_path.glob("*.corrupt-*") if path.name[-1] == "Z"]
        assert aside.read_bytes() == b"garbage" * 1_000
