"""The figures that the exporter must reach, computed from raw samples in plain Python.

Shares no code with the exporter and knows no PromQL. The definition is that of docs/exactness.md:
per counter, the sum of positive differences of consecutive samples; after a reset the new value
counts whole; where a counter begins, `Birth` tells what it counts from, or that this cannot be
known. An increase belongs to the later sample.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, fsum

Labels = tuple[tuple[str, str], ...]
Samples = Sequence[tuple[float, float]]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
REACH = 6 * HOUR
"""How far back a scrape, or a counter's last sample, is known of."""

INTERVAL = 30
"""The finest slots, in seconds: one in which something cannot be known is left out as a whole."""


def labels(**pairs: str) -> Labels:
    """The identity of a series."""
    return tuple(sorted(pairs.items()))


@dataclass(frozen=True)
class Birth:
    """A counter's first sample, or its first after six hours without one."""

    identity: Labels
    t: float
    value: float


class Counters:
    """The counters of a metric, by their labels, and the scrapes of their targets by theirs.

    A series carries every label of its target. `near` is two scrape intervals, in seconds.
    """

    def __init__(
        self, series: Mapping[Labels, Samples], up: Mapping[Labels, Samples], near: float = 60
    ) -> None:
        self._series = {identity: dict(samples) for identity, samples in series.items()}
        self._times = {identity: sorted(item) for identity, item in self._series.items()}
        self._up = {target: dict(samples) for target, samples in up.items()}
        self._near = near
        self.increases: dict[Labels, list[tuple[float, float]]] = {}
        self.doubts: set[float] = set()
        for identity in series:
            self.increases[identity] = list(self._increases(identity))

    def _increases(self, identity: Labels) -> Iterable[tuple[float, float]]:
        previous: tuple[float, float] | None = None
        for t in self._times[identity]:
            value = self._series[identity][t]
            if previous is None or t - previous[0] > REACH:
                base = self._base(Birth(identity, t, value))
                if base is None:
                    self.doubts.add(t)
                count = 0 if base is None else value - base
            else:
                count = value - previous[1] if value >= previous[1] else value
            if count:
                yield t, count
            previous = t, value

    def _base(self, birth: Birth) -> float | None:
        """What a counter that begins counts from; None if that cannot be known."""
        t = birth.t
        targets = [
            each for each in self._up if set(each) <= set(birth.identity) and t in self._up[each]
        ]
        if not targets or birth.value == 0:
            return birth.value
        target = max(targets, key=len)
        scrapes = [at for at, ok in self._up[target].items() if ok == 1 and t - REACH <= at < t]
        if not scrapes:
            return birth.value
        near = max(scrapes) if t - max(scrapes) <= self._near else None
        others = [each for each in self._series if set(target) <= set(each)]
        begun = {other: self._series[other][t] for other in others if self._begins(other, t)}
        ended = {
            other: last for other in others if (last := self._ended(other, t, near)) is not None
        }
        both = [
            other
            for other in others
            if near is not None and {near, t} <= self._series[other].keys()
        ]
        growths = [self._series[each][t] - self._series[each][near] for each in both]
        pairs = pair(ended, begun)
        possible = 100 + 10 * sum(growth for growth in growths if growth > 0)
        if sum(begun.values()) > possible:
            since = self._near / 2 if near is None else t - near
            possible = max(possible, 100 + 10 * since * self._busiest(dict(target)["job"], t))
        restarted = min(growths, default=0) < 0 or any(
            begun[new] < ended[old] for new, old in pairs.items() if renamed(old, new)
        )
        bases: dict[Labels, float | None] = {}
        for new, first in begun.items():
            last = ended[pairs[new]] if new in pairs and not restarted else 0
            bases[new] = 0
            if last == 0 or first < last:
                continue
            grown_too_much = near is not None and first - last > max(possible, last)
            if renamed(pairs[new], new):
                bases[new] = None if grown_too_much else last
            elif near is not None:
                bases[new] = last if first > possible and not grown_too_much else None
        whole = [new for new, base in bases.items() if base == 0]
        if sum(begun[new] for new in whole) > possible:
            bases |= dict.fromkeys((new for new in whole if begun[new]), None)
        return bases[birth.identity]

    def _begins(self, identity: Labels, t: float) -> bool:
        times = self._times[identity]
        n = bisect_left(times, t)
        return times[n : n + 1] == [t] and (n == 0 or t - times[n - 1] > REACH)

    def _ended(self, identity: Labels, t: float, near: float | None) -> float | None:
        """The last value of a counter that was in the scrape before and is not in this one."""
        times, values = self._times[identity], self._series[identity]
        n = bisect_left(times, t)
        if t in values or n == 0 or times[n - 1] < (t - REACH if near is None else near):
            return None
        return values[times[n - 1]]

    def _busiest(self, job: str, t: float) -> float:
        """Events per second of the busiest instance in the minutes or six hours before."""
        rates = [0.0]
        for reach in (REACH, 5 * self._near):
            grown: dict[str, float] = {}
            for identity, times in self._times.items():
                of, values = dict(identity), self._series[identity]
                if of.get("job") == job:
                    inside = times[bisect_left(times, t - reach) : bisect_left(times, t)]
                    rises = (max(0, values[b] - values[a]) for a, b in pairwise(inside))
                    grown[of["instance"]] = grown.get(of["instance"], 0) + sum(rises)
            rates += [events / reach for events in grown.values()]
        return max(rates)


def renamed(old: Labels, new: Labels) -> bool:
    """Whether labels came or went."""
    return {name for name, _ in old} != {name for name, _ in new}


def pair(ended: Mapping[Labels, float], begun: Mapping[Labels, float]) -> dict[Labels, Labels]:
    """Which counter that ended each of those that begin is likest to; at most two values differ.

    Among those that are equally like, the highest value that is not above the new one.
    """
    likely = []
    for new, first in begun.items():
        for old, last in ended.items():
            values = sum(dict(new)[name] != value for name, value in old if name in dict(new))
            names = len({name for name, _ in old} ^ {name for name, _ in new})
            if values <= 2:
                above = (0, -last) if last <= first else (1, last)
                likely.append((names + values, -first, new, above, old))
    found: dict[Labels, Labels] = {}
    for _, _, new, _, old in sorted(likely):
        if new not in found and old not in found.values():
            found[new] = old
    return found


class Events:
    """The events of any number of counters, to be summed over spans of time."""

    def __init__(
        self,
        series: Mapping[Labels, Samples],
        up: Mapping[Labels, Samples],
        wanted: Labels = (),
        near: float = 60,
    ) -> None:
        """Count those of a metric's `series` that carry the labels `wanted`; see `Counters`.

        Slots in which anything cannot be known hold no events.
        """
        counters = Counters(series, up, near)
        unknown = {ceil(t / INTERVAL) for t in counters.doubts}
        found = [
            (t, count)
            for identity, increases in counters.increases.items()
            if set(wanted) <= set(identity)
            for t, count in increases
            if ceil(t / INTERVAL) not in unknown
        ]
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


def overspent_after(
    seconds: float,
    *,
    bad: Callable[[float, float], float],
    total: Callable[[float, float], float],
    window: tuple[float, float],
    moves: bool,
    holds: tuple[float, float, float],
    error_budget: float,
) -> float:
    """How many more events than allowed will be bad in a while if what holds now goes on.

    Args:
        seconds: when.
        bad: how many bad events there were in (start, end].
        total: how many events.
        window: the period so far, (start, end].
        moves: whether it moves on, or grows.
        holds: the error ratio to come, and the events per second: of the first hour, and then.
        error_budget: the ratio that is allowed.
    """
    start, end = window
    start = min(end, start + seconds) if moves else start
    ratio, soon, later = holds
    come = soon * min(seconds, 3600) + later * max(0, seconds - 3600)
    return bad(start, end) + ratio * come - error_budget * (total(start, end) + come)


def always_up(times: Iterable[float]) -> list[tuple[float, float]]:
    """`up` of a target whose scrapes all succeed."""
    return [(t, 1.0) for t in times]
