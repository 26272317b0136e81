"""`error-budget-exporter import`: specs as our configuration, which means the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from exporter.cli import main
from exporter.config.reading.loading import load, load_file
from tests.helpers.specs.counted import SPECS

FILES = sorted(str(path.relative_to(SPECS)) for path in SPECS.rglob("*.yaml"))
WITHOUT_SLOS = {"sloth/windows.yaml"}


def run(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


@pytest.mark.parametrize("name", [name for name in FILES if name not in WITHOUT_SLOS])
class TestEverySpec:
    def test_the_import_means_what_the_spec_means(self, name: str, tmp_path: Path):
        """Both are the same SLOs, to the last setting; so are their figures."""
        output = tmp_path / "imported.yaml"
        result = run(SPECS / name, "--output", output)
        assert result.exit_code == 0, result.stderr
        itself = load(f"slo_files: ['{SPECS / name}']", Path("config.yaml"))
        assert load_file(output).slos == itself.slos
        assert len(itself.notices) == len(result.stderr.splitlines()) - 1

    def test_it_has_no_mistakes(self, name: str, tmp_path: Path):
        """`check` says so."""
        output = tmp_path / "imported.yaml"
        run(SPECS / name, "--output", output)
        checked = CliRunner().invoke(main, ["check", f"--config.file={output}"])
        assert checked.exit_code == 0
        assert checked.output.endswith("SLOs, no mistakes\n")


class TestOutput:
    def test_goes_to_standard_output_with_its_sources(self):
        """Each SLO has its place in the spec above it, and nothing else is mixed in."""
        file = SPECS / "sloth" / "unsummed.yaml"
        result = run(file)
        assert result.stdout == (
            f"""# Imported from:
# {file}

slos:
  # {file}:4
  - service: unsummed
    name: one-series
    objective: 99
    period: 30d
    sli:
      query:
        bad: rate(queue_failures_total{{job="shop"}}[$window])
        total: rate(queue_messages_total{{job="shop"}}[$window])
"""
        )
        assert result.stderr.startswith(f"{file}:9: slos[0].sli.events.total_query: may have")

    def test_all_yaml_readers_read_the_same(self):
        """Queries of several lines are blocks; what looks like a number is one."""
        slos = yaml.safe_load(run(SPECS / "sloth" / "spellings.yaml").stdout)["slos"]
        assert slos[0]["sli"]["query"]["total"].splitlines()[0] == "sum("
        assert slos[0]["objective"] == 99

    def test_the_period_of_sloths_slos_can_be_given(self, tmp_path: Path):
        """By the flag that Sloth has for it."""
        output = tmp_path / "imported.yaml"
        run(SPECS / "sloth" / "born.yaml", "--default-slo-period", "28d", "--output", output)
        [slo] = load_file(output).slos
        assert slo.period.label == "28d"

    def test_objects_in_several_files_refer_to_one_another(self, tmp_path: Path):
        """An AlertWindows in one of them is for all of Sloth's."""
        output = tmp_path / "imported.yaml"
        run(SPECS / "sloth" / "born.yaml", SPECS / "sloth" / "windows.yaml", "--output", output)
        [slo] = load_file(output).slos
        assert [each.budget_spent for each in slo.alerting.conditions] == [0.02, 0.05, 0.1, 0.2]


class TestRefusal:
    def test_nothing_is_written_if_a_spec_cannot_be_taken_over(self, tmp_path: Path):
        """Exit code 1, and every mistake of every file."""
        bad, output = tmp_path / "bad.yaml", tmp_path / "imported.yaml"
        text = (SPECS / "sloth" / "born.yaml").read_text()
        bad.write_text(text.replace("objective: 99", "objective: 100"))
        other = tmp_path / "other.yaml"
        other.write_text("slos: []")
        result = run(bad, other, tmp_path / "none.yaml", "--output", output)
        assert result.exit_code == 1
        assert not output.exists()
        assert result.stderr.splitlines() == [
            f"{bad}:5: slos[0].objective: leaves no error budget, and Sloth's burn rates divide by "
            "it: write what may fail, such as 99.99",
            f"{other}:1: is no spec of Sloth, Pyrra or OpenSLO",
            f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory",
        ]

    def test_files_without_an_slo_are_refused(self):
        """There would be nothing to write."""
        result = run(SPECS / "sloth" / "windows.yaml")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.endswith("windows.yaml: holds no SLO\n")

    def test_output_that_cannot_be_written_is_told(self, tmp_path: Path):
        """With the reason."""
        result = run(SPECS / "sloth" / "born.yaml", "--output", tmp_path / "none" / "a.yaml")
        assert result.exit_code == 1
        assert "cannot be written: No such file or directory" in result.stderr


def test_other_settings_are_not_compared_by_chance():
    """The comparison above sees a difference of one label."""
    [slo] = load(f"slo_files: ['{SPECS / 'sloth' / 'born.yaml'}']", Path("config.yaml")).slos
    assert replace(slo, labels={"a": "b"}) != slo
