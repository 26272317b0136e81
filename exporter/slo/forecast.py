"""The forecast: when a tier gets better if nothing more fails, as old failures leave the window.

Traffic is taken to go on at the window's average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from exporter.slo.period import PeriodBounds
from exporter.slo.policy import Policy, Tier
from exporter.slo.types import Floats


@dataclass(frozen=True, slots=True)
class Counts:
    """The slots of one SLO, oldest first: where they begin and end (Unix seconds), and their
    counts. The newest ends now."""

    starts: Floats
    ends: Floats
    bad: Floats
    total: Floats
    known: Floats


def seconds_until_below(counts: Counts, length: int, ratio: float) -> float:
    """Seconds until the error ratio of a rolling window is below a bound if nothing more fails.

    Args:
        counts: all slots of the window, at least.
        length: the window's, in seconds.
        ratio: the bound. Without any bad events left it is kept whatever it is.
    """
    now = float(counts.ends[-1])
    begin = now - length
    # What of each slot lies within the window now.
    share = np.clip((counts.ends - begin) / (counts.ends - counts.starts), 0, 1)
    bad, total = counts.bad * share, counts.total * share
    known = float((counts.known * share * (counts.ends - counts.starts)).sum())
    rate = float(total.sum()) / known if known else 0.0
    leaves = np.maximum(counts.ends - begin, 0)
    bad_left = bad.sum() - np.cumsum(bad)
    total_left = total.sum() - np.cumsum(total) + rate * leaves
    excess = np.append(bad.sum() - ratio * total.sum(), bad_left - ratio * total_left)
    none_left = np.append(bad.sum() <= 0, bad_left <= 1e-9 * max(1.0, float(bad.sum())))
    reached = np.append(0.0, leaves)
    at = int(np.argmax((excess < 0) | none_left))
    if at == 0:
        return 0.0
    before, after = float(excess[at - 1]), float(excess[at])
    if after >= 0 or before <= after:
        return float(reached[at])
    # Within a slot both counts leave evenly.
    return float(reached[at - 1] + (reached[at] - reached[at - 1]) * before / (before - after))


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
    severity = policy.severity(tier)
    if severity == 0:
        return None
    need = policy.tiers[severity - 1].above + policy.recover_margin
    now = float(counts.ends[-1])
    bound = error_budget * (1 - need)
    if calendar:
        wait = _within_calendar(counts, span, bound)
    else:
        wait = seconds_until_below(counts, span.length, bound)
    for worse in policy.tiers[severity:]:
        fast = worse.burn_rate
        if fast is not None:
            wait = max(wait, seconds_until_below(counts, fast.window, fast.above * error_budget))
    return float(math.ceil(max(now + wait, since + policy.min_stay)))


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
