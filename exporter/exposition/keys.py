"""What the points of metrics depend on that mostly stay as they are: see `page_cache`.

A key gives everything that an SLO's points depend on besides its labels. While it is equal, the
lines are not written again. Metrics that are not here change all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from exporter.exposition.alert_metrics import ALERT_FAMILIES, fires
from exporter.exposition.slo_metrics import FAMILIES
from exporter.slo.snapshot import SloStatus

Key = Callable[[SloStatus], object]


def _alert_burn_rates(status: SloStatus) -> object:
    # A rate that fires is another every time.
    return object() if fires(status) else (status.slo, status.alerts)


_FEW_VALUES = (
    "slo_policy_tier_since_timestamp_seconds",
    "slo_policy_tier_worsened_timestamp_seconds",
    "slo_policy_tier_changes_total",
    "slo_policy_tier_recovery_timestamp_seconds",
    "slo_incident_budget_share_ratio",
    "slo_postmortem_required",
    "slo_policy_override_until_timestamp_seconds",
    "slo_maintenance_active",
    "slo_data_coverage_ratio",
    "slo_data_lag_seconds",
    "slo_scrape_interval_seconds",
)
"""Metrics with one point at the most: the key is that."""

KEYS: Final[Mapping[str, Key]] = {
    "slo_info": lambda status: status.slo,
    "slo_objective_ratio": lambda status: status.slo,
    "slo_period_seconds": lambda status: status.period.length,
    "slo_burn_rate_threshold": lambda status: status.alerts,
    "slo_burn_rate_alert": lambda status: status.alerts,
    "slo_burn_rate_alert_held": lambda status: status.alerts,
    "slo_policy_tier": lambda status: (status.slo, status.tier),
    "slo_policy_gate_level": lambda status: (status.slo, status.tier, status.alerts),
    "slo_data_state": lambda status: status.state,
    "slo_alert_burn_rate": _alert_burn_rates,
    **{each.name: each.read for each in (*FAMILIES, *ALERT_FAMILIES) if each.name in _FEW_VALUES},
}
