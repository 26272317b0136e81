"""Which series of SLOs are exposed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exporter.exposition.alert_metrics import ALERT_FAMILIES
from exporter.exposition.points import window_label
from exporter.exposition.slo_metrics import FAMILIES
from exporter.exposition.text import Points
from exporter.slo.snapshot import SloStatus

OPTIONAL: Final = frozenset(
    {
        "slo_burn_rate_alert_held",
        "slo_error_budget_remaining_raw_ratio",
        "slo_policy_tier_changes_total",
        "slo_scrape_interval_seconds",
    }
)
"""What neither the rules nor the dashboards that are shipped use: there only if asked for. Lag is
there in any case, as it says how much later alerts come."""

NAMES: Final = tuple(family.name for family in (*FAMILIES, *ALERT_FAMILIES))

WINDOWED: Final = frozenset(family.name for family in FAMILIES if "window" in family.labels)

PERIOD: Final = "period"
"""Stands for the window that is as long as the SLO's period, whatever that is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """`left_out` are names of families; `windows` those of error ratios and burn rates that are
    exposed, None for all."""

    left_out: frozenset[str] = frozenset()
    windows: frozenset[str] | None = None

    def points(self, name: str, status: SloStatus, points: Points) -> Points:
        """Those of a family's points that are exposed."""
        if self.windows is None or name not in WINDOWED:
            return points
        return self._of_windows(self.windows, status, points)

    def _of_windows(
        self, windows: frozenset[str], status: SloStatus, points: Points
    ) -> Iterator[tuple[str, float]]:
        shown = {window_label(window) for window in windows}
        if PERIOD in windows:
            shown.add(window_label(status.slo.period.label))
        return ((labels, value) for labels, value in points if labels in shown)


EVERYTHING = Selection()
USED = Selection(OPTIONAL)
"""The default: what the rules and the dashboards use."""
