"""A store put back from a backup: checked first, whole or not at all. What was there is kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from exporter.errors import StoreError
from exporter.store import lock, opening, schema, verification
from exporter.store.backup import copy_pages
from exporter.store.schema import StoreVersionError
from exporter.store.settings import Place, PostgresSettings

MOST_TOLD = 5

MAGIC = b"SQLite format 3\0"
"""How every SQLite file begins."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back.

    - `size`: of the file, in bytes.
    - `slos`: how many it has.
    - `end`: when the newest of them was last written, Unix seconds; None without SLOs.
    - `kept`: what was there before; None if nothing was.
    """

    size: int
    slos: int
    end: int | None
    kept: Path | None


def restore(source: Path | BinaryIO, name: str, place: Place) -> Restored:
    """Put a backup in a store's place. `name` is what messages call the backup.

    A crash at any moment leaves the store of before or the new one.

    Raises:
        StoreError: the backup is damaged, of a newer version or not a store's; a daemon has the
            place, or it cannot be written. Nothing was changed.
    """
    if isinstance(place, PostgresSettings):
        raise StoreError(
            f"{place} is restored by pg_restore, or psql; `ledger copy` takes a folder with a "
            "backup into a database that is empty"
        )
    file = place / opening.FILE
    if isinstance(source, Path) and source.exists() and file.exists() and source.samefile(file):
        raise StoreError(f"{name} is the store itself: nothing was changed")
    with _alone(place):
        partial = file.with_name(f"{file.name}.restoring")
        _forget(partial)
        try:
            _take(source, name, partial)
            slos, end = _checked(partial, name)
            _give(partial, place)
            if file.exists():
                partial.chmod(stat.S_IMODE(file.stat().st_mode))
            with partial.open("rb") as whole:
                os.fsync(whole.fileno())
            kept = _keep(file)
            partial.replace(file)
        except UnicodeDecodeError as error:
            raise _damaged(name, "some of its text cannot be read") from error
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and opening.is_damage(error):
                raise _damaged(name, str(error)) from error
            raise StoreError(
                f"{name} cannot be put into {place}: {error}; nothing was changed"
            ) from error
        finally:
            _forget(partial)
        return Restored(file.stat().st_size, slos, end, kept)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep daemons away meanwhile."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be created: {error.strerror}") from error
    held = lock.take(folder)
    if held is None:
        raise StoreError(f"{folder} cannot be written: nothing was changed")
    with held:
        _give(folder / lock.LOCK, folder)
        yield


def _take(source: Path | BinaryIO, name: str, into: Path) -> None:
    """Bring the backup into a file of its own."""
    if isinstance(source, Path):
        opening.check_head(source)
        if not opening.logs(source)[0].exists():
            _check_length(source, name)
        # By pages, since it may have a write-ahead log beside it.
        with (
            closing(opening.connect_read_only(source, _check_ours)) as of,
            closing(sqlite3.connect(into)) as copy,
        ):
            copy_pages(of, copy)
    else:
        with into.open("wb") as copied:
            shutil.copyfileobj(source, copied)
        _check_length(into, name)


def _check_length(file: Path, name: str) -> None:
    """A pipe that broke leaves a file that SQLite says other things of."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        head = opened.read(100)
    if not size or not head.startswith(MAGIC):
        return
    if len(head) < 100:
        raise _cut_short(name, f"{size} bytes")
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    whole = (65_536 if page == 1 else page) * pages
    if size < whole and head[24:28] == head[92:96]:  # otherwise the count is an older program's
        raise _cut_short(name, f"{size} of its {whole} bytes")


def _cut_short(name: str, has: str) -> StoreError:
    return StoreError(f"{name} is cut short: it has {has}; nothing was changed")


def _checked(file: Path, name: str) -> tuple[int, int | None]:
    """How many SLOs a backup that is sound has, and when they were last written."""
    opening.check_head(file)
    with closing(sqlite3.connect(file, factory=opening.SqliteSession)) as session:
        _check_ours(session, Path(name))
        found = verification.Verified()
        verification.look(session, found)
        if found.damage:
            more = len(found.damage) - MOST_TOLD
            told = [*found.damage[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
            raise _damaged(name, "\n  ".join(["", *told]).rstrip())
        slos, end = session.execute('SELECT count(*), max("end") FROM slo').fetchone()
    return slos, end


def _check_ours(connection: sqlite3.Connection, file: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables:
        raise StoreError(f"{file} is empty: nothing was changed")
    if application != schema.APPLICATION_ID:
        raise StoreVersionError(f"{file} is not a backup of a ledger; nothing was changed")
    if version > schema.VERSION:
        raise StoreVersionError(
            f"{file} was written by a newer version (schema {version}, this one knows "
            f"{schema.VERSION}): restore it with that version; nothing was changed"
        )


def _keep(file: Path) -> Path | None:
    """Give the store that is there a second name, with all that is in its write-ahead log."""
    if not file.exists():
        # A log without its file would be taken for the new one's.
        opening.set_logs_aside(file, opening.name_aside(file, "before-restore"))
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = DELETE")
    if any(log.exists() for log in opening.logs(file)):
        return opening.set_aside(file, "before-restore")  # it is damaged
    kept = opening.name_aside(file, "before-restore")
    try:
        kept.hardlink_to(file)
    except OSError:  # a file system without such links
        file.rename(kept)
    return kept


def _give(path: Path, folder: Path) -> None:
    """To whom the folder belongs, if root does this: the daemon may be another user."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _forget(file: Path) -> None:
    for path in (file, *opening.logs(file), file.with_name(f"{file.name}-journal")):
        path.unlink(missing_ok=True)


def _damaged(name: str, what: str) -> StoreError:
    return StoreError(f"{name} is damaged: {what}\nNothing was changed.")
