"""Runs the commands of an experiment: each in a process group of its own, that can be ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.experiment.steps import Command
from exporter.slo.durations import format_duration

GRACE = 5.0
"""Seconds from SIGTERM to SIGKILL."""

MOST_OUTPUT = 2_000
"""Characters that are kept of what a command wrote: the last ones."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of a command: `code` is None if it was ended, or could not be started.

    Times are Unix seconds. `why` says what went wrong; None if nothing did.
    """

    title: str
    start: float
    end: float
    code: int | None
    output: str
    why: str | None

    @property
    def failed(self) -> bool:
        """Whether it did not do what it should."""
        return self.why is not None


Happen = Callable[[str, str], None]
"""Told the kind of something that happens, and what it is."""

Started = Callable[[int], None]
"""Told the id of the process group."""


async def run_command(
    command: Command, folder: Path, started: Started = lambda _: None
) -> StepResult:
    """Run a command in a folder; cancelled, it ends all of its process group first.

    What it starts in the background goes on when it has ended by itself.
    """
    start = time.time()
    # A file and not a pipe: who stays in the background would hold a pipe open.
    with tempfile.TemporaryFile() as output:
        starting = asyncio.ensure_future(_start(command, folder, output.fileno()))
        try:
            process = await asyncio.shield(starting)
        except (OSError, ValueError) as error:
            told = f"cannot be started: {error}"
            return StepResult(command.title, start, time.time(), None, "", told)
        except asyncio.CancelledError:
            # It may be there already, with children.
            with contextlib.suppress(OSError, ValueError):
                process = await starting
                started(process.pid)
                await _end(process)
            raise
        started(process.pid)
        why: str | None = None
        try:
            # `asyncio.wait_for` would lose a signal that comes as the command ends.
            async with asyncio.timeout(command.timeout):
                await asyncio.shield(process.wait())
        except TimeoutError:
            why = f"had not ended after {format_duration(command.timeout)}"
            await _end(process)
        except asyncio.CancelledError:
            await _end(process)
            raise
        code = process.returncode
        if why is None and code != 0:
            why = _failure(code)
        written = _written(output.fileno())
    return StepResult(command.title, start, time.time(), code, written, why)


async def _start(command: Command, folder: Path, output: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command.arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        start_new_session=True,  # Ctrl-C is ours to deal with
    )


def _failure(code: int | None) -> str:
    if code is not None and code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}"


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command and all that it has started: politely, and then whatever is left of it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await asyncio.shield(process.wait())


def _written(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    kept = os.pread(descriptor, MOST_OUTPUT, max(0, size - MOST_OUTPUT))
    return kept.decode(errors="replace").strip()


async def roll_back(commands: Sequence[Command], folder: Path, happen: Happen) -> list[str]:
    """Run the commands of a rollback; those that failed, as people would type them."""
    failed = []
    for command in commands:
        happen("rollback", f"rollback: {command.title}")
        done = await run_command(command, folder)
        if done.failed:
            happen("rollback", f"rollback: {command.title} failed: {done.why}")
            failed.append(command)
    return [shlex.join(each.arguments) for each in failed]
