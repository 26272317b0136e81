"""What the points of metrics depend on that mostly stay as they are: see `page_cache`.

A key gives everything that an SLO's points depend on besides its labels. While it is equal, the
lines are not written again. Metrics that are not here change all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from exporter.exposition.alert_metrics import ALERT_FAMILIES, fires
from exporter.exposition.slo_metrics import FAMILIES
from exporter.slo.snapshot import SloStatus
from exporter.slo.statuses import StatusColumns, Statuses

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
    "slo_alert_annotations": lambda status: (status.slo, status.alerts),
    **{each.name: each.read for each in (*FAMILIES, *ALERT_FAMILIES) if each.name in _FEW_VALUES},
}


def firing_places(statuses: Sequence[SloStatus]) -> list[int]:
    """Where any condition fires."""
    if not isinstance(statuses, Statuses):
        return [i for i, status in enumerate(statuses) if fires(status)]
    columns = statuses.columns
    known: dict[int, bool] = {}
    found = []
    for i, alerts in enumerate(columns.alerts):
        # Most stand as others do, which is the same object.
        firing = known.get(id(alerts))
        if firing is None:
            firing = known[id(alerts)] = any(alert.firing for alert in alerts)
        if i in columns.apart:
            firing = fires(statuses[i])
        if firing:
            found.append(i)
    return found


_COLUMNS: Final[Mapping[str, Callable[[StatusColumns], Sequence[object]]]] = {
    "slo_info": lambda columns: columns.slos,
    "slo_objective_ratio": lambda columns: columns.slos,
    "slo_burn_rate_threshold": lambda columns: columns.alerts,
    "slo_burn_rate_alert": lambda columns: columns.alerts,
    "slo_burn_rate_alert_held": lambda columns: columns.alerts,
    "slo_policy_tier": lambda columns: [*zip(columns.slos, columns.tiers, strict=True)],
    "slo_policy_gate_level": lambda columns: [
        *zip(columns.slos, columns.tiers, columns.alerts, strict=True)
    ],
    "slo_policy_override_until_timestamp_seconds": lambda columns: [None] * len(columns.slos),
    "slo_data_state": lambda columns: columns.states,
    "slo_maintenance_active": lambda columns: [bool(each) for each in columns.maintenance],
    "slo_alert_burn_rate": lambda columns: [*zip(columns.slos, columns.alerts, strict=True)],
    "slo_alert_annotations": lambda columns: [*zip(columns.slos, columns.alerts, strict=True)],
}


def keys_of(name: str, statuses: Statuses) -> list[object] | None:
    """The keys of a metric, from the columns where these tell them; None as in `KEYS`."""
    columns, key = statuses.columns, KEYS.get(name)
    if key is None:
        return None
    if name not in _COLUMNS:
        return [key(status) for status in statuses]
    keys = list(_COLUMNS[name](columns))
    own = set(columns.apart)
    if name == "slo_alert_burn_rate":
        own.update(firing_places(statuses))
    for place in own:
        keys[place] = key(statuses[place])
    return keys
