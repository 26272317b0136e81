"""What Grafana does with a dashboard before it asks Prometheus: it puts variables in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.helpers.paths import ROOT

FOLDER = ROOT / "exporter/dashboards"
FILES = sorted(FOLDER.glob("*.json"))

ALL = ".*"
RATE_INTERVAL = "15s"
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:\.[^}]*|:[^}]*)?\})")


@dataclass(frozen=True)
class Query:
    """A panel's query; `table` if labels are columns."""

    panel: str
    ref: str
    expr: str
    instant: bool
    table: bool
    legend: str


def load(name: str) -> dict[str, Any]:
    """A dashboard as it is shipped."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def queries(dashboard: dict) -> list[Query]:
    """Those of all panels."""
    return [
        Query(
            panel["title"],
            target["refId"],
            target["expr"],
            target["instant"],
            target.get("format") == "table",
            target.get("legendFormat", ""),
        )
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def variables(dashboard: dict, kind: str = "query") -> list[dict]:
    """Variables of a kind."""
    return [each for each in dashboard["templating"]["list"] if each["type"] == kind]


def interpolate(text: str, values: dict[str, str]) -> str:
    """A text with variables replaced; one that has no value fails."""
    known = {"__rate_interval": RATE_INTERVAL, **values}
    return VARIABLE.sub(lambda match: known[match[1] or match[2]], text)


def names(text: str) -> set[str]:
    """The variables that a text names, but for those that Grafana itself has."""
    found = {first or second for first, second in VARIABLE.findall(text)}
    return {name for name in found if not name.startswith("__")}
