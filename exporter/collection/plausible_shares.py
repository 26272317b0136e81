"""How far shares may leave 0 to 1."""

from __future__ import annotations

from exporter.prometheus.indicators import Indicator, Probe
from exporter.prometheus.over_intervals import TimeWeighted

ROUNDING = 1e-6
"""By how much the share of a probe's samples may leave 0 to 1."""

APART = 0.2
"""By how much a ratio may: rates of two series that are read a scrape apart may divide to more than
1."""


def most_apart(way: Indicator) -> float | None:
    """By how much a way's shares of all events may leave 0 to 1; None if it has no shares."""
    match way:
        case Probe():
            return ROUNDING
        case TimeWeighted():
            return APART
        case _:
            return None
