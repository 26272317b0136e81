"""The dashboards as files for Grafana: the same bytes whenever they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from exporter.dashboards.detail import detail
from exporter.dashboards.exporter_itself import exporter_itself
from exporter.dashboards.overview import overview

DASHBOARDS: Final[tuple[Callable[[], Dashboard], ...]] = (overview, detail, exporter_itself)


def write() -> dict[str, str]:
    """Every dashboard's JSON text, by the name of its file."""
    files = {}
    for make in DASHBOARDS:
        dashboard = make().build()
        for number, panel in enumerate(dashboard.panels or (), start=1):
            panel.id_val = number
        text = JSONEncoder(indent=2, sort_keys=True).encode(dashboard)
        files[f"{dashboard.uid}.json"] = text + "\n"
    return files
