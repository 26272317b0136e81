"""The evaluation: from counts per window to what is shown. Pure: no I/O and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.slo.budget import Budget, Window
from exporter.slo.columns import columns
from exporter.slo.durations import format_duration
from exporter.slo.exhaustion import Holding, SoFar, exhaustion, holding
from exporter.slo.incidents import of_period
from exporter.slo.leaving import Past
from exporter.slo.model import Slo
from exporter.slo.policy import Tier
from exporter.slo.policy_state import PolicyState
from exporter.slo.possible_figures import Figures, Kind, figures_of
from exporter.slo.snapshot import (
    DataState,
    ServiceTier,
    SloStatus,
    Snapshot,
    TierStatus,
)
from exporter.slo.standing import Standing
from exporter.slo.subject import Subject
from exporter.slo.windows import WindowSums


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts per window length in seconds, an element per subject.

    `counted` leaves out what lies in maintenance windows, `everything` does not; it need only
    hold the newest minutes and the periods.
    """

    counted: Mapping[int, WindowSums]
    everything: Mapping[int, WindowSums]


def evaluate(
    at: int, subjects: Sequence[Subject], sums: Sums, past: Past | None = None
) -> Snapshot:
    """Evaluate every SLO as of the slot boundary `at`.

    Args:
        at: Unix seconds.
        subjects: the SLOs.
        sums: in the same order; every window and period of the subjects is there.
        past: the slots of their periods, by their place.
    """
    budgets = np.array([subject.slo.objective.error_budget for subject in subjects])
    slack = np.array([subject.slack for subject in subjects])
    counted = columns(sums.counted, budgets, slack)
    everything = counted
    if sums.everything is not sums.counted:
        everything = columns(sums.everything, budgets, slack)
    kinds: dict[object, Kind] = {}
    found = []
    for i, subject in enumerate(subjects):
        key = subject.slo.period, subject.slo.alerting.windows, subject.scrape_interval
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = Kind.of(at, subject, counted)
        raw = everything.windows[kind.span.elapsed][i]
        if subject.groups and raw.known <= 0:
            continue  # the last that was known of this group has left the period
        found.append(figures_of(subject, i, kind, counted, everything))
    left = _exhaustion(found, past)
    standing = Standing()
    statuses = [_status(figures, at, left.get(figures.place), standing) for figures in found]
    shown = _without_stand_ins(statuses)
    return Snapshot(at=at, slos=tuple(shown), services=_services(shown))


def _exhaustion(found: Sequence[Figures], past: Past | None) -> dict[int, float]:
    """Seconds until each budget is spent, by the subject's place; nothing where it is not known."""
    so_far: list[SoFar] = []
    rates: list[Holding] = []
    for figures in found:
        slo, budget, window = figures.subject.slo, figures.budget, figures.period
        now = holding(figures.shown, slo.period, figures.span)
        if budget and window and now is not None:
            rates.append(now)
            so_far.append(
                SoFar(
                    window,
                    budget.remaining,
                    slo.objective.error_budget,
                    slo.period,
                    figures.span,
                    figures.place,
                )
            )
    left = exhaustion(so_far, rates, past)
    return {each.place: seconds for each, seconds in zip(so_far, left, strict=True)}


def _without_stand_ins(statuses: Sequence[SloStatus]) -> list[SloStatus]:
    """Leave out what stands for an SLO with `group_by` as long as it has no group."""
    grouped = {(status.slo.service, status.slo.name) for status in statuses if status.groups}
    return [
        status
        for status in statuses
        if status.groups
        or not status.slo.group_by
        or (status.slo.service, status.slo.name) not in grouped
    ]


def _status(figures: Figures, at: int, left: float | None, standing: Standing) -> SloStatus:
    subject, span = figures.subject, figures.span
    slo, raw, state, budget = subject.slo, figures.raw, figures.state, figures.budget
    tier = raw_budget = None
    if raw.known > 0 and not figures.raw_is_odd:
        raw_budget = budget
        if raw is not figures.period:
            raw_budget = Budget.of(raw.bad, raw.total, slo.objective, span.length)
    shown = figures.shown
    policy_state = subject.policy_state or PolicyState()
    if budget or state is DataState.INVALID:
        tier = policy_state.tier(slo.policy)
    if budget and tier is None:
        tier = _tier(slo, budget, raw.known, shown)
    incidents = of_period(policy_state.incidents, span.start)
    oldest = min((incident.start for incident in incidents), default=span.start)
    oldest = min(span.start, oldest)
    return SloStatus(
        slo=slo,
        groups=subject.groups,
        state=state,
        problem=figures.problem,
        coverage=raw.known,
        period=span,
        windows=shown,
        budget=budget,
        raw_budget=raw_budget,
        exhaustion_seconds=left,
        alerts=standing.alerts(slo, span.length, shown),
        tier=tier,
        maintenance=_maintenance(slo, at),
        last_slot=subject.last_slot,
        lag=subject.lag,
        scrape_interval=subject.scrape_interval,
        events_total=None if subject.invalid else subject.events_total,
        bad_events_total=None if subject.invalid else subject.bad_events_total,
        tier_status=_tier_status(subject, policy_state, figures),
        incidents=incidents,
        firings=tuple(
            [firing for firing in policy_state.firings if firing.open or firing.end > oldest]
        ),
    )


def _maintenance(slo: Slo, at: int) -> tuple[str, ...]:
    if not slo.maintenance:
        return ()
    return tuple(window.reason for window in slo.maintenance if window.active(at))


def _tier_status(subject: Subject, policy_state: PolicyState, figures: Figures) -> TierStatus:
    policy, state, coverage = subject.slo.policy, figures.state, figures.raw.known
    if state is DataState.STALE:
        held: str | None = "Prometheus does not answer"
    elif state is DataState.INVALID:
        held = "its figures cannot be right"
    elif subject.waiting:
        held = "its history is being read"
    elif state is DataState.NO_DATA:
        held = "Prometheus has no data of it"
    else:
        held = policy.too_little(coverage)
    known = policy_state.tier(policy) is not None
    return TierStatus(
        since=policy_state.changes[-1].at if known else None,
        held=held,
        changes=policy_state.changes,
        recovery=None if held else subject.recovery,
    )


def _tier(slo: Slo, budget: Budget, coverage: float, shown: Mapping[str, Window]) -> Tier:
    if coverage < slo.policy.min_coverage:
        return slo.policy.tiers[0]
    names = {seconds: format_duration(seconds) for seconds in slo.policy.burn_windows}
    rates = {seconds: shown[name].burn_rate for seconds, name in names.items() if name in shown}
    return slo.policy.tier(budget.remaining, rates)


def _services(statuses: Sequence[SloStatus]) -> tuple[ServiceTier, ...]:
    worst: dict[str, tuple[tuple[int, int], ServiceTier]] = {}
    for status in statuses:
        if status.tier is None:
            continue
        slo = status.slo
        badness = slo.policy.badness(status.tier)
        if slo.service not in worst or badness > worst[slo.service][0]:
            worst[slo.service] = badness, ServiceTier(slo.service, slo.policy, status.tier)
    return tuple(service for _, service in worst.values())
