"""The lock that keeps a store to one daemon: a file beside the store's own."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from exporter.errors import StoreError

LOCK = "ledger.lock"


class StoreInUseError(StoreError):
    """Another daemon uses the store."""


def take(folder: Path) -> IO[bytes] | None:
    """Lock a folder for this process, until the returned file is closed or the process ends.

    None where the lock cannot be written at all: then nobody can write to the store either.

    Raises:
        StoreInUseError: another process has locked it.
    """
    path = folder / LOCK
    lock: IO[bytes]
    try:
        lock = path.open("a+b")
    except OSError:
        try:
            lock = path.open("rb")  # it can be locked all the same
        except OSError:
            return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        process = lock.read(20).decode("ascii", "replace").strip()
        lock.close()
        raise StoreInUseError(
            f"{folder} is in use by another error-budget-exporter (process {process}): "
            "stop that one, or give this one a folder of its own with --storage.path"
        ) from error
    if lock.writable():
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n".encode())
        lock.flush()
    return lock


def lost(held: IO[bytes] | None, folder: Path) -> bool:
    """Whether the file that was locked is no longer the one that others look for in the folder."""
    if held is None:
        return False
    try:
        found = (folder / LOCK).stat()
    except OSError:
        return True
    own = os.fstat(held.fileno())
    return (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino)


def taken(folder: Path) -> bool:
    """Whether a daemon has locked the folder."""
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
