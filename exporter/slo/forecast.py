"""The forecast: when a tier gets better if nothing more fails, as old failures leave the window.

Traffic is taken to go on at the window's average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.slo.period import PeriodBounds
from exporter.slo.policy import Policy, Tier
from exporter.slo.types import Floats


@dataclass(frozen=True, slots=True)
class Counts:
    """The slots of SLOs, oldest first: where they begin and end (Unix seconds), and their counts,
    SLOs x slots (those of one SLO without the first dimension). The newest ends now."""

    starts: Floats
    ends: Floats
    bad: Floats
    total: Floats
    known: Floats

    def of_many(self) -> Counts:
        """The same with both dimensions."""
        counts = (np.atleast_2d(each) for each in (self.bad, self.total, self.known))
        return Counts(self.starts, self.ends, *counts)


def seconds_until_below(counts: Counts, length: int, ratio: float) -> float:
    """`all_until_below` of one SLO."""
    return float(all_until_below(counts.of_many(), length, np.array([ratio]))[0])


def all_until_below(counts: Counts, length: int, ratios: Floats) -> Floats:
    """Seconds until the error ratio of a rolling window is below a bound if nothing more fails.

    Args:
        counts: all slots of the window, at least, of some SLOs.
        length: the window's, in seconds.
        ratios: the bound of each. Without any bad events left it is kept whatever it is.
    """
    now = float(counts.ends[-1])
    begin, ratio = now - length, ratios[:, None]
    # What of each slot lies within the window now.
    share = np.clip((counts.ends - begin) / (counts.ends - counts.starts), 0, 1)
    bad, total = counts.bad * share, counts.total * share
    known = (counts.known * share * (counts.ends - counts.starts)).sum(axis=1, keepdims=True)
    all_bad, everything = bad.sum(axis=1, keepdims=True), total.sum(axis=1, keepdims=True)
    rate = np.divide(everything, known, out=np.zeros_like(known), where=known > 0)
    leaves = np.maximum(counts.ends - begin, 0)
    bad_left = all_bad - np.cumsum(bad, axis=1)
    total_left = everything - np.cumsum(total, axis=1) + rate * leaves
    excess = np.hstack([all_bad - ratio * everything, bad_left - ratio * total_left])
    none_left = np.hstack([all_bad <= 0, bad_left <= 1e-9 * np.maximum(1.0, all_bad)])
    reached = np.append(0.0, leaves)
    at = np.argmax((excess < 0) | none_left, axis=1)
    each = np.arange(len(at))
    before, after = excess[each, at - 1], excess[each, at]
    # Within a slot both counts leave evenly.
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where((after >= 0) | (before <= after), 1.0, before / (before - after))
    found = reached[at - 1] + (reached[at] - reached[at - 1]) * part
    return np.where(at == 0, 0.0, np.where(part == 1.0, reached[at], found))


def recovery(
    policy: Policy,
    tier: Tier,
    since: int,
    counts: Counts,
    span: PeriodBounds,
    *,
    calendar: bool,
    error_budget: float,
) -> float | None:
    """When a tier is left for a better one if nothing more fails, Unix seconds.

    None for the best tier. `since` is when it was entered.
    """
    if policy.severity(tier) == 0:
        return None
    one = Entered(np.array([policy.severity(tier)]), np.array([since]), np.array([error_budget]))
    return float(recoveries(policy, one, counts.of_many(), span, calendar=calendar)[0])


@dataclass(frozen=True, slots=True)
class Entered:
    """How bad the tier is that each SLO is in (1 or more), since when it is (Unix seconds), and
    its error budget (a ratio)."""

    severities: NDArray[np.int64]
    since: NDArray[np.int64]
    error_budgets: Floats


def recoveries(
    policy: Policy, entered: Entered, counts: Counts, span: PeriodBounds, *, calendar: bool
) -> Floats:
    """When each of some SLOs leaves its tier for a better one if nothing more fails, Unix seconds.

    They have one policy and one period, whose bounds are `span`.
    """
    ends_at = np.array([each.above for each in policy.tiers])[entered.severities - 1]
    bounds = entered.error_budgets * (1 - (ends_at + policy.recover_margin))
    now = float(counts.ends[-1])
    if calendar:
        wait = np.array(
            [
                _within_calendar(
                    Counts(counts.starts, counts.ends, *(each[i] for each in _of(counts))),
                    span,
                    bound,
                )
                for i, bound in enumerate(bounds.tolist())
            ]
        )
    else:
        wait = all_until_below(counts, span.length, bounds)
    for severity, worse in enumerate(policy.tiers):
        fast, those = worse.burn_rate, np.flatnonzero(entered.severities <= severity)
        if fast is not None and those.size:
            part = Counts(counts.starts, counts.ends, *(each[those] for each in _of(counts)))
            ratios = fast.above * entered.error_budgets[those]
            wait[those] = np.maximum(wait[those], all_until_below(part, fast.window, ratios))
    return np.ceil(np.maximum(now + wait, entered.since + policy.min_stay))


def _of(counts: Counts) -> tuple[Floats, Floats, Floats]:
    return counts.bad, counts.total, counts.known


def _within_calendar(counts: Counts, span: PeriodBounds, ratio: float) -> float:
    """Seconds until the period's traffic has thinned its failures out, or until it is over."""
    inside = counts.ends > span.start
    bad, total = float(counts.bad[inside].sum()), float(counts.total[inside].sum())
    left = span.end - float(counts.ends[-1])
    if bad < ratio * total or bad <= 0:
        return 0.0
    known = float(((counts.ends - counts.starts) * counts.known)[inside].sum())
    if ratio <= 0 or not known or not total:
        return left
    return min(left, (bad / ratio - total) / (total / known))
