"""Functions of ranges of samples, as Prometheus's documentation has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.helpers.simulation.series import Samples


@dataclass(slots=True)
class Window:
    """The samples from number `low` up to `high` (without it), at every time of an evaluation.

    `start` and `end` are those of the range, Unix seconds.
    """

    samples: Samples
    low: np.ndarray
    high: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @property
    def count(self) -> np.ndarray:
        return self.high - self.low

    def where(self, chosen: np.ndarray) -> Window:
        """At some of the times alone."""
        parts = (each[chosen] for each in (self.low, self.high, self.start, self.end))
        return Window(self.samples, *parts)


def _last(window: Window) -> np.ndarray:
    return window.samples.values[window.high - 1]


def _sum(window: Window) -> np.ndarray:
    return window.samples.sums[window.high] - window.samples.sums[window.low]


def _extreme(choose: Callable[[np.ndarray], float]) -> Callable[[Window], np.ndarray]:
    def over(window: Window) -> np.ndarray:
        values = window.samples.values
        pairs = zip(window.low, window.high, strict=True)
        return np.array([choose(values[low:high]) for low, high in pairs])

    return over


def _resets(window: Window) -> np.ndarray:
    falls = window.samples.falls
    return (falls[window.high - 1] - falls[window.low]).astype(float)


def _extrapolated(*, counter: bool, per_second: bool) -> Callable[[Window], np.ndarray]:
    def over(window: Window) -> np.ndarray:
        return np.array(
            [
                _one_extrapolated(
                    window.samples.times[low:high],
                    window.samples.values[low:high],
                    (start, end),
                    counter=counter,
                    per_second=per_second,
                )
                for low, high, start, end in zip(
                    window.low, window.high, window.start, window.end, strict=True
                )
            ]
        )

    return over


def _one_extrapolated(
    times: np.ndarray,
    values: np.ndarray,
    span: tuple[float, float],
    *,
    counter: bool,
    per_second: bool,
) -> float:
    start, end = span
    grown = values[-1] - values[0]
    if counter:
        steps = np.diff(values)
        grown += values[:-1][steps < 0].sum()
    sampled = times[-1] - times[0]
    every = sampled / (len(times) - 1)
    to_start, to_end = times[0] - start, end - times[-1]
    if counter and grown > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * values[0] / grown)
    reach = sampled
    for distance in (to_start, to_end):
        reach += distance if distance < 1.1 * every else every / 2
    grown *= reach / sampled
    return float(grown / (end - start) if per_second else grown)


OVER_TIME: dict[str, Callable[[Window], np.ndarray]] = {
    "last_over_time": _last,
    "sum_over_time": _sum,
    "count_over_time": lambda window: window.count.astype(float),
    "avg_over_time": lambda window: _sum(window) / window.count,
    "max_over_time": _extreme(np.max),
    "min_over_time": _extreme(np.min),
    "resets": _resets,
    "rate": _extrapolated(counter=True, per_second=True),
    "increase": _extrapolated(counter=True, per_second=False),
    "delta": _extrapolated(counter=False, per_second=False),
}
"""What they are of samples; staleness marks are none."""
