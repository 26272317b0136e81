"""The status of one SLO, from its figures."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.slo.budget import Budget, Window
from exporter.slo.durations import format_duration
from exporter.slo.incidents import of_period
from exporter.slo.model import Slo
from exporter.slo.policy import Tier
from exporter.slo.policy_state import PolicyState
from exporter.slo.possible_figures import Figures
from exporter.slo.snapshot import DataState, SloStatus, TierStatus
from exporter.slo.standing import Standing
from exporter.slo.subject import Subject


def status_of(figures: Figures, at: int, left: float | None, standing: Standing) -> SloStatus:
    """Its status as of `at` (Unix seconds); `left` are the seconds until its budget is spent."""
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
        tier = tier_of(slo, budget, raw.known, shown)
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
        maintenance=maintenance_of(slo, at),
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


def maintenance_of(slo: Slo, at: int) -> tuple[str, ...]:
    """The reasons of its maintenance windows that are on at a moment (Unix seconds)."""
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


def tier_of(slo: Slo, budget: Budget, coverage: float, shown: Mapping[str, Window]) -> Tier:
    """The tier of an SLO that has had none yet, by its figures alone."""
    if coverage < slo.policy.min_coverage:
        return slo.policy.tiers[0]
    names = {seconds: format_duration(seconds) for seconds in slo.policy.burn_windows}
    rates = {seconds: shown[name].burn_rate for seconds, name in names.items() if name in shown}
    return slo.policy.tier(budget.remaining, rates)
