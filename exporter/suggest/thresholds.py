"""Which bounds of a histogram come into question as thresholds. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from exporter.prometheus.raw import is_number

GOOD_SHARE = 0.99
"""The share of requests that should be within a threshold."""

NOTICED = 0.1
"""Seconds: nobody notices what is faster (Nielsen, Usability Engineering, 1993)."""

MOST_BOUNDS = 3
"""Thresholds of one service that are measured over the whole past."""

_UNITS = {"_milliseconds": "ms", "_ms": "ms", "_microseconds": "us", "_seconds": "s"}


def unit_of(base: str) -> str | None:
    """The unit that a histogram's name tells: `s`, `ms`, `us`; None if it tells none."""
    return next((unit for end, unit in _UNITS.items() if base.endswith(end)), None)


def seconds(base: str, unit: str | None) -> float:
    """How many seconds the unit of a histogram's bounds has."""
    return {"s": 1.0, "ms": 1e-3, "us": 1e-6}[unit or unit_of(base) or "s"]


def thresholds(buckets: Mapping[str, float], unit: float) -> list[float]:
    """The bounds that come into question, the strictest first.

    Args:
        buckets: by `le` what was within it.
        unit: seconds of the bounds' unit.
    """
    total = buckets.get("+Inf", 0.0)
    shares: dict[float, float] = {}
    for le, within in buckets.items():
        if is_number(le) and math.isfinite(float(le)) and float(le) > 0:
            shares[float(le)] = shares.get(float(le), 0.0) + within
    noticed = [bound for bound in sorted(shares) if bound * unit >= NOTICED]
    bounds = noticed or sorted(shares)[-1:]
    kept = [bound for bound in bounds if total and shares[bound] >= GOOD_SHARE * total]
    first = bounds.index(kept[0]) if kept else max(len(bounds) - MOST_BOUNDS, 0)
    return bounds[first : first + MOST_BOUNDS]
