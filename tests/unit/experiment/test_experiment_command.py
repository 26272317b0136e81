"""`experiment`: what it says before anything is begun, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from exporter.commands.experiments import running
from exporter.commands.experiments.journal import Entry, Journal
from exporter.experiment.steps import Command
from tests.helpers.command_line import GOOD, cli

UNREACHABLE = GOOD.replace("http://prometheus.test:9090", "http://127.0.0.1:1")

FILE = """
title: Kill a worker
hypothesis: {steady: [{slo: auth/availability, error_ratio: 1%}]}
method: [{command: [touch, done]}]
rollback: [{command: [touch, undone]}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(UNREACHABLE)
    (tmp_path / "e.yaml").write_text(FILE)
    return tmp_path


def run(folder: Path, *flags: str, file: str = "e.yaml") -> Result:
    journal = f"--journal={folder / 'journal'}"
    own = ("--config.file", folder / "config.yaml", journal)
    return cli("experiment", "run", folder / file, *own, *flags)


def left(folder: Path, *rollback: str) -> Journal:
    """What a killed process has left behind."""
    (folder / "journal").mkdir()
    journal = Journal(folder / "journal")
    commands = (Command(rollback, 5.0),) if rollback else ()
    journal.write(Entry("kill it", "e.yaml", str(folder), 1_700_000_000.0, commands))
    return journal


class TestMistakes:
    """They are none of the verdicts."""

    @pytest.mark.parametrize(
        ("flags", "words"),
        [
            (["--reprot=x.md"], "No such option"),
            (["--report=x.txt"], "the name must end in .md, .json, .html"),
            (["--report=/no/such/x.md"], "there is no folder /no/such"),
            (["--force= "], "--force needs a reason"),
            (["--server=exporter:9098"], "is not an address"),
            (["--config.file=/no/such.yaml"], "/no/such.yaml"),
            (["--journal=/dev/null/x"], "The journal"),
        ],
    )
    def test_of_the_command_line(self, folder, flags, words):
        ended = run(folder, *flags)
        assert ended.exit_code == 4, ended.output
        assert words.lower() in " ".join(ended.output.split()).lower()
        assert not (folder / "done").exists()

    def test_of_the_file(self, folder):
        (folder / "e.yaml").write_text(FILE.replace("1%", "1"))
        ended = run(folder)
        assert ended.exit_code == 4
        assert "e.yaml:3: hypothesis.steady[0].error_ratio: must be a percentage" in ended.output
        assert run(folder, file="absent.yaml").exit_code == 4

    def test_of_the_subcommand(self):
        assert cli("experiment", "rnu").exit_code == 4
        assert cli("experiment").exit_code == 4

    def test_a_fault_of_ours_is_no_refutation(self, folder, monkeypatch):
        """Python's own exit code would say so."""
        monkeypatch.setattr(running.Run, "run", lambda _: 1 / 0)
        ended = run(folder)
        assert ended.exit_code == 2
        assert "ZeroDivisionError" in ended.output


def test_help_tells_the_exit_codes():
    ended = cli("experiment", "run", "--help")
    assert ended.exit_code == 0
    assert "Exits with 0 if it held, 1 if it was refuted" in " ".join(ended.output.split())


def test_without_a_prometheus_it_is_refused(folder):
    """And the report says so."""
    report = folder / "r.json"
    ended = run(folder, f"--report={report}")
    assert ended.exit_code == 3, ended.output
    assert "REFUSED: nothing was done." in ended.output
    assert "the baseline cannot be measured: http://127.0.0.1:1 cannot be reached" in ended.output
    assert json.loads(report.read_text())["outcome"] == "refused"
    assert not (folder / "done").exists()
    assert not (folder / "journal/experiment.json").exists()


class TestWhatWasLeft:
    def test_it_is_undone_first(self, folder):
        journal = left(folder, "touch", "undone")
        ended = run(folder)
        assert "'kill it', begun 2023-11-14 22:13:20 UTC, was killed" in ended.output
        assert "it is undone" in ended.output
        assert (folder / "undone").exists()
        assert journal.left() is None

    def test_a_dry_run_only_tells(self, folder):
        journal = left(folder, "touch", "undone")
        ended = run(folder, "--dry-run")
        assert "would be done first:\n    touch undone" in ended.output
        assert not (folder / "undone").exists()
        assert journal.left() is not None

    def test_what_cannot_be_undone_is_told_as_one_would_type_it(self, folder):
        """Nothing new begins until it is."""
        journal = left(folder, "false", "a b")
        ended = run(folder, "--force=all the same")
        assert ended.exit_code == 3
        assert "THE ROLLBACK FAILED. Undo by hand:" in ended.output
        assert f"    false 'a b'\n    and then remove {journal.path}" in ended.output
        assert journal.left() is not None

    def test_by_itself(self, folder):
        journal = left(folder, "touch", "undone")
        where = f"--journal={folder / 'journal'}"
        ended = cli("experiment", "rollback", where)
        assert ended.exit_code == 0
        assert (folder / "undone").exists()
        assert journal.left() is None
        assert "There is nothing to undo." in cli("experiment", "rollback", where).output

    def test_by_itself_it_may_fail(self, folder):
        left(folder, "false")
        ended = cli("experiment", "rollback", f"--journal={folder / 'journal'}")
        assert ended.exit_code == 2

    def test_without_a_rollback_there_is_something_to_look_at(self, folder):
        left(folder)
        assert "it has no rollback: see what of e.yaml is still in force" in run(folder).output


def test_another_one_that_is_under_way(folder):
    (folder / "journal").mkdir()
    with Journal(folder / "journal").held():
        ended = run(folder, "--force=all the same")
    assert ended.exit_code == 3
    assert "another experiment is under way on this machine" in ended.output
