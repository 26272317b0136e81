"""SLOs whose policy states are advanced together, and the figures that this takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from exporter.evaluation.past_windows import WindowsOverTime
from exporter.slo.model import Slo
from exporter.slo.period import spans
from exporter.slo.plausible import impossible, possible_each
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import Bools, Floats, SeriesIndex, SloIndex, Times
from exporter.slo.windows import WINDOWS, windows


@dataclass(frozen=True)  # no slots: what is cached lies in its dictionary
class PolicyBatch:
    """Series with one policy and period whose policy states are final until the same moment.

    - `series`: their indices in the ledger; `slo_indices` and `slos` tell whose each is.
    - `start`: what is final ends there, Unix seconds.
    - `until`: until when each may become final now.
    - `slack`: how many seconds of events the counters of each may be apart.
    - `final`: the policy state of each as of `until`, and `now`: as of the end of the ledger. These
      are what the steps change.
    """

    series: list[SeriesIndex]
    slo_indices: list[SloIndex]
    slos: list[Slo]
    start: int
    until: list[int]
    slack: Floats
    final: list[PolicyState]
    now: list[PolicyState]

    @cached_property
    def error_budgets(self) -> Floats:
        """The error budget of each, a ratio."""
        return np.array([slo.objective.error_budget for slo in self.slos])


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures at several boundaries (`ends`, Unix seconds): boundaries x series.

    `budget` is the error budget of a whole period, in events. Where a tier is `held`, too little
    is known, or what is known cannot be. `burn_rates` are by window in seconds, NaN where they are
    not known.
    """

    ends: Times
    remaining: Floats
    budget: Floats
    held: Bools
    burn_rates: dict[int, Floats]


def read_figures(batch: PolicyBatch, past: WindowsOverTime, ends: Times, unknown: Bools) -> Figures:
    """The figures at some boundaries; where the newest data are `unknown`, tiers are held."""
    slo = batch.slos[0]
    allowed = batch.error_budgets
    periods = spans(slo.period, ends)
    sums = past.along(ends, [span.start for span in periods])
    bad, total, known = sums.bad, sums.total, sums.known
    held = unknown | (known < slo.policy.min_coverage)
    elapsed = np.array([[span.elapsed] for span in periods], dtype=np.float64)
    held |= impossible(bad, total, elapsed, batch.slack)
    bad = possible_each(bad, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        remaining = np.where(total > 0, 1 - bad / (allowed * total), 1.0)
        # What the part of the period that is known allows, for all of it. The shares of slots
        # that are known have few digits, and add up to more or less by how slots have merged.
        whole = np.array([span.length / span.elapsed for span in periods])[:, None] / known.round(6)
        budget = np.where(known > 0, allowed * total * whole, np.inf)
        newest = past.along(ends, [int(end) - WINDOWS[0] for end in ends])
        held |= impossible(newest.bad, newest.total, WINDOWS[0], batch.slack)
        own = {seconds for _, seconds in windows(slo.period, int(ends[-1]), slo.alerting.windows)}
        rates = {}
        for window in own.intersection(slo.policy.burn_windows):
            within = past.along(ends, [int(end) - window for end in ends])
            held |= impossible(within.bad, within.total, window, batch.slack)
            rate = possible_each(within.bad, within.total) / within.total / allowed
            idle = np.where(within.total > 0, rate, 0.0)
            rates[window] = np.where(within.known > 0, idle, np.nan)
    return Figures(
        ends=ends,
        remaining=remaining,
        budget=budget,
        held=held,
        burn_rates=rates,
    )
