"""The dashboards as JSON for Grafana: the same bytes whenever they are built."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dev.dashboards.detail import detail
from dev.dashboards.exporter_itself import exporter_itself
from dev.dashboards.overview import overview

DASHBOARDS: Final[tuple[Callable[[], Dashboard], ...]] = (overview, detail, exporter_itself)

SCHEMA: Final = 39
"""Grafana 11's. Every Grafana upgrades older dashboards; none can read newer ones."""


def build() -> dict[str, str]:
    """Build every dashboard: its JSON text, by file name."""
    return {
        f"{content['uid']}.json": json.dumps(content, indent=2, sort_keys=True) + "\n"
        for content in map(_content, DASHBOARDS)
    }


def _content(make: Callable[[], Dashboard]) -> dict[str, Any]:
    """A dashboard's JSON, its panels numbered in their order."""
    dashboard = make().build()
    dashboard.schema_version = SCHEMA
    for number, panel in enumerate(dashboard.panels or (), start=1):
        panel.id_val = number
    content: dict[str, Any] = json.loads(JSONEncoder().encode(dashboard))
    for control in (*content["links"], *content.get("annotations", {}).get("list", ())):
        del control["placement"]  # the library hides them in a menu
    return content
