"""The tiers of many SLOs, moved boundary by boundary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporter.evaluation.policy_batch import Figures, PolicyBatch
from exporter.slo.policy import Policy
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import Bools, Times

Severities = NDArray[np.int64]


def move_tiers(batch: PolicyBatch, figures: Figures) -> None:
    """Move the tiers. Most stay where they are, which is seen of all of them at once."""
    policy = batch.slos[0].policy
    tiers = [policy_state.tier(policy) for policy_state in batch.now]
    current = np.array([-1 if tier is None else policy.severity(tier) for tier in tiers])
    plain = _severities(policy, figures, 0.0)
    eased = _severities(policy, figures, policy.recover_margin)
    moving = (((plain > current) | (eased < current)) & ~figures.held).any(axis=0)
    for i in np.flatnonzero(moving).tolist():
        column = plain[:, i], eased[:, i], figures.held[:, i]
        k = _next(policy, batch.now[i], figures.ends, column, -1)
        while k is not None:
            at = int(figures.ends[k])
            rates = {window: _known(rate[k, i]) for window, rate in figures.burn_rates.items()}
            moved = batch.now[i].moved(policy, at, float(figures.remaining[k, i]), rates)
            batch.now[i] = moved
            if at <= batch.until[i]:
                batch.final[i] = moved
            k = _next(policy, moved, figures.ends, column, k)


def _severities(policy: Policy, figures: Figures, margin: float) -> Severities:
    """`Policy.tier` of all boundaries and series at once, as severities."""
    left = figures.remaining
    severities = np.zeros(left.shape, dtype=np.int64)
    for tier in policy.tiers[:-1]:
        above = (left > tier.above + margin) | (bool(margin) & (left >= 1) & (tier.above < 1))
        severities += ~above
    for severity, tier in enumerate(policy.tiers):
        if tier.burn_rate is not None and tier.burn_rate.window in figures.burn_rates:
            burns = figures.burn_rates[tier.burn_rate.window] > tier.burn_rate.above
            severities = np.where(burns, np.maximum(severities, severity), severities)
    return severities


def _next(
    policy: Policy,
    now: PolicyState,
    ends: Times,
    column: tuple[Severities, Severities, Bools],
    after: int,
) -> int | None:
    """The first boundary behind the place `after` at which a tier may change."""
    plain, eased, held = column
    tier = now.tier(policy)
    if tier is None:
        may = ~held
    else:
        severity = policy.severity(tier)
        stayed = ends >= now.changes[-1].at + policy.min_stay
        may = ~held & ((plain > severity) | ((eased < severity) & stayed))
    places = np.flatnonzero(may[after + 1 :])
    return after + 1 + int(places[0]) if places.size else None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
