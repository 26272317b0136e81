"""What each metric is: name, type, help, labels, and how it is read from an SLO's status."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from exporter.exposition.text import Points, label
from exporter.slo.durations import format_duration
from exporter.slo.incidents import awaited
from exporter.slo.policy_state import worsened_at
from exporter.slo.snapshot import Alert, DataState, ServiceTier, SloStatus
from exporter.slo.windows import BurnRateCondition

Read = Callable[[SloStatus], Points]
"""Gives a status's points: the text of the labels beyond the SLO's own, and the value."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family of the SLOs; `labels` are those beyond service, slo and group_by's."""

    name: str
    kind: str
    help: str
    read: Read
    labels: tuple[str, ...] = ()


_window_label = cache(lambda name: label("window", name))


@cache
def _condition_label(condition: BurnRateCondition) -> str:
    long, short = format_duration(condition.long), format_duration(condition.short)
    severity = label("severity", condition.severity)
    return ",".join((severity, label("long", long), label("short", short)))


_STATE_LABELS = {state: label("state", state) for state in DataState}
_tier_label = cache(lambda name: label("tier", name))


def _one(value: float | None) -> Points:
    return () if value is None else (("", value),)


def _info(status: SloStatus) -> Points:
    slo = status.slo
    own = {
        "objective": f"{slo.objective.ratio * 100:.12g}",
        "period": slo.period.label,
        "policy": slo.policy.name,
        **slo.labels,
    }
    return ((",".join(label(name, value) for name, value in own.items()), 1.0),)


def _windows(name: str) -> Read:
    def read(status: SloStatus) -> Iterator[tuple[str, float]]:
        for window, figures in status.windows.items():
            value = getattr(figures, name)
            if value is not None:
                yield _window_label(window), value

    return read


def _budget(name: str) -> Read:
    return lambda status: _one(None if status.budget is None else getattr(status.budget, name))


def _alerts(value: Callable[[Alert], float | None]) -> Read:
    def read(status: SloStatus) -> Iterator[tuple[str, float]]:
        for alert in status.alerts:
            of = value(alert)
            if of is not None:
                yield _condition_label(alert.condition), of

    return read


def _postmortems(status: SloStatus) -> Points:
    count = sum(awaited(incident) for incident in status.incidents)
    return _one(float(count) if count or status.tier else None)


def _incident(status: SloStatus) -> Points:
    under_way = status.incidents[-1:]
    return _one(under_way[0].share if under_way and under_way[0].open else None)


def _changes(status: SloStatus) -> Points:
    if status.tier is None:
        return ()
    return _one(float(sum(change.before is not None for change in status.tier_status.changes)))


def tier_points(of: SloStatus | ServiceTier) -> Iterator[tuple[str, float]]:
    """1 for the tier that is in force, 0 for the policy's others."""
    if of.tier is None:
        return
    policy = of.slo.policy if isinstance(of, SloStatus) else of.policy
    for tier in policy.tiers:
        yield _tier_label(tier.name), float(tier is of.tier)


FAMILIES = (
    Family(
        "slo_info",
        "gauge",
        "What an SLO is: its objective in percent, period, policy, and the labels of its owner.",
        _info,
        ("objective", "period", "policy", "your own labels"),
    ),
    Family(
        "slo_objective_ratio",
        "gauge",
        "The share of events that must be good.",
        lambda status: _one(status.slo.objective.ratio),
    ),
    Family(
        "slo_period_seconds",
        "gauge",
        "The length of the period that the objective holds for.",
        lambda status: _one(status.period.length),
    ),
    Family(
        "slo_events_total",
        "counter",
        "Events counted since midnight UTC; starts again from zero every day.",
        lambda status: _one(status.events_total),
    ),
    Family(
        "slo_bad_events_total",
        "counter",
        "Bad events counted since midnight UTC; starts again from zero every day.",
        lambda status: _one(status.bad_events_total),
    ),
    Family(
        "slo_error_ratio",
        "gauge",
        "Bad events by all events in the window; 0 without traffic.",
        _windows("error_ratio"),
        ("window",),
    ),
    Family(
        "slo_burn_rate",
        "gauge",
        "How fast the error budget is spent: 1 spends exactly the budget over the period.",
        _windows("burn_rate"),
        ("window",),
    ),
    Family(
        "slo_error_budget_remaining_ratio",
        "gauge",
        "The share of the period's error budget that is left; below 0 when overspent.",
        _budget("remaining"),
    ),
    Family(
        "slo_error_budget_remaining_raw_ratio",
        "gauge",
        "The same with the events of maintenance windows counted in.",
        lambda status: _one(status.raw_budget.remaining if status.raw_budget else None),
    ),
    Family(
        "slo_error_budget_remaining_events",
        "gauge",
        "How many more bad events the period's traffic so far allows.",
        _budget("remaining_events"),
    ),
    Family(
        "slo_error_budget_remaining_seconds",
        "gauge",
        "The error budget that is left, as seconds of full downtime.",
        _budget("remaining_seconds"),
    ),
    Family(
        "slo_error_budget_exhaustion_seconds",
        "gauge",
        "Seconds until the budget is spent at the burn rate that holds now; "
        "0 once it is, no series if that rate does not spend it.",
        lambda status: _one(
            None if status.exhaustion_seconds == math.inf else status.exhaustion_seconds
        ),
    ),
    Family(
        "slo_burn_rate_threshold",
        "gauge",
        "The burn rate above which the alert condition holds.",
        _alerts(lambda alert: alert.threshold),
        ("severity", "long", "short"),
    ),
    Family(
        "slo_burn_rate_alert",
        "gauge",
        "1 while the burn rates of both windows are above the threshold, with enough events.",
        _alerts(lambda alert: None if alert.firing is None else float(alert.firing)),
        ("severity", "long", "short"),
    ),
    Family(
        "slo_burn_rate_alert_held",
        "gauge",
        "1 while the burn rates are above the threshold but the long window holds too few events.",
        _alerts(lambda alert: None if alert.firing is None else float(alert.held)),
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
        "slo_policy_tier_since_timestamp_seconds",
        "gauge",
        "When the SLO entered the tier.",
        lambda status: _one(status.tier_status.since if status.tier else None),
    ),
    Family(
        "slo_policy_tier_worsened_timestamp_seconds",
        "gauge",
        "When the SLO entered the tier from a better one; absent if it came from a worse one.",
        lambda status: _one(worsened_at(status.slo.policy, status.tier_status.changes)),
    ),
    Family(
        "slo_policy_tier_changes_total",
        "counter",
        "Changes of the tier, of the last year.",
        _changes,
    ),
    Family(
        "slo_policy_tier_recovery_timestamp_seconds",
        "gauge",
        "When the tier gets better if nothing more fails; absent in the best one.",
        lambda status: _one(status.tier_status.recovery if status.tier else None),
    ),
    Family(
        "slo_incident_budget_share_ratio",
        "gauge",
        "The share of a period's error budget that the incident under way has taken.",
        _incident,
    ),
    Family(
        "slo_postmortem_required",
        "gauge",
        "Incidents that took more of the budget than the policy lets pass and await a postmortem.",
        _postmortems,
    ),
    Family(
        "slo_policy_override_until_timestamp_seconds",
        "gauge",
        "When the override ends by which deploys pass a gate that blocks; absent without one.",
        lambda status: _one(status.override.until if status.override else None),
    ),
    Family(
        "slo_data_state",
        "gauge",
        "1 for the state that the SLO's data are in, 0 for the others.",
        lambda status: (
            (text, float(state is status.state)) for state, text in _STATE_LABELS.items()
        ),
        ("state",),
    ),
    Family(
        "slo_maintenance_active",
        "gauge",
        "1 while a maintenance window of the SLO is on: its events count neither good nor bad.",
        lambda status: _one(float(bool(status.maintenance))) if status.slo.maintenance else (),
    ),
    Family(
        "slo_data_coverage_ratio",
        "gauge",
        "The share of the period that is known.",
        lambda status: _one(status.coverage),
    ),
    Family(
        "slo_last_slot_timestamp_seconds",
        "gauge",
        "The end of the newest slot that is known.",
        lambda status: _one(status.last_slot),
    ),
    Family(
        "slo_data_lag_seconds",
        "gauge",
        "Seconds by which the SLO's data come late: windows end as much earlier, and so do alerts.",
        lambda status: _one(float(status.lag)),
    ),
    Family(
        "slo_scrape_interval_seconds",
        "gauge",
        "The longest scrape interval of the SLO's series: the configured or the measured one.",
        lambda status: _one(float(status.scrape_interval) or None),
    ),
)
