"""What a configuration file means, once it has been read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from exporter.collection.settings import ChangesQuery, EvaluationSettings
from exporter.config.reading.masking import masked
from exporter.config.reading.source import FileText
from exporter.config.types.times import utc_text
from exporter.exposition.selection import USED, Selection
from exporter.prometheus.settings import PrometheusSettings
from exporter.reports.templates import TemplateText
from exporter.slo.maintenance import MaintenanceWindow
from exporter.slo.model import DEFAULT_DATASOURCE, Slo
from exporter.slo.overrides import OverrideLimits
from exporter.slo.sharding import Shard, placed
from exporter.store.settings import Place


@dataclass(frozen=True, slots=True)
class PlacedWindow:
    """A maintenance window and where it is written: `config.yaml:40: maintenance[0]`."""

    place: str
    window: MaintenanceWindow


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration: where Prometheus is, when to ask it, and the SLOs.

    `datasources` are those that SLOs name, in the order of the file. The SLOs hold the
    maintenance windows that reach them; `maintenance` lists all windows. `storage` is where
    the store is, None to hold the ledger in memory alone. `overrides` are their limits.
    `metrics` says which series are exposed. `grafana` is where browsers find it, None where there
    is none. `change_query` tells changes of services. `templates` are those of reports that replace
    ours. `files` are the texts that it was read from, secrets included, the main one first;
    other tools' specs as they were understood, written when asked for.
    `notices` are lines about what of those has no counterpart here. `elsewhere` are the services of
    other shards, and the numbers of these.
    """

    slos: tuple[Slo, ...]
    datasources: Mapping[str, PrometheusSettings] = field(
        default_factory=lambda: {DEFAULT_DATASOURCE: PrometheusSettings()}
    )
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    maintenance: tuple[PlacedWindow, ...] = ()
    storage: Place | None = None
    overrides: OverrideLimits = field(default_factory=OverrideLimits)
    grafana: str | None = None
    metrics: Selection = USED
    change_query: ChangesQuery | None = None
    templates: Mapping[str, TemplateText] = field(default_factory=dict)
    files: tuple[tuple[Path, FileText], ...] = field(default=(), repr=False, compare=False)
    notices: tuple[str, ...] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)

    def of_shard(self, shard: Shard) -> Settings:
        """What one shard has to do: its SLOs alone, and their datasources."""
        if shard.total == 1:
            return self
        together = ((slo.service, part.slo.service) for slo in self.slos for part in slo.parts)
        homes = placed({slo.service for slo in self.slos}, shard.total, together)
        slos = tuple(slo for slo in self.slos if homes[slo.service] == shard.number)
        used = {slo.datasource for slo in slos}
        return replace(
            self,
            slos=slos,
            datasources={name: each for name, each in self.datasources.items() if name in used},
            elsewhere={name: home for name, home in homes.items() if home != shard.number},
        )

    @property
    def masked(self) -> str:
        """The files as YAML that may be shown: without secrets and comments."""
        return masked(self.files)

    def changes(self, before: Settings) -> dict[str, str]:
        """Which sections are others than before, but for the SLOs and what is in them."""
        names = (
            *("datasources", "evaluation", "overrides", "grafana", "metrics", "change_query"),
            "templates",
        )
        changed = [name for name in names if getattr(self, name) != getattr(before, name)]
        return {"settings": ", ".join(changed)} if changed else {}

    def ended_windows(self, now: float) -> tuple[str, ...]:
        """The maintenance windows whose last end is past, a line each; `now` in Unix seconds."""
        return tuple(
            f"{placed.place} ({placed.window.reason}) ended on {utc_text(placed.window.last_end)}"
            for placed in self.maintenance
            if placed.window.last_end is not None and placed.window.last_end <= now
        )
