"""When slots are asked for and how much is asked at a time. Durations are in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The cadence of the daemon.

    - `interval`: slot length and cadence; divides an hour.
    - `delay`: how long after a slot's end it is first asked for.
    - `settle`: how long after its end a slot is asked for again, for good.
    - `stale_after`: how long Prometheus may be silent before burn rates are withdrawn.
    - `concurrency`: queries under way at once at each datasource, at the most.
    """

    interval: int = 30
    delay: float = 5.0
    settle: int = 300
    stale_after: int = 300
    concurrency: int = 4
