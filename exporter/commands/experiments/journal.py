"""The journal: what has to be undone if the process that runs an experiment is killed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from exporter.errors import ConfigurationError
from exporter.experiment.steps import Command

FILE = "experiment.json"
LOCK = "lock"


class JournalError(ConfigurationError):
    """The journal cannot be kept, or read."""


class UnderWayError(JournalError):
    """Another experiment is under way on this machine."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What an experiment that has begun leaves behind until it has been undone.

    - `folder`: where its commands run.
    - `rollback`: what undoes it.
    - `services`, `servers`: whose change it is, and who was told of it.
    - `running`: the process group of the step that is under way, and when it was started, as the
      kernel has it.
    """

    title: str
    file: str
    folder: str
    begun: float
    rollback: tuple[Command, ...]
    services: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    running: tuple[int, str] | None = None


def default_folder() -> Path:
    """Where journals are: in the folder for state of the XDG base directories."""
    home = os.environ.get("XDG_STATE_HOME")
    state = Path(home) if home else Path.home() / ".local/state"
    return state / "error-budget-exporter"


@dataclass
class Journal:
    """The journal of this machine: of one experiment at a time, as faults do not keep apart."""

    folder: Path
    _entry: Entry | None = field(default=None, init=False)

    @property
    def path(self) -> Path:
        """Where it is written."""
        return self.folder / FILE

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold it: nobody else runs an experiment meanwhile.

        Raises:
            UnderWayError: somebody does.
            JournalError: it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(self._unusable(error)) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UnderWayError(
                    f"another experiment is under way on this machine ({self.path})"
                ) from None
            yield
        finally:
            os.close(lock)

    def left(self) -> Entry | None:
        """What an experiment left behind whose process was killed.

        Raises:
            JournalError: it cannot be read.
        """
        try:
            found: Any = json.loads(self.path.read_text(encoding="utf-8"))
            rollback = tuple(
                Command(**{**each, "arguments": tuple(each["arguments"])})
                for each in found["rollback"]
            )
            more = {key: tuple(found[key]) for key in ("services", "servers")}
            running = tuple(found["running"]) if found["running"] else None
            return Entry(**{**found, **more, "rollback": rollback, "running": running})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise JournalError(
                f"{self.path} tells of an experiment that was not undone, and cannot be read "
                f"({error}): undo it by hand, and remove the file"
            ) from error

    def write(self, entry: Entry) -> None:
        """Write it down so that it is there whatever happens.

        Raises:
            JournalError: it cannot be.
        """
        self._entry = entry
        beside = self.path.with_suffix(".new")
        try:
            with beside.open("w", encoding="utf-8") as file:
                json.dump(asdict(entry), file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
            _sync(self.folder)
        except OSError as error:
            raise JournalError(self._unusable(error)) from error

    def clear(self) -> None:
        """Note that everything is undone.

        Raises:
            JournalError: it cannot be.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise JournalError(self._unusable(error)) from error

    def _unusable(self, error: OSError) -> str:
        return (
            f"the journal in {self.folder} cannot be written ({error.strerror}): without it, "
            "nobody would undo what a killed process has done. Choose a folder by --journal"
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def started_at(pid: int) -> str:
    """When the kernel says that a process was started: pids are used again. Empty if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def end_group(running: tuple[int, str] | None) -> bool:
    """End the step that a killed process left running; whether there was one."""
    if running is None or not running[1] or started_at(running[0]) != running[1]:
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running[0], signal.SIGKILL)
        deadline = time.monotonic() + 5
        while started_at(running[0]) == running[1] and time.monotonic() < deadline:
            time.sleep(0.02)
    return True
