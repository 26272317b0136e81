"""The evaluation: from counts per window to what is shown. Pure: no I/O and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.slo.budget import Budget, Window, exhaustion
from exporter.slo.model import Slo
from exporter.slo.snapshot import Alert, DataState, ServiceTier, SloStatus, Snapshot
from exporter.slo.windows import HOUR, WINDOWS, Rung, WindowSums, rungs, windows


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of one SLO (or one group of it) besides its counts.

    `answered` tells whether Prometheus has answered for it lately.
    """

    slo: Slo
    groups: Mapping[str, str]
    answered: bool
    problem: str | None
    last_slot: float | None
    events_total: float
    bad_events_total: float


def evaluate(at: int, subjects: Sequence[Subject], sums: Mapping[int, WindowSums]) -> Snapshot:
    """Evaluate every SLO as of the slot boundary `at`.

    Args:
        at: Unix seconds.
        subjects: the SLOs.
        sums: per window length in seconds, an element per subject in the same order; every
            window and period of the subjects is there.
    """
    # Numpy's own scalars are slow to compute with one by one.
    lists = {
        length: (of.bad.tolist(), of.total.tolist(), of.known.tolist())
        for length, of in sums.items()
    }
    statuses = []
    for i, subject in enumerate(subjects):
        slo = subject.slo
        budget = slo.objective.error_budget
        found = {}
        for length in windows(slo.period):
            bad, total, known = lists[length]
            found[length] = Window.of(bad[i], total[i], known[i], budget)
        if subject.groups and found[slo.period].known <= 0:
            continue  # the last that was known of this group has left the period
        statuses.append(_status(subject, found))
    return Snapshot(at=at, slos=tuple(statuses), services=_services(statuses))


def _status(subject: Subject, found: Mapping[int, Window]) -> SloStatus:
    slo = subject.slo
    period = found[slo.period]
    budget = tier = None
    if period.known > 0:
        budget = Budget.of(period.bad, period.total, slo.objective, slo.period)
        tier = slo.policy.tier(budget.remaining)
    shown = found if subject.answered else {}
    hour = shown.get(min(HOUR, slo.period))
    left = None
    if budget and hour and hour.burn_rate is not None:
        left = exhaustion(budget.remaining, hour.burn_rate, slo.period)
    return SloStatus(
        slo=slo,
        groups=subject.groups,
        state=_state(subject, found),
        problem=subject.problem,
        coverage=period.known,
        windows=shown,
        budget=budget,
        exhaustion_seconds=left,
        alerts=tuple(
            _alert(rung, slo, shown) for rung in rungs(slo.period, slo.objective.error_budget)
        ),
        tier=tier,
        last_slot=subject.last_slot,
        events_total=subject.events_total,
        bad_events_total=subject.bad_events_total,
    )


def _state(subject: Subject, found: Mapping[int, Window]) -> DataState:
    if not subject.answered:
        return DataState.STALE
    newest = found[WINDOWS[0]]
    if newest.known <= 0:
        return DataState.NO_DATA
    return DataState.OK if newest.total > 0 else DataState.NO_TRAFFIC


def _alert(rung: Rung, slo: Slo, shown: Mapping[int, Window]) -> Alert:
    threshold = rung.threshold(slo.period)
    rates = [
        shown[length].burn_rate if length in shown else None for length in (rung.long, rung.short)
    ]
    known = [rate for rate in rates if rate is not None]
    firing = all(rate > threshold for rate in known) if len(known) == len(rates) else None
    return Alert(rung=rung, threshold=threshold, firing=firing)


def _services(statuses: Sequence[SloStatus]) -> tuple[ServiceTier, ...]:
    worst: dict[str, tuple[int, ServiceTier]] = {}
    for status in statuses:
        if status.tier is None:
            continue
        slo = status.slo
        severity = slo.policy.severity(status.tier)
        if slo.service not in worst or severity > worst[slo.service][0]:
            worst[slo.service] = severity, ServiceTier(slo.service, slo.policy, status.tier)
    return tuple(service for _, service in worst.values())
