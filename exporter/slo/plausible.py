"""Counts that cannot be: more bad events than events, or fewer than none.

Counts are kept as they come, so that what one slot has too much of the next one evens out: two
counters may be read a scrape apart. Over a window only its ends can differ by that.
"""

from __future__ import annotations

import numpy as np

from exporter.slo.types import Bools, Floats

SLACK_EVENTS = 1.0
"""An event more or less is no proof, however few there are."""


def possible(bad: float, total: float) -> float:
    """The bad events as they can be: none at the least, all at the most."""
    return min(max(bad, 0.0), max(total, 0.0))


def possible_each(bad: Floats, total: Floats) -> Floats:
    """`possible` of many counts; what is not known of a total stays so."""
    return np.fmin(np.fmax(bad, 0.0), np.maximum(total, 0.0))


def impossible(bad: Floats, total: Floats, length: float | Floats, slack: float | Floats) -> Bools:
    """Where counts over windows of `length` seconds cannot be.

    `slack` is how many seconds of events counters may be apart at both ends together.
    """
    with np.errstate(invalid="ignore"):  # of infinities
        excess = np.maximum(-bad, bad - total)
        allowed = np.maximum(total, 0.0) * np.minimum(
            np.divide(slack, np.maximum(length, 1.0)), 1.0
        )
        found: Bools = excess > allowed + SLACK_EVENTS
    return found


def in_words(bad: float, total: float, window: str) -> str:
    """What cannot be about the counts of a window: `4,320 good of 3,600 events in 1h: ...`."""
    if bad < 0:
        what, part = "good", total - bad
    else:
        what, part = "bad", bad
    return f"{part:,.0f} {what} of {total:,.0f} events in {window}: {what} must be part of total"
