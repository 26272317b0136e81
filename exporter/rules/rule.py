"""What a rule is, and what the caller decides about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """What differs between two users of the rules.

    `runbooks` is the address at which docs/operating.md is kept, `dashboard` that of a Grafana
    dashboard with the variables `service` and `slo`; `job` is the scrape job of the exporter.
    `aliases` are keys of `aliases.ALIASES`; `starter` adds the alert on a breach over 5 minutes.
    `page` is where people find the status page. `labels` are added to every alert. `namespace` is
    that of the PrometheusRule.
    """

    runbooks: str = "https://runbooks.example.com/error-budget-exporter/operating.md"
    dashboard: str | None = None
    job: str = "error-budget-exporter"
    aliases: tuple[str, ...] = ()
    starter: bool = False
    page: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alerting rule; `wait` is its `for`, none if it fires at once."""

    name: str
    expr: str
    severity: str
    summary: str
    description: str
    wait: str | None = None
    of_slo: bool = False
    """Whether its alerts carry `service` and `slo`, so that a dashboard can show them."""

    def content(self, options: RuleOptions) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        annotations = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{options.runbooks}#{self.name.lower()}",
        }
        if self.of_slo and options.dashboard is not None:
            join = "&" if "?" in options.dashboard else "?"
            annotations["dashboard_url"] = (
                f"{options.dashboard}{join}var-service={{{{ $labels.service | urlquery }}}}"
                "&var-slo={{ $labels.slo | urlquery }}"
            )
        if self.of_slo and options.page is not None:
            annotations["page_url"] = (
                f"{options.page.rstrip('/')}/?service={{{{ $labels.service | urlquery }}}}"
                "&q={{ $labels.slo | urlquery }}"
            )
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.wait} if self.wait else {}),
            "labels": {**options.labels, "severity": self.severity},
            "annotations": annotations,
        }


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A recording rule."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def content(self, options: RuleOptions) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {"record": self.name, "expr": self.expr, **labels}
