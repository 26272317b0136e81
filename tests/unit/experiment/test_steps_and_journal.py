"""Commands of an experiment, and what is left for the next start if it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from exporter.commands.experiments import journal as journals
from exporter.commands.experiments.journal import (
    Entry,
    Journal,
    JournalError,
    UnderWayError,
    end_group,
    started_at,
)
from exporter.commands.experiments.steps import StepResult, roll_back, run_command
from exporter.experiment.steps import Command

ENTRY = Entry(
    title="kill a worker",
    file="/e.yaml",
    folder="/",
    begun=1_700_000_000.0,
    rollback=(Command(("start", "it"), 5.0, "start it"),),
    services=("auth",),
    servers=("http://a:1",),
    running=(17, "123"),
)


def run(*arguments: str, timeout: float = 30, folder: Path = Path("/")) -> StepResult:
    return asyncio.run(run_command(Command(arguments, timeout), folder))


def _until_there(path: Path) -> None:
    while not path.exists():
        time.sleep(0.005)


def _until_reaped(pid: int) -> None:
    """Hold the loop until the thread that waits for a process has told it of the end."""
    _until_gone(
        lambda: _runs(pid) or any("waitpid-" in each.name for each in threading.enumerate())
    )


def _until_gone(runs: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while runs():  # the kernel takes a moment
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _group_runs(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, 0)
        return True
    return False


def _runs(pid: int) -> bool:
    """Whether a process runs; who has ended may still be listed."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class TestCommands:
    def test_what_they_write_and_how_they_end(self, tmp_path):
        found = run("sh", "-c", "pwd; echo no >&2; exit 3", folder=tmp_path)
        assert (found.code, found.why, found.failed) == (3, "exit code 3", True)
        assert found.output == f"{tmp_path}\nno"
        assert not run("true").failed

    def test_no_shell_sees_the_arguments(self):
        assert run("echo", "$HOME; false").output == "$HOME; false"

    def test_one_that_is_not_there(self):
        found = run("no-such-program")
        assert (found.code, found.failed) == (None, True)
        assert found.why is not None
        assert found.why.startswith("cannot be started:")

    def test_one_that_takes_too_long_is_ended(self):
        found = run("sleep", "60", timeout=0.1)
        assert found.why == "had not ended after 100ms"
        assert run("sh", "-c", "kill -9 $$").why == "ended by SIGKILL"

    def test_what_stays_in_the_background_holds_nothing_up(self):
        found = run("sh", "-c", "sleep 60 & echo $!")
        os.kill(int(found.output), signal.SIGKILL)
        assert not found.failed

    @pytest.mark.parametrize("turns", range(12))
    def test_cancelled_as_it_ends_it_is_cancelled(self, tmp_path, turns):
        """A signal that comes just then is not lost."""

        async def cancelled() -> tuple[bool, bool]:
            started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            command = Command(("true",), 60)
            task = asyncio.ensure_future(run_command(command, tmp_path, started.set_result))
            _until_reaped(await started)
            for _ in range(turns):
                await asyncio.sleep(0)
            accepted = task.cancel()
            await asyncio.wait([task])
            return accepted, task.cancelled()

        accepted, was_cancelled = asyncio.run(cancelled())
        assert was_cancelled == accepted

    @pytest.mark.parametrize("turns", range(1, 9))
    def test_cancelled_while_it_starts_it_ends_what_was_started(self, tmp_path, turns):
        """The journal is told of that, too."""
        pids = []

        async def cancelled() -> None:
            shell = Command(("sh", "-c", "sleep 60 & wait"), 60)
            task = asyncio.ensure_future(run_command(shell, tmp_path, pids.append))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        assert len(pids) == 1
        _until_gone(lambda: _group_runs(pids[0]))

    def test_cancelled_it_ends_all_that_it_started(self, tmp_path):
        """The whole group, which is told to the journal."""
        pids = []

        async def cancelled() -> None:
            script = (
                "trap '' TERM; sleep 60 & trap - TERM; echo $! > new; mv new child; exec sleep 60"
            )
            shell = Command(("sh", "-c", script), 60)
            task = asyncio.ensure_future(run_command(shell, tmp_path, pids.append))
            await asyncio.to_thread(_until_there, tmp_path / "child")
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        assert len(pids) == 1
        for pid in (pids[0], int((tmp_path / "child").read_text())):
            _until_gone(partial(_runs, pid))

    def test_every_command_of_a_rollback_is_tried(self, tmp_path):
        commands = [Command(("false", "a b"), 5), Command(("touch", "done"), 5)]
        told: list[str] = []
        failed = asyncio.run(roll_back(commands, tmp_path, lambda _, text: told.append(text)))
        assert failed == ["false 'a b'"]
        assert (tmp_path / "done").exists()
        assert told[1] == "rollback: false a b failed: exit code 1"


class TestJournal:
    def test_it_comes_back_as_it_was(self, tmp_path):
        journal = Journal(tmp_path / "state")
        with journal.held():
            assert journal.left() is None
            journal.write(ENTRY)
        assert Journal(tmp_path / "state").left() == ENTRY
        journal.clear()
        assert journal.left() is None

    def test_one_at_a_time(self, tmp_path):
        with Journal(tmp_path).held(), pytest.raises(UnderWayError), Journal(tmp_path).held():
            pass
        with Journal(tmp_path).held():
            pass

    def test_where_it_cannot_be_written_nothing_is_begun(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(JournalError, match="Choose a folder by --journal"):
            Journal(tmp_path / "file" / "x").held().__enter__()

    @pytest.mark.parametrize("text", ["", "[]", json.dumps({"title": "x"}), "\xff{"])
    def test_one_that_cannot_be_read_is_said_to_be_undone_by_hand(self, tmp_path, text):
        journal = Journal(tmp_path)
        journal.path.write_text(text)
        with pytest.raises(JournalError, match="undo it by hand, and remove the file"):
            journal.left()

    def test_where_it_is(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        assert journals.default_folder() == tmp_path / "error-budget-exporter"
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setenv("HOME", "/home/ada")
        assert str(journals.default_folder()) == "/home/ada/.local/state/error-budget-exporter"

    def test_a_step_that_was_left_running_is_ended(self):
        """But no other process that has the same pid by now."""
        with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
            assert not end_group((process.pid, "1"))
            assert process.poll() is None
            started = started_at(process.pid)
            assert not end_group(None)
            process.send_signal(signal.SIGSTOP)  # even one that does not listen
            killer = asyncio.run(_end(process.pid, started, process))
            assert killer
        assert process.returncode == -signal.SIGKILL


async def _end(pid: int, started: str, process: object) -> bool:
    """End it while somebody waits for it, as init does."""
    found, _ = await asyncio.gather(
        asyncio.to_thread(end_group, (pid, started)),
        asyncio.to_thread(process.wait),  # type: ignore[attr-defined]
    )
    return found
