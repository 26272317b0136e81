"""What every command shares: it loads what it needs, and ends as it should."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from exporter.cli import COMMANDS, LazyGroup, main
from exporter.errors import ExporterError

pytestmark = pytest.mark.lengthy

LARGE = {"numpy", "pydantic", "uvicorn", "starlette", "httpx", "structlog", "yaml", "sqlite3"}
"""What takes long to load; httpx is needed to ask a daemon."""


def loaded(*arguments: str) -> set[str]:
    """Which of LARGE a command has loaded when it ends."""
    program = (
        "import sys\nfrom exporter.cli import main\ntry:\n    main()\n"
        f"finally:\n    print(*{LARGE!r} & sys.modules.keys(), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(ended.stderr.split())


class TestLoading:
    @pytest.mark.parametrize(
        ("arguments", "large"),
        [
            (("--version",), set()),
            (("run", "--help"), set()),
            (("gate", "--help"), {"httpx"}),
            (("overrides", "list", "--help"), {"httpx"}),
            (("postmortem", "ack", "--help"), {"httpx"}),
            (("rules", "--help"), {"yaml"}),
        ],
    )
    def test_a_command_loads_only_what_it_needs(self, arguments, large):
        """A pipeline that asks the gate does not wait for numpy."""
        assert loaded(*arguments) == large

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_is_found_under_its_name(self, name):
        """And has a line of help."""
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str()


class TestErrors:
    @pytest.fixture
    def failing(self, monkeypatch) -> Iterator[list[Exception]]:
        """A command that raises what the test puts here."""
        errors: list[Exception] = []

        @click.command()
        def fail() -> None:
            raise errors[0]

        monkeypatch.setattr(LazyGroup, "get_command", lambda *_: fail)
        return errors

    def test_an_error_of_ours_is_a_message_and_exit_code_1(self, failing):
        """On stderr, as it is."""
        failing.append(ExporterError("one\ntwo"))
        result = CliRunner().invoke(main, ["fail"])
        assert (result.exit_code, result.stderr, result.stdout) == (1, "one\ntwo\n", "")

    def test_a_fault_is_a_traceback(self, failing):
        """Nobody can mend it without."""
        failing.append(ValueError("operands could not be broadcast together"))
        result = CliRunner().invoke(main, ["fail"])
        assert result.exception is failing[0]


class TestEarlySignals:
    """A signal that arrives as soon as the first large module is loaded."""

    @pytest.fixture
    def command(self, tmp_path: Path) -> Iterator[list[str]]:
        config = tmp_path / "config.yaml"
        with socket.socket() as bound:  # nobody listens there
            bound.bind(("127.0.0.1", 0))
            config.write_text(
                f"prometheus: {{url: 'http://127.0.0.1:{bound.getsockname()[1]}'}}\n"
                "slos:\n"
                "  - {service: auth, name: availability, objective: 99.9,\n"
                "     sli: {events: {bad: errors_total, total: requests_total}}}\n"
            )
            yield [
                *(sys.executable, "-m", "exporter", "run", f"--config.file={config}"),
                *("--web.listen-address=127.0.0.1:0", "--storage.path=none", "--log.format=json"),
            ]

    def environment(self, folder: Path, number: signal.Signals) -> dict[str, str]:
        """One in which loading numpy sends the signal."""
        (folder / "sitecustomize.py").write_text(
            "import os, sys\n"
            "class Signalling:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'numpy':\n"
            "            sys.meta_path.remove(self)\n"
            f"            os.kill(os.getpid(), {int(number)})\n"
            "sys.meta_path.insert(0, Signalling())\n"
        )
        return {**os.environ, "PYTHONPATH": str(folder)}

    def test_a_reload_is_done_once_it_has_started(self, command, tmp_path):
        """It used to kill the daemon."""
        environment = self.environment(tmp_path, signal.SIGHUP)
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
            try:
                lines = map(json.loads, process.stderr)
                messages = iter(line["msg"] for line in lines)
                assert next(messages) == "started"
                assert "the configuration was reloaded" in messages
                process.terminate()
                assert "stopped" in messages
                process.wait(20)  # a second signal would end it before its end
            finally:
                process.terminate()
        assert process.returncode == 0

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_an_end_is_the_end(self, command, tmp_path, number):
        """Cleanly, before anything has begun."""
        environment = self.environment(tmp_path, number)
        ended = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
