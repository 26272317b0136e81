"""Backups put back: what is refused, what is kept, and that it is all or nothing."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import StoreError
from exporter.store import lock, opening
from exporter.store.backup import backup
from exporter.store.lock import StoreInUseError
from exporter.store.opening import FILE
from exporter.store.restoring import Restored, restore
from exporter.store.schema import StoreVersionError
from exporter.store.settings import PostgresSettings
from exporter.store.store import Store
from tests.helpers.ledger.stored import restart
from tests.helpers.ledger.troubled import FILLED, NOBODY, fill, held, no_room, without_rights

KEPT = f"{FILE}.before-restore-*"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a store, and a store of a daemon that had no SLOs."""
    made = tmp_path_factory.mktemp("made")
    fill(made / "backed-up")
    backup(made / "backed-up", made / "copy")
    Store(made / "store").close()
    return made


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The backup."""
    return Path(shutil.copy(made / "copy", tmp_path))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """Where it is to go."""
    return Path(shutil.copytree(made / "store", tmp_path / "store"))


def of_pipe(copy: Path, folder: Path) -> Restored:
    return restore(io.BytesIO(copy.read_bytes()), "standard input", folder)


def of_file(copy: Path, folder: Path) -> Restored:
    return restore(copy, str(copy), folder)


EITHER = pytest.mark.parametrize("how", [of_file, of_pipe])
How = Callable[[Path, Path], Restored]


def contents(folder: Path) -> dict[str, bytes]:
    """All files but the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != lock.LOCK}


@EITHER
def test_it_is_what_a_daemon_goes_on_from(copy: Path, folder: Path, how: How):
    """Sound, and what was there before is kept."""
    before = (folder / FILE).read_bytes()
    put = how(copy, folder)
    assert (put.slos, put.size) == (1, (folder / FILE).stat().st_size)
    assert [put.kept] == list(folder.glob(KEPT))
    # It is the same but for its header, which says that there is no log.
    assert put.kept.read_bytes()[100:] == before[100:]
    store = Store(folder)
    assert store.new_messages() == []
    store.close()
    assert held(folder) == FILLED


def test_nobody_more_may_read_it_than_before(copy: Path, folder: Path):
    """The unit's files are its own."""
    (folder / FILE).chmod(0o600)
    of_pipe(copy, folder)
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600


@EITHER
def test_a_folder_is_made(copy: Path, tmp_path: Path, how: How):
    """Nothing was there that would be kept."""
    assert how(copy, tmp_path / "new" / "store").kept is None
    assert held(tmp_path / "new" / "store") == FILLED


def test_a_copied_folder_has_its_log(tmp_path: Path, folder: Path):
    """What a stopped machine's disk has: the newest is in the write-ahead log."""
    source = tmp_path / "source"
    fill(source)
    with closing(opening.connect(source / FILE)) as connection:
        connection.execute(
            'INSERT INTO override (service, "by", why, start, until) VALUES (?, ?, ?, ?, ?)',
            ("auth", "ann", "", 0, 1),
        )
        copied = tmp_path / "copied"
        copied.mkdir()
        for path in (source / FILE, opening.logs(source / FILE)[0]):
            (copied / path.name).write_bytes(path.read_bytes())
    of_file(copied / FILE, folder)
    with closing(sqlite3.connect(folder / FILE)) as connection:
        assert connection.execute('SELECT "by" FROM override').fetchall() == [("ann",)]


def test_what_was_there_is_kept_with_its_log(copy: Path, folder: Path):
    """A daemon that was killed has left one, which would spoil the new file."""
    with closing(opening.connect(folder / FILE)) as connection:
        connection.execute("PRAGMA user_version = 7")  # of a newer version, too
        whole = contents(folder)
    for name, content in whole.items():
        (folder / name).write_bytes(content)
    put = of_file(copy, folder)
    with closing(sqlite3.connect(put.kept)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)
    assert held(folder) == FILLED


def test_what_was_there_and_damaged_is_kept_as_it_was(copy: Path, folder: Path):
    """With its log, which may be the better half of it."""
    with closing(opening.connect(folder / FILE)) as connection:
        connection.execute("PRAGMA user_version = 2")
        log = opening.logs(folder / FILE)[0].read_bytes()
    (folder / FILE).write_bytes(b"garbage" * 1_000)
    opening.logs(folder / FILE)[0].write_bytes(log)
    put = of_file(copy, folder)
    assert put.kept.read_bytes() == b"garbage" * 1_000
    assert opening.logs(put.kept)[0].read_bytes() == log
    assert held(folder) == FILLED


def test_a_log_without_its_file_is_not_taken_for_the_new_ones(copy: Path, folder: Path):
    """It is moved out of the way."""
    (folder / FILE).unlink()
    opening.logs(folder / FILE)[0].write_bytes(b"of another file")
    assert of_file(copy, folder).kept is None
    assert held(folder) == FILLED


@EITHER
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda whole: whole[:-1], r"is cut short: it has \d+ of its \d+ bytes"),
        (lambda whole: whole[: len(whole) // 2], "is cut short"),
        (lambda whole: whole[:90], "is cut short: it has 90 bytes"),
        (lambda whole: b"", "is empty: nothing was changed"),
        (lambda whole: b"<html>" * 1_000, "is damaged: file is not a database"),
        (lambda whole: whole[:44] + b"\7" + whole[45:], "its header is not as it was written"),
        (lambda whole: whole.replace(b"auth", b"autx"), "its checksum is another"),
    ],
)
def test_a_damaged_backup_is_refused(copy: Path, folder: Path, how: How, spoil, words: str):
    """A pipe that broke, a page, a record: what is there stays, to the byte."""
    before = contents(folder)
    copy.write_bytes(spoil(copy.read_bytes()))
    with pytest.raises(StoreError, match=words) as refused:
        how(copy, folder)
    assert "othing was changed" in str(refused.value)
    assert contents(folder) == before


@EITHER
@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("PRAGMA user_version = 3", r"written by a newer version \(schema 3, this one knows 2\)"),
        ("PRAGMA application_id = 1", "is not a backup of a ledger"),
    ],
)
def test_what_is_not_ours_to_read_is_refused(
    copy: Path, folder: Path, how: How, sql: str, words: str
):
    """With the backup's own name."""
    before = contents(folder)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(sql)
    with pytest.raises(StoreVersionError, match=words) as refused:
        how(copy, folder)
    assert str(refused.value).startswith(str(copy) if how is of_file else "standard input")
    assert contents(folder) == before


def test_a_daemon_that_has_the_store_keeps_it(copy: Path, folder: Path):
    """It is named by its process."""
    _, store = restart(folder)
    with pytest.raises(StoreInUseError, match=f"process {os.getpid()}"):
        of_file(copy, folder)
    store.close()
    assert not list(folder.glob(KEPT))


def test_no_room_changes_nothing(copy: Path, folder: Path):
    """Said as such, not as damage."""
    before = contents(folder)
    with no_room(20_000), pytest.raises(StoreError, match=r"cannot be put into .*nothing was"):
        of_pipe(copy, folder)
    assert contents(folder) == before


def test_a_folder_that_cannot_be_written_is_told(copy: Path, folder: Path):
    """As whoever ran it has no rights there."""
    (folder / lock.LOCK).unlink()
    with without_rights(folder), pytest.raises(StoreError, match="cannot be written"):
        of_file(copy, folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_restores_is_the_daemons(copy: Path, folder: Path):
    """The unit's user could not write root's."""
    (folder / lock.LOCK).unlink()
    os.chown(folder, NOBODY, NOBODY)
    of_pipe(copy, folder)
    assert {(folder / name).stat().st_uid for name in (FILE, lock.LOCK)} == {NOBODY}


def test_the_store_itself_is_no_backup(folder: Path):
    """It would be copied over itself."""
    with pytest.raises(StoreError, match="is the store itself"):
        of_file(folder / FILE, folder)


def test_postgresql_has_its_own(copy: Path):
    """It says what to use."""
    with pytest.raises(StoreError, match="pg_restore"):
        restore(copy, "copy", PostgresSettings(url="postgresql://host/slo"))
