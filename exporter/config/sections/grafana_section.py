"""The `grafana` section of the configuration file."""

from __future__ import annotations

from pydantic import Field

from exporter.config.types.connection_fields import Url
from exporter.config.types.section import Section


class GrafanaSection(Section):
    """Where the dashboards of `error-budget-exporter dashboards` are."""

    url: Url | None = Field(
        default=None,
        description="Grafana's address for browsers: the page of an SLO then links to its "
        "dashboard.",
        examples=["https://grafana.example.com"],
    )
