"""The evaluation: from counts per window to what is shown. Pure: no I/O and no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.slo.budget import Budget, Window
from exporter.slo.durations import format_duration
from exporter.slo.exhaustion import Holding, SoFar, exhaustion, holding
from exporter.slo.forecast import Counts
from exporter.slo.incidents import of_period
from exporter.slo.model import Slo
from exporter.slo.period import PeriodBounds
from exporter.slo.plausible import impossible, in_words
from exporter.slo.policy import Tier
from exporter.slo.policy_state import PolicyState
from exporter.slo.snapshot import (
    Alert,
    DataState,
    ServiceTier,
    SloStatus,
    Snapshot,
    TierStatus,
)
from exporter.slo.types import HOUR, Floats
from exporter.slo.windows import (
    WINDOWS,
    BurnRateCondition,
    WindowSums,
    windows,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of one SLO (or one group of it) besides its counts.

    `answered` tells whether Prometheus has answered for it lately, `policy_state` how it stands
    in its policy, `waiting` whether its history is still being read, `recovery` when its tier gets
    better (Unix seconds), `lag` how many seconds its data are late, and
    `scrape_interval` how often its series are scraped, in seconds (0 if that is not known).
    `invalid` tells why no figure of it can be right; `slack` how many seconds of events its
    counters may be apart. `past` gives the oldest slots of its period, of so many seconds.
    """

    slo: Slo
    groups: Mapping[str, str]
    answered: bool
    problem: str | None
    last_slot: float | None
    events_total: float | None
    bad_events_total: float | None
    policy_state: PolicyState | None = None
    waiting: bool = False
    recovery: float | None = None
    lag: float = 0.0
    scrape_interval: float = 0.0
    invalid: str | None = None
    slack: float = 0.0
    past: Callable[[float], Counts] | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts per window length in seconds, an element per subject.

    `counted` leaves out what lies in maintenance windows, `everything` does not; it need only
    hold the newest minutes and the periods.
    """

    counted: Mapping[int, WindowSums]
    everything: Mapping[int, WindowSums]


_Lists = Mapping[int, tuple[list[float], list[float], list[float]]]


def evaluate(at: int, subjects: Sequence[Subject], sums: Sums) -> Snapshot:
    """Evaluate every SLO as of the slot boundary `at`.

    Args:
        at: Unix seconds.
        subjects: the SLOs.
        sums: in the same order; every window and period of the subjects is there.
    """
    counted, everything = _lists(sums.counted), _lists(sums.everything)
    spans = {subject.slo.period: subject.slo.period.span(at) for subject in subjects}
    kinds = {(subject.slo.period, subject.slo.alerting.windows) for subject in subjects}
    lengths = {kind: windows(kind[0], at, kind[1]) for kind in kinds}
    slack = np.array([subject.slack for subject in subjects])
    odd, apart = _odd(sums.counted, slack), _odd(sums.counted, 0 * slack)
    odd_at_all = odd if sums.everything is sums.counted else _odd(sums.everything, slack)
    statuses = []
    for i, subject in enumerate(subjects):
        slo = subject.slo
        budget = slo.objective.error_budget
        span = spans[slo.period]
        raw = _window(everything, span.elapsed, i, budget)
        if subject.groups and raw.known <= 0:
            continue  # the last that was known of this group has left the period
        found, cannot_be = {}, subject.invalid
        own = lengths[slo.period, slo.alerting.windows]
        # While the last hour cannot be, that counters are read apart explains nothing.
        recent = (length for _, length in own if length <= HOUR)
        wrong = apart if any(odd[length][i] for length in recent) else odd
        for name, length in own:
            if wrong[length][i]:
                bad, total, _ = counted[length]
                if odd[length][i]:
                    cannot_be = cannot_be or in_words(bad[i], total[i], name)
            elif length >= 2 * subject.scrape_interval or length == span.elapsed:
                found[name] = _window(counted, length, i, budget)
        state = _state(subject, _window(everything, WINDOWS[0], i, budget), cannot_be)
        if subject.invalid or odd[WINDOWS[0]][i]:
            found = {}  # what the newest minutes have too much is in all of them
        problem = cannot_be if state is DataState.INVALID else subject.problem
        raw_is_odd = bool(subject.invalid) or odd_at_all[span.elapsed][i]
        figures = _Figures(state, problem, found, raw, raw_is_odd=raw_is_odd)
        statuses.append(_status(subject, at, span, figures))
    shown = _without_stand_ins(statuses)
    return Snapshot(at=at, slos=tuple(shown), services=_services(shown))


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


def _lists(sums: Mapping[int, WindowSums]) -> _Lists:
    # Numpy's own scalars are slow to compute with one by one.
    return {
        length: (item.bad.tolist(), item.total.tolist(), item.known.tolist())
        for length, item in sums.items()
    }


def _window(lists: _Lists, length: int, i: int, error_budget: float) -> Window:
    bad, total, known = lists[length]
    return Window.of(bad[i], total[i], known[i], error_budget)


def _odd(sums: Mapping[int, WindowSums], slack: Floats) -> dict[int, list[bool]]:
    """Whose counts cannot be, per window."""
    return {
        length: impossible(item.bad, item.total, length, slack).tolist()
        for length, item in sums.items()
    }


@dataclass(frozen=True, slots=True)
class _Figures:
    """Windows that can be, by name; the period's everything, and whether that cannot be."""

    state: DataState
    problem: str | None
    found: Mapping[str, Window]
    raw: Window
    raw_is_odd: bool


def _status(subject: Subject, at: int, span: PeriodBounds, figures: _Figures) -> SloStatus:
    slo, raw, state = subject.slo, figures.raw, figures.state
    period = figures.found.get(slo.period.label)
    budget = tier = raw_budget = None
    if raw.known > 0:
        if period:
            budget = Budget.of(period.bad, period.total, slo.objective, span.length)
        if not figures.raw_is_odd:
            raw_budget = Budget.of(raw.bad, raw.total, slo.objective, span.length)
    shown = figures.found if subject.answered else {}
    policy_state = subject.policy_state or PolicyState()
    if budget or state is DataState.INVALID:
        tier = policy_state.tier(slo.policy)
    if budget and tier is None:
        tier = _tier(slo, budget, raw.known, shown)
    now, left = holding(shown, slo.period, span), None
    if period and budget and now is not None:
        left = _exhaustion(subject, span, period, budget.remaining, now)
    incidents = of_period(policy_state.incidents, span.start)
    oldest = min([span.start, *(incident.start for incident in incidents)])
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
        alerts=tuple(
            _alert(condition, slo, span.length, shown) for condition in slo.conditions(span.length)
        ),
        tier=tier,
        maintenance=tuple(window.reason for window in slo.maintenance if window.active(at)),
        last_slot=subject.last_slot,
        lag=subject.lag,
        scrape_interval=subject.scrape_interval,
        events_total=None if subject.invalid else subject.events_total,
        bad_events_total=None if subject.invalid else subject.bad_events_total,
        tier_status=_tier_status(subject, policy_state, figures),
        incidents=incidents,
        firings=tuple(
            firing for firing in policy_state.firings if firing.open or firing.end > oldest
        ),
    )


def _exhaustion(
    subject: Subject, span: PeriodBounds, window: Window, remaining: float, now: Holding
) -> float:
    slo = subject.slo
    budget = slo.objective.error_budget
    return exhaustion(SoFar(window, remaining, budget, slo.period, span, subject.past), now)


def _tier_status(subject: Subject, policy_state: PolicyState, figures: _Figures) -> TierStatus:
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


def _state(subject: Subject, newest: Window, cannot_be: str | None) -> DataState:
    if not subject.answered:
        return DataState.STALE
    if cannot_be:
        return DataState.INVALID
    if newest.known <= 0:
        return DataState.NO_DATA
    return DataState.OK if newest.total > 0 else DataState.NO_TRAFFIC


def _alert(
    condition: BurnRateCondition, slo: Slo, period: int, shown: Mapping[str, Window]
) -> Alert:
    threshold = condition.threshold(period)
    long, short = (
        shown.get(format_duration(length)) for length in (condition.long, condition.short)
    )
    if long is None or short is None or long.burn_rate is None or short.burn_rate is None:
        return Alert(condition, threshold, firing=None, held=False)
    above = long.burn_rate > threshold and short.burn_rate > threshold
    least = slo.low_traffic
    enough = long.total >= least.min_events and long.bad >= least.min_bad_events
    return Alert(condition, threshold, firing=above and enough, held=above and not enough)


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
