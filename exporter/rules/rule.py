"""What a rule is, and what the caller decides about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.rules import templates
from exporter.rules.joins import OfSlos
from exporter.rules.tool_labels import of_tool


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """What differs between two users of the rules.

    `runbooks` is the address at which docs/operating.md is kept, None for the daemon's own pages;
    `dashboard` that of a Grafana dashboard with the variables `service` and `slo`; `job` is the
    scrape job of the exporter.
    `aliases` are keys of `aliases.ALIASES`; `starter` adds the alert on a breach over 5 minutes.
    `page` is where people find the status page. `labels` are added to every alert. `namespace` is
    that of the PrometheusRule. `of_slos` is what is known of the SLOs.
    """

    runbooks: str | None = None
    dashboard: str | None = None
    job: str = "error-budget-exporter"
    aliases: tuple[str, ...] = ()
    starter: bool = False
    page: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str | None = None
    of_slos: OfSlos = field(default_factory=OfSlos)

    def runbook(self, alert: str) -> str:
        """Where the runbook of an alert is."""
        if self.runbooks is not None:
            return f"{self.runbooks}#{alert.lower()}"
        path = f"/runbooks/{alert}"
        if self.page is not None:
            return f"{self.page.rstrip('/')}{path}"
        return templates.of_daemon(path, self.job)

    def links(self) -> dict[str, str]:
        """The annotations of alerts on SLOs that lead elsewhere, but for the runbook."""
        found = {}
        if self.dashboard is not None:
            join = "&" if "?" in self.dashboard else "?"
            found["dashboard_url"] = (
                f"{self.dashboard}{join}var-service={{{{ $labels.service | urlquery }}}}"
                "&var-slo={{ $labels.slo | urlquery }}"
            )
        if self.page is not None:
            found["page_url"] = (
                f"{self.page.rstrip('/')}/?service={{{{ $labels.service | urlquery }}}}"
                "&q={{ $labels.slo | urlquery }}"
            )
        return found


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alerting rule; `wait` is its `for`, none if it fires at once.

    `of_slo` tells whether its alerts carry `service` and `slo`; `burns` whether they are burn-rate
    alerts of any SLO, whose own annotations are looked up. `labels` and `annotations` are its own.
    `runbook` is the heading of its runbook, if that is not its name. `of_burning` tells whether it
    is about burn rates, as all alerts of Sloth and Pyrra are, whose labels it then may have.
    `slo_labels` are those of its one SLO, None if it is about any: both tools' alerts carry them.
    """

    name: str
    expr: str
    severity: str
    summary: str
    description: str
    wait: str | None = None
    of_slo: bool = False
    burns: bool = False
    runbook: str | None = None
    of_burning: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    slo_labels: Mapping[str, str] | None = None

    def content(self, options: RuleOptions) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        links = {"runbook_url": options.runbook(self.runbook or self.name)}
        if self.of_slo:
            links |= options.links()
        if self.burns:
            for name in links.keys() & {"runbook_url", "dashboard_url"}:
                links[name] = templates.own(name, links[name])
        elif self.of_slo:
            names = ("runbook_url", "runbook")
            links["runbook_url"] = templates.from_label(names, links["runbook_url"])
        written = {"summary": self.summary, "description": self.description, **links}
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.wait} if self.wait else {}),
            "labels": self._labels(options),
            "annotations": {**written, **self.annotations},
        }

    def _labels(self, options: RuleOptions) -> dict[str, str]:
        labels = {**self.labels, "severity": self.severity}
        if self.of_burning and options.aliases:
            labels = of_tool(labels, self.slo_labels, options.aliases)
        return {**options.labels, **labels}


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
