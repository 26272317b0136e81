"""The files of deploy/, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.helpers.paths import ROOT

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus/rules.yaml"
COMPOSE = DEPLOY / "docker-compose"
KUBERNETES = DEPLOY / "kubernetes"

JOB = "error-budget-exporter"
CONFIG = "/etc/error-budget-exporter"
STORAGE = "/var/lib/error-budget-exporter"


def read(path: Path) -> Any:
    """A YAML file's content."""
    return yaml.safe_load(path.read_text())


def alerts(path: Path = RULES) -> dict[str, dict]:
    """The alerting rules of a file, by name."""
    return {rule["alert"]: rule for group in read(path)["groups"] for rule in group["rules"]}
