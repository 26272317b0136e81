"""A copy of a store that a daemon has open."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import StoreError
from exporter.store import backup as backups
from exporter.store import opening
from exporter.store.backup import backup, stream
from exporter.store.opening import FILE
from exporter.store.settings import PostgresSettings
from exporter.store.store import Store
from tests.helpers.ledger.stored import restart
from tests.helpers.ledger.troubled import FILLED, fill, held, no_room


def streamed(folder: Path) -> bytes:
    pipe = io.BytesIO()
    assert stream(folder, pipe) == len(pipe.getvalue())
    return pipe.getvalue()


def test_a_copy_has_all_that_was_stored_and_replaces_the_one_before(tmp_path: Path):
    """What is still in the write-ahead log included; nothing is left beside it."""
    folder, copies = tmp_path / "store", tmp_path / "copies"
    copies.mkdir()
    fill(folder)
    _, store = restart(folder)
    for _ in range(2):
        assert backup(folder, copies / FILE) > 0
    store.close()
    assert [path.name for path in copies.iterdir()] == [FILE]
    assert held(copies) == FILLED


def test_a_pipe_gets_the_same(tmp_path: Path):
    """Nothing is left beside the store either."""
    folder, copies = tmp_path / "store", tmp_path / "copies"
    copies.mkdir()
    fill(folder)
    _, store = restart(folder)
    before = {path.name for path in folder.iterdir()}
    (copies / FILE).write_bytes(streamed(folder))
    assert {path.name for path in folder.iterdir()} == before
    store.close()
    assert held(copies) == FILLED


@pytest.mark.parametrize("how", ["file", "pipe", "VACUUM INTO"])
def test_a_daemon_takes_a_copy_as_sound(tmp_path: Path, how: str):
    """It has nothing to say of it, and sets nothing aside."""
    folder, copies = tmp_path / "store", tmp_path / "copies"
    copies.mkdir()
    fill(folder)
    if how == "file":
        backup(folder, copies / FILE)
    elif how == "pipe":
        (copies / FILE).write_bytes(streamed(folder))
    else:
        with closing(sqlite3.connect(folder / FILE)) as connection:
            connection.execute("VACUUM INTO ?", (str(copies / FILE),))
    store = Store(copies)
    assert store.new_messages() == []
    store.close()
    assert not list(copies.glob("*.corrupt-*"))


def test_a_writer_meanwhile_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The copy is as of the moment when it began, and is not begun again."""
    fill(tmp_path)
    monkeypatch.setattr(backups, "PAGES_AT_ONCE", 1)
    count = "SELECT count(*) FROM override"
    with (
        closing(opening.connect(tmp_path / FILE)) as daemon,
        closing(opening.connect_read_only(tmp_path / FILE)) as source,
        closing(sqlite3.connect(tmp_path / "copy")) as copy,
    ):
        steps = Writing(source, daemon)
        backups.copy_pages(steps, copy)
        (pages,) = source.execute("PRAGMA page_count").fetchone()
        assert daemon.execute(count).fetchone() == (steps.count,)
        assert copy.execute(count).fetchone() == (0,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert steps.count <= pages


class Writing:
    """A connection whose every step of a copy is followed by a write of another's."""

    def __init__(self, source: sqlite3.Connection, daemon: sqlite3.Connection) -> None:
        self.count = 0
        self.execute = source.execute
        self._source, self._daemon = source, daemon

    def backup(self, into: sqlite3.Connection, *, pages: int) -> None:
        """Copy as the source does."""

        def write(*_: int) -> None:
            self.count += 1
            self._daemon.execute(
                'INSERT INTO override (service, "by", why, start, until) VALUES (?, ?, ?, ?, ?)',
                ("auth", "ann", "x" * 2_000, 0, 1),
            )
            assert self.count < 10_000, "it began again after every write"

        self._source.backup(into, pages=pages, progress=write)


def test_what_cannot_be_written_leaves_the_copy_before(tmp_path: Path):
    """Said with the place and the reason."""
    fill(tmp_path / "store")
    with pytest.raises(StoreError, match="cannot be written from"):
        backup(tmp_path / "store", tmp_path / "absent" / FILE)


def test_no_room_beside_the_store_is_told(tmp_path: Path):
    """The pipe gets nothing, and nothing is left."""
    fill(tmp_path)
    pipe = io.BytesIO()
    with no_room(20_000), pytest.raises(StoreError, match="cannot be copied to standard output"):
        stream(tmp_path, pipe)
    assert pipe.getvalue() == b""
    assert not list(tmp_path.glob(".copy-*"))


@pytest.mark.parametrize("how", [lambda place: backup(place, Path("copy")), streamed])
def test_postgresql_has_its_own(how):
    """It says what to use."""
    with pytest.raises(StoreError, match="pg_dump"):
        how(PostgresSettings(url="postgresql://host/slo"))
