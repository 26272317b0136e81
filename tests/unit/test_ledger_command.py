"""`ledger backup` and `ledger restore` as people type them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.store.opening import FILE
from tests.helpers.config.loaded import A_SLO
from tests.helpers.ledger.troubled import FILLED, fill, held


def test_a_backup_goes_through_a_pipe(tmp_path: Path):
    """The pipe has the file alone; what is said of it is on standard error."""
    fill(tmp_path / "store")
    copied = CliRunner().invoke(main, ["ledger", f"--storage.path={tmp_path}/store", "backup", "-"])
    assert copied.exit_code == 0
    assert copied.stderr == f"standard output: {len(copied.stdout_bytes) / 1000:.1f} kB\n"
    put = CliRunner().invoke(
        main, ["ledger", f"--storage.path={tmp_path}/new", "restore", "-"], copied.stdout_bytes
    )
    assert (put.exit_code, put.stderr) == (0, "")
    assert put.stdout.startswith(f"{tmp_path}/new/{FILE}: ")
    assert held(tmp_path / "new") == FILLED


def test_the_store_is_named_before_a_command_or_behind_it(tmp_path: Path):
    """Whoever types it at night remembers neither; the one behind is meant if there are two."""
    fill(tmp_path)
    config, other = tmp_path / "c.yaml", tmp_path / "other.yaml"
    config.write_text(f"{A_SLO}storage: {{path: {tmp_path}}}\n")
    other.write_text(f"{A_SLO}storage: {{path: none}}\n")
    for options in (
        [f"--storage.path={tmp_path}", "verify"],
        ["verify", f"--storage.path={tmp_path}"],
        [f"--config.file={config}", "verify"],
        ["verify", f"--config.file={config}"],
        [f"--config.file={other}", "verify", f"--config.file={config}"],
        ["--storage.path=/nowhere", "verify", f"--storage.path={tmp_path}"],
    ):
        found = CliRunner().invoke(main, ["ledger", *options])
        assert (found.exit_code, found.stderr) == (0, ""), options
        assert found.stdout.startswith(f"{tmp_path}/{FILE} is sound")


@pytest.mark.parametrize(
    ("command", "words"),
    [("backup", "backup - > FILE"), ("restore", "restore - < FILE")],
)
def test_a_terminal_is_neither(tmp_path: Path, command: str, words: str):
    """It would be spoilt by bytes, or wait for them."""
    fill(tmp_path)
    ours, terminal = os.openpty()
    program = [sys.executable, "-m", "exporter", "ledger", f"--storage.path={tmp_path}"]
    refused = subprocess.run(
        [*program, command, "-"],
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(terminal)
    os.close(ours)
    assert refused.returncode == 2
    assert words in refused.stderr


def test_a_restore_says_what_it_has_kept(tmp_path: Path):
    """By its whole name."""
    fill(tmp_path)
    options = ["ledger", f"--storage.path={tmp_path}"]
    CliRunner().invoke(main, [*options, "backup", f"{tmp_path}/copy"], catch_exceptions=False)
    put = CliRunner().invoke(main, [*options, "restore", f"{tmp_path}/copy"])
    (kept,) = tmp_path.glob(f"{FILE}.before-restore-*")
    assert put.stdout.endswith(f"\nWhat was there before is {kept}\n")
    assert ", 1 SLOs until 2023-11-14 22:00:00Z\n" in put.stdout


def test_a_backup_that_is_not_there_is_told(tmp_path: Path):
    """As any other file."""
    put = CliRunner().invoke(main, ["ledger", f"--storage.path={tmp_path}", "restore", "absent"])
    assert put.exit_code == 2
    assert "File 'absent' does not exist" in put.stderr
