"""What is alerted on for an SLO, and what its alerts are called and carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.slo.windows import CONDITIONS, WINDOWS, BurnRateCondition

SEVERITIES = ("page", "ticket")
"""From worst to least."""

LABELS_SHOWN = ("owner",)
"""Labels of an SLO that its alerts carry as labels."""

LABELS_AS_ANNOTATIONS = {
    "runbook": "runbook_url",
    "runbook_url": "runbook_url",
    "dashboard": "dashboard_url",
    "dashboard_url": "dashboard_url",
}
"""Labels of an SLO that its alerts carry as annotations: the label, and the annotation."""


@dataclass(frozen=True, slots=True)
class SeverityAlerts:
    """The alerts of one severity: whether there are any, and the user's labels and annotations."""

    disabled: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alerting:
    """How an SLO alerts.

    - `name`: what its alerts are called; None for the name that all have.
    - `conditions`: those written, of both severities.
    - `enabled`: those of severities that are not disabled. No others fire anywhere.
    - `windows`: the lengths that burn rates are computed over, in seconds, ascending: the usual
      ones, and those of the conditions. The period comes on top.
    """

    name: str | None = None
    page: SeverityAlerts = SeverityAlerts()
    ticket: SeverityAlerts = SeverityAlerts()
    conditions: tuple[BurnRateCondition, ...] = CONDITIONS
    enabled: tuple[BurnRateCondition, ...] = field(init=False, compare=False, repr=False)
    windows: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Work out once what every evaluation asks for."""
        enabled = tuple(each for each in self.conditions if not self.of(each.severity).disabled)
        own = {length for each in self.conditions for length in (each.long, each.short)}
        object.__setattr__(self, "enabled", enabled)
        object.__setattr__(self, "windows", tuple(sorted(own.union(WINDOWS))))

    def of(self, severity: str) -> SeverityAlerts:
        """The alerts of a severity, `page` or `ticket`."""
        return self.page if severity == "page" else self.ticket


DEFAULT_ALERTING = Alerting()
