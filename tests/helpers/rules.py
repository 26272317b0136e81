"""The rules command, and what promtool says of what it writes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml
from click.testing import CliRunner, Result

from exporter.cli import main
from tests.helpers.paths import ROOT

UNIT_TESTS = ROOT / "tests/server/rules/options_test.yaml"
"""What promtool tests the starter alert, the dashboard link and the aliases by."""

EVERYTHING = (
    "--starter",
    "--aliases=sloth",
    "--aliases=pyrra",
    "--runbook-url=https://example.com/operating.md",
    "--dashboard-url=https://grafana.example.com/d/slo?orgId=1",
)


def command(*arguments: str) -> Result:
    """The command's result."""
    return CliRunner().invoke(main, ["rules", *arguments])


def rules(*arguments: str) -> list[dict]:
    """The rules that it writes."""
    content = yaml.safe_load(command(*arguments).stdout)
    return [rule for group in content["groups"] for rule in group["rules"]]


def promtool_says(promtool: Path, *arguments: object) -> str:
    """What promtool prints when it is content."""
    line = [str(promtool), *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
