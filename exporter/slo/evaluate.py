"""The evaluation: from counts per window to what is shown. Pure: no I/O and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.slo.columns import columns
from exporter.slo.leaving import Past
from exporter.slo.one_status import status_of
from exporter.slo.policy import Tier
from exporter.slo.possible_figures import figures_of
from exporter.slo.snapshot import ServiceTier, SloStatus, Snapshot
from exporter.slo.standing import Standing
from exporter.slo.statuses import Statuses
from exporter.slo.subject import Subject, Subjects
from exporter.slo.together import Together
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
    at: int, subjects: Sequence[Subject] | Subjects, sums: Sums, past: Past | None = None
) -> Snapshot:
    """Evaluate every SLO as of the slot boundary `at`.

    Statuses are made when they are asked for. What changes a ledger later changes none of them.

    Args:
        at: Unix seconds.
        subjects: the SLOs.
        sums: in the same order; every window and period of the subjects is there.
        past: the slots of their periods, by their place; read before this returns.
    """
    those = subjects if isinstance(subjects, Subjects) else Subjects.of(subjects)
    budgets = np.array([slo.objective.error_budget for slo in those.slos])
    counted = columns(sums.counted, budgets, those.slack)
    everything = counted
    if sums.everything is not sums.counted:
        everything = columns(sums.everything, budgets, those.slack)
    together = Together(at, those, budgets, counted, everything)
    together.forecast(past)
    standing, left, rows = Standing(), together.left, together.rows

    def make(row: int) -> SloStatus:
        place = int(rows[row])
        kind = together.kind_of(place)
        figures = figures_of(those.one(place), place, kind, counted, everything)
        seconds = None if np.isnan(left[place]) else float(left[place])
        return status_of(figures, at, seconds, standing)

    found = together.columns()
    made = {row: make(row) for row in found.apart}
    statuses = Statuses(found, make, made)
    tiers = list(found.tiers)
    for row, status in made.items():
        tiers[row] = status.tier
    return Snapshot(at=at, slos=statuses, services=_services(statuses, tiers))


def _services(statuses: Statuses, tiers: Sequence[Tier | None]) -> tuple[ServiceTier, ...]:
    worst: dict[str, tuple[tuple[int, int], ServiceTier]] = {}
    badness: dict[tuple[int, int], tuple[int, int]] = {}
    for slo, tier in zip(statuses.columns.slos, tiers, strict=True):
        if tier is None:
            continue
        policy = slo.policy
        key = id(policy), id(tier)
        bad = badness.get(key)
        if bad is None:
            bad = badness[key] = policy.badness(tier)
        held = worst.get(slo.service)
        if held is None or bad > held[0]:
            worst[slo.service] = bad, ServiceTier(slo.service, policy, tier)
    return tuple(service for _, service in worst.values())
