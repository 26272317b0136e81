"""The samples that a simulated Prometheus has."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from math import nan

import numpy as np

Labels = tuple[tuple[str, str], ...]

STALE = nan
"""Stands for a staleness mark."""


class Samples:
    """The samples of a series as they are now, staleness marks included, in order."""

    def __init__(self, times: list[float], values: list[float]) -> None:
        self.all_times = np.array(times)
        self.all_values = np.array(values)

    @cached_property
    def _real(self) -> np.ndarray:
        return ~np.isnan(self.all_values)

    @cached_property
    def times(self) -> np.ndarray:
        """Those of samples that are no staleness marks."""
        return self.all_times[self._real]

    @cached_property
    def values(self) -> np.ndarray:
        return self.all_values[self._real]

    @cached_property
    def sums(self) -> np.ndarray:
        """The sum of all values before each, and of all."""
        return np.concatenate(([0.0], np.cumsum(self.values)))

    @cached_property
    def falls(self) -> np.ndarray:
        """How many values up to each are below the one before."""
        return np.concatenate(([0], np.cumsum(np.diff(self.values) < 0)))


class Series:
    """One series: its name and labels, and its samples."""

    def __init__(self, name: str, labels: Labels) -> None:
        self.name = name
        self.labels = labels
        self.whole = {"__name__": name, **dict(labels)}
        self._times: list[float] = []
        self._values: list[float] = []
        self._now: Samples | None = None

    def put(self, at: float, value: float) -> None:
        """Add a sample, which may be older than others; one that is there is kept."""
        self._now = None
        if not self._times or at > self._times[-1]:
            self._times.append(at)
            self._values.append(value)
            return
        place = bisect_left(self._times, at)
        if self._times[place] != at:
            self._times.insert(place, at)
            self._values.insert(place, value)

    def forget(self, until: float) -> None:
        """Drop the samples of up to a moment."""
        place = bisect_right(self._times, until)
        if place:
            self._now = None
            del self._times[:place], self._values[:place]

    @property
    def samples(self) -> Samples:
        if self._now is None:
            self._now = Samples(self._times, self._values)
        return self._now

    def pairs(self) -> Iterator[tuple[float, float]]:
        """Samples without staleness marks."""
        return (
            (at, value)
            for at, value in zip(self._times, self._values, strict=True)
            if value == value  # noqa: PLR0124 - NaN is not
        )


class Database:
    """All series, by their names and labels."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, Labels], Series] = {}

    def put(self, name: str, labels: Labels, at: float, value: float) -> None:
        found = self.series.get((name, labels))
        if found is None:
            found = self.series[name, labels] = Series(name, labels)
        found.put(at, value)

    def named(self, name: str) -> Iterable[Series]:
        return [each for each in self.series.values() if each.name == name]

    def forget(self, until: float) -> None:
        for key, each in list(self.series.items()):
            each.forget(until)
            if not len(each.samples.all_times):
                del self.series[key]
