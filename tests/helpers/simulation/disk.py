"""The simulated disk: SQLite's own files, whose statements may fail, and end with their process."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from typing import Any

from tests.helpers.simulation import clock

FULL = "database or disk is full"
FAILING = "disk I/O error"


class Disk:
    """What a process has open, and how its disk is.

    `problem` is what every write says, None while all is well. `die_at` are the statements that it
    has left, None for no end.
    """

    def __init__(self, process: clock.Process) -> None:
        self.problem: str | None = None
        self.die_at: int | None = None
        self.process = process
        self._open: list[Any] = []

    def opened(self, what: Any) -> None:
        self._open.append(what)

    def release(self) -> None:
        """Let go of everything, as the system does for a process that has ended."""
        for each in self._open:
            with contextlib.suppress(sqlite3.Error):  # one that was not opened whole
                each.close()
        self._open.clear()

    def statement(self, text: str) -> None:
        """A statement is about to be run.

        Raises:
            sqlite3.OperationalError: the disk fails.
            clock.Killed: the process ends here.
        """
        if not self.process.alive and not text.startswith("ROLLBACK"):
            raise clock.Killed
        if self.die_at is not None and self.process.alive:
            self.die_at -= 1
            if self.die_at < 0:
                self.process.kill()
                raise clock.Killed
        word = text.lstrip().partition(" ")[0].upper()
        if self.problem and word in ("INSERT", "UPDATE", "DELETE", "REPLACE", "COMMIT", "CREATE"):
            raise sqlite3.OperationalError(self.problem)


_disks: dict[clock.Process, Disk] = {}


def disk_of(process: clock.Process) -> Disk:
    return _disks.setdefault(process, Disk(process))


def install() -> None:
    """Take the place of SQLite's connections and of file locks."""
    connect, flock = sqlite3.connect, fcntl.flock
    made: dict[type, type] = {}

    def simulated(*args: Any, **options: Any) -> Any:
        process = clock.PROCESS.get()
        if process is clock.OF_NOBODY:
            return connect(*args, **options)
        disk = disk_of(process)
        base = options.get("factory", sqlite3.Connection)
        if base not in made:
            made[base] = type(f"Simulated{base.__name__}", (_Statements, base), {})
        options["factory"] = made[base]
        connection = connect(*args, **options)
        connection.disk = disk
        disk.opened(connection)
        return connection

    def locked(file: Any, how: int) -> None:
        flock(file, how)
        process = clock.PROCESS.get()
        if how & fcntl.LOCK_EX and process is not clock.OF_NOBODY:
            disk_of(process).opened(file)

    sqlite3.connect = simulated
    fcntl.flock = locked


class _Statements:
    """Tells the disk of statements before they are run."""

    disk: Disk | None = None

    def execute(self, text: str, *rest: Any) -> Any:
        if self.disk is not None:
            self.disk.statement(text)
        return super().execute(text, *rest)  # type: ignore[misc]

    def executemany(self, text: str, *rest: Any) -> Any:
        if self.disk is not None:
            self.disk.statement(text)
        return super().executemany(text, *rest)  # type: ignore[misc]
