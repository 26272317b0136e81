"""Burn-rate alerts one by one: for those who want an alert of its own name for each SLO."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.rules.rule import AlertRule
from exporter.rules.slo_alerts import BURNS, burn_alert_name
from exporter.rules.templates import FIGURES
from exporter.rules.tool_labels import usual_name


@dataclass(frozen=True, slots=True)
class SloAlert:
    """What the configuration says of an SLO's alerts of one severity; `name` None for the usual."""

    service: str
    slo: str
    severity: str
    name: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    slo_labels: Mapping[str, str]

    def rule(self, aliases: Sequence[str]) -> AlertRule:
        """The rule, whose series are those of this SLO."""
        selector = ", ".join(
            f"{name}={_quoted(value)}"
            for name, value in (
                ("service", self.service),
                ("slo", self.slo),
                ("severity", self.severity),
            )
        )
        usual = burn_alert_name(self.severity)
        return AlertRule(
            name=self.name or usual_name(aliases) or usual,
            expr=f"max without (instance, pod, alert_name) (slo_alert_burn_rate{{{selector}}}) > 0",
            severity=self.severity,
            summary=BURNS,
            description=FIGURES,
            of_slo=True,
            runbook=usual,
            of_burning=True,
            labels=self.labels,
            annotations=self.annotations,
            slo_labels=self.slo_labels,
        )


def by_service(
    alerts: Iterable[SloAlert], aliases: Sequence[str] = ()
) -> dict[str, list[AlertRule]]:
    """The rules of every service: each service has a group, which is evaluated by itself."""
    found: dict[str, list[AlertRule]] = {}
    for alert in alerts:
        found.setdefault(alert.service, []).append(alert.rule(aliases))
    return found


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'
