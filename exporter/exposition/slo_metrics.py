"""What each metric is: name, type, help, labels, and how it is read from an SLO's status."""

from __future__ import annotations

import math
from dataclasses import dataclass

from exporter.exposition.points import (
    STATE_LABELS,
    Read,
    alerts,
    budget,
    changes,
    gate,
    incident,
    info,
    one,
    postmortems,
    tier_points,
    windows,
)
from exporter.slo.policy_state import worsened_at


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family of the SLOs; `labels` are those beyond service, slo and group_by's."""

    name: str
    kind: str
    help: str
    read: Read
    labels: tuple[str, ...] = ()


FAMILIES = (
    Family(
        "slo_info",
        "gauge",
        "What an SLO is: its objective in percent, period, policy, and the labels of its owner.",
        info,
        ("objective", "period", "policy", "your own labels"),
    ),
    Family(
        "slo_objective_ratio",
        "gauge",
        "The share of events that must be good.",
        lambda status: one(status.slo.objective.ratio),
    ),
    Family(
        "slo_period_seconds",
        "gauge",
        "The length of the period that the objective holds for.",
        lambda status: one(status.period.length),
    ),
    Family(
        "slo_events_total",
        "counter",
        "Events counted since midnight UTC; starts again from zero every day.",
        lambda status: one(status.events_total),
    ),
    Family(
        "slo_bad_events_total",
        "counter",
        "Bad events counted since midnight UTC; starts again from zero every day.",
        lambda status: one(status.bad_events_total),
    ),
    Family(
        "slo_error_ratio",
        "gauge",
        "Bad events by all events in the window; 0 without traffic.",
        windows("error_ratio"),
        ("window",),
    ),
    Family(
        "slo_burn_rate",
        "gauge",
        "How fast the error budget is spent: 1 spends exactly the budget over the period.",
        windows("burn_rate"),
        ("window",),
    ),
    Family(
        "slo_error_budget_remaining_ratio",
        "gauge",
        "The share of the period's error budget that is left; below 0 when overspent.",
        budget("remaining"),
    ),
    Family(
        "slo_error_budget_remaining_raw_ratio",
        "gauge",
        "The same with the events of maintenance windows counted in.",
        lambda status: one(status.raw_budget.remaining if status.raw_budget else None),
    ),
    Family(
        "slo_error_budget_remaining_events",
        "gauge",
        "How many more bad events the period's traffic so far allows.",
        budget("remaining_events"),
    ),
    Family(
        "slo_error_budget_remaining_seconds",
        "gauge",
        "The error budget that is left, as seconds of full downtime.",
        budget("remaining_seconds"),
    ),
    Family(
        "slo_error_budget_exhaustion_seconds",
        "gauge",
        "Seconds until the budget is spent at the burn rate that holds now; "
        "0 once it is, no series if that rate does not spend it.",
        lambda status: one(
            None if status.exhaustion_seconds == math.inf else status.exhaustion_seconds
        ),
    ),
    Family(
        "slo_burn_rate_threshold",
        "gauge",
        "The burn rate above which the alert condition holds.",
        alerts(lambda alert: alert.threshold),
        ("severity", "long", "short"),
    ),
    Family(
        "slo_burn_rate_alert",
        "gauge",
        "1 while the burn rates of both windows are above the threshold, with enough events.",
        alerts(lambda alert: None if alert.firing is None else float(alert.firing)),
        ("severity", "long", "short"),
    ),
    Family(
        "slo_burn_rate_alert_held",
        "gauge",
        "1 while the burn rates are above the threshold but the long window holds too few events.",
        alerts(lambda alert: None if alert.firing is None else float(alert.held)),
        ("severity", "long", "short"),
    ),
    Family(
        "slo_policy_tier",
        "gauge",
        "1 for the tier of the error budget policy that the SLO is in, 0 for the others.",
        tier_points,
        ("tier",),
    ),
    Family(
        "slo_policy_gate_level",
        "gauge",
        "The gate of the tier, or while a page fires the policy's for that: "
        "0 allow, 1 caution, 2 block; absent without a tier.",
        gate,
    ),
    Family(
        "slo_policy_tier_since_timestamp_seconds",
        "gauge",
        "When the SLO entered the tier.",
        lambda status: one(status.tier_status.since if status.tier else None),
    ),
    Family(
        "slo_policy_tier_worsened_timestamp_seconds",
        "gauge",
        "When the SLO entered the tier from a better one; absent if it came from a worse one.",
        lambda status: one(worsened_at(status.slo.policy, status.tier_status.changes)),
    ),
    Family(
        "slo_policy_tier_changes_total",
        "counter",
        "Changes of the tier, of the last year.",
        changes,
    ),
    Family(
        "slo_policy_tier_recovery_timestamp_seconds",
        "gauge",
        "When the tier gets better if nothing more fails; absent in the best one.",
        lambda status: one(status.tier_status.recovery if status.tier else None),
    ),
    Family(
        "slo_incident_budget_share_ratio",
        "gauge",
        "The share of a period's error budget that the incident under way has taken; "
        "absent five minutes after its last bad slot.",
        incident,
    ),
    Family(
        "slo_postmortem_required",
        "gauge",
        "Incidents that took more of the budget than the policy lets pass and await a postmortem.",
        postmortems,
    ),
    Family(
        "slo_policy_override_until_timestamp_seconds",
        "gauge",
        "When the override ends by which deploys pass a gate that blocks; absent without one.",
        lambda status: one(status.override.until if status.override else None),
    ),
    Family(
        "slo_data_state",
        "gauge",
        "1 for the state that the SLO's data are in, 0 for the others.",
        lambda status: (
            (text, float(state is status.state)) for state, text in STATE_LABELS.items()
        ),
        ("state",),
    ),
    Family(
        "slo_maintenance_active",
        "gauge",
        "1 while a maintenance window of the SLO is on: its events count neither good nor bad.",
        lambda status: one(float(bool(status.maintenance))) if status.slo.maintenance else (),
    ),
    Family(
        "slo_data_coverage_ratio",
        "gauge",
        "The share of the period that is known.",
        lambda status: one(status.coverage),
    ),
    Family(
        "slo_last_slot_timestamp_seconds",
        "gauge",
        "The end of the newest slot that is known.",
        lambda status: one(status.last_slot),
    ),
    Family(
        "slo_data_lag_seconds",
        "gauge",
        "Seconds by which the SLO's data come late: windows end as much earlier, and so do alerts.",
        lambda status: one(float(status.lag)),
    ),
    Family(
        "slo_scrape_interval_seconds",
        "gauge",
        "The longest scrape interval of the SLO's series: the configured or the measured one.",
        lambda status: one(float(status.scrape_interval) or None),
    ),
)
