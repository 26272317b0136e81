"""The figures that the exporter must reach, computed from raw samples in plain Python.

Shares no code with the exporter and knows no PromQL. The definition, per counter and over
consecutive stored samples: the sum of positive differences; after a reset the new value counts
whole; a counter born while its target was already being scraped counts from zero; a counter born
together with its target counts from its first sample. An increase belongs to the later sample.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf

Labels = tuple[tuple[str, str], ...]
Samples = Sequence[tuple[float, float]]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
REACH = 6 * HOUR
"""How long a successful scrape makes its target one that is being scraped: what was not there
then, and is there now, counted from zero in between, whether or not the process restarted."""


def labels(**pairs: str) -> Labels:
    """The identity of a series."""
    return tuple(sorted(pairs.items()))


def scraped_before(up: Samples, t: float) -> bool:
    """Whether a scrape of the target in the last hours before `t` succeeded."""
    earlier = up[bisect_left(up, (t - REACH,)) : bisect_left(up, (t,))]
    return any(value == 1 for _, value in earlier)


def increases(samples: Samples, up: Samples) -> list[tuple[float, float]]:
    """The events of one counter as (time, count), in order of time, zero counts left out."""
    found = []
    previous: float | None = None
    for t, value in samples:
        if previous is None:
            count = value if scraped_before(up, t) else 0
        else:
            count = value - previous if value >= previous else value
        if count:
            found.append((t, count))
        previous = value
    return found


class Events:
    """The events of any number of counters, to be summed over spans of time."""

    def __init__(self, series: Mapping[Labels, Samples], up: Mapping[Labels, Samples]) -> None:
        """Count all `series`; `up` holds the scrapes of each target, by its labels.

        A series carries every label of its target.
        """
        found = []
        for identity, samples in series.items():
            targets = (of for target, of in up.items() if set(target) <= set(identity))
            found += increases(samples, sorted(scrape for of in targets for scrape in of))
        found.sort()
        self._times = [t for t, _ in found]
        self._counts = [count for _, count in found]

    def between(self, start: float, end: float) -> float:
        """The number of events in (start, end]."""
        return fsum(self._counts[bisect_right(self._times, start) : bisect_right(self._times, end)])


def slots(now: int, interval: int, span: int) -> list[tuple[int, int]]:
    """The ledger's slots (start, end] from `now` back to `span` seconds ago, newest first.

    Fine for 6 h, then 5 m to 3 d, 1 h to 35 d and 6 h beyond. A coarse slot holds nothing that
    is younger than its tier's age, so the finer tier before it reaches back to its end.
    """
    found = []
    end = now
    tiers = ((interval, 6 * HOUR, 300), (300, 3 * DAY, HOUR), (HOUR, 35 * DAY, 6 * HOUR))
    for length, age, coarser in tiers:
        oldest = (now - age) // coarser * coarser
        while end > max(oldest, now - span):
            found.append((end - length, end))
            end -= length
    while end > now - span:
        found.append((end - 6 * HOUR, end))
        end -= 6 * HOUR
    return found


def in_window(
    events: Callable[[float, float], float], now: int, window: int, interval: int
) -> float:
    """The events of the last `window` seconds; a slot that its edge cuts gives its share.

    `events` tells how many there are in (start, end], as `Events.between` does.
    """
    edge = now - window
    shares = []
    for start, end in slots(now, interval, window):
        share = (end - max(start, edge)) / (end - start)
        shares.append(events(start, end) * share)
    return fsum(shares)


@dataclass(frozen=True)
class Figures:
    """What follows from the bad and total events of a window."""

    bad: float
    total: float
    error_budget: float

    @property
    def error_ratio(self) -> float:
        return self.bad / self.total if self.total else 0.0

    @property
    def burn_rate(self) -> float:
        return self.error_ratio / self.error_budget

    @property
    def budget_remaining(self) -> float:
        if not self.total:
            return 1.0
        return 1 - self.bad / (self.error_budget * self.total)

    @property
    def budget_events(self) -> float:
        """Bad events that may still happen before the budget is spent."""
        return self.error_budget * self.total - self.bad

    def budget_seconds(self, period: int) -> float:
        """What remains, as seconds of complete outage."""
        return self.budget_remaining * self.error_budget * period

    def exhaustion_seconds(self, period: int, burn_rate: float) -> float:
        """How long what remains will last at a burn rate."""
        if self.budget_remaining <= 0:
            return 0.0
        return self.budget_remaining * period / burn_rate if burn_rate else inf


def always_up(times: Iterable[float]) -> list[tuple[float, float]]:
    """`up` of a target whose scrapes all succeed."""
    return [(t, 1.0) for t in times]
