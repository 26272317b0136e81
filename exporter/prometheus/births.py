"""Where a counter that begins counts from: docs/exactness.md's definition of a birth, pure.

A target's scrape is held beside the one before it. What ended with it may go on under other
labels, and what begins counts whole only if it can have counted as much since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations

from exporter.prometheus.raw import SURGE, SeriesKey

UNSUSPICIOUS = 100
"""A first value up to this, in events of all series that begin together, needs no other proof."""

MOST_CHANGED = 2
"""Labels whose values may change together for the counter to be taken for the same."""


class Doubt(Enum):
    """Why it cannot be known where a counter counts from."""

    TOO_LARGE = "more than its target can have counted since the scrape before"
    SUCCESSOR = "where another series of its target ended, which it may or may not continue"


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scrape of a target shows of an SLO's counters, beside the scrape before.

    - `elapsed`: seconds since the scrape before; None if it was longer ago than two scrape
      intervals, and only what the hours before have held is known of it.
    - `ended`: the last values of counters that are not there any more.
    - `begun`: the first values of counters that were not there in the hours before.
    - `grown`: the events of the counters that are in both scrapes; `fell` tells whether one fell.
    """

    elapsed: float | None
    ended: Mapping[SeriesKey, float]
    begun: Mapping[SeriesKey, float]
    grown: float = 0.0
    fell: bool = False


@dataclass(frozen=True, slots=True)
class Proofs:
    """What else may tell a birth from an older counter; asked for where there is doubt.

    - `restarted`: whether the process was started since the scrape before, if that is known.
    - `busiest`: events per second of the busiest target of the job, in the minutes or hours before.
    - `born`: counters that are known to have been created since the scrape before.
    """

    restarted: bool | None = None
    busiest: float = 0.0
    born: frozenset[SeriesKey] = field(default_factory=frozenset)


def begin_from(
    scrape: Scrape, interval: float, proofs: Proofs | None = None
) -> dict[SeriesKey, float | Doubt]:
    """Tell for every counter that begins which value it counts from: 0 if its first value is whole.

    `interval` (seconds) stands for the time since the scrape before where that is not known.
    Without `proofs`, there is doubt wherever they may decide.
    """
    decided, proofs = proofs is not None, proofs or Proofs()
    elapsed = interval if scrape.elapsed is None else scrape.elapsed
    most = UNSUSPICIOUS + SURGE * max(scrape.grown, proofs.busiest * elapsed)
    before = _predecessors(scrape.ended, scrape.begun)
    restarted = proofs.restarted
    if scrape.fell or any(
        scrape.begun[key] < scrape.ended[item]
        for key, item in before.items()
        if _renamed(item, key)
    ):
        restarted = True
    found: dict[SeriesKey, float | Doubt] = {}
    for key, first in scrape.begun.items():
        found[key] = 0.0
        if key not in before or restarted:
            continue
        last = scrape.ended[before[key]]
        possible = scrape.elapsed is None or first - last <= max(most, last)
        if _renamed(before[key], key):
            found[key] = last if possible else Doubt.TOO_LARGE
        elif scrape.elapsed is not None and 0 < last <= first:
            certain = restarted is False or (decided and first > most)
            found[key] = last if certain and possible else Doubt.SUCCESSOR
    whole = [key for key, base in found.items() if base == 0 and key not in proofs.born]
    if sum(scrape.begun[key] for key in whole) > most:
        found |= {key: Doubt.TOO_LARGE for key in whole if scrape.begun[key] > 0}
    return found


def _predecessors(
    ended: Mapping[SeriesKey, float], begun: Mapping[SeriesKey, float]
) -> dict[SeriesKey, SeriesKey]:
    """Which counter that ended each of those that begin is likest to, as far as one is.

    The fewer labels differ the likelier; among those that are equally like, a counter goes on from
    the highest value that is not above its own. Each is continued by one.
    """
    old, new, found = set(ended), set(begun), {}
    for alike in _likeness(ended, begun):
        if not old or not new:
            break
        heirs: dict[SeriesKey, list[SeriesKey]] = defaultdict(list)
        candidates: dict[SeriesKey, list[SeriesKey]] = defaultdict(list)
        for keys, by in ((new, heirs), (old, candidates)):
            for key in keys:
                if (names := alike.names_of(key, new=keys is new)) is not None:
                    by[names].append(key)
        for names in heirs.keys() & candidates.keys():
            for key in sorted(heirs[names], key=lambda of: (-begun[of], of)):
                left = sorted(
                    (ended[candidate], candidate)
                    for candidate in candidates[names]
                    if candidate in old
                )
                if left:
                    below = [each for each in left if each[0] <= begun[key]]
                    found[key] = (below[-1] if below else left[0])[1]
                    old.remove(found[key])
                    new.remove(key)
    return found


@dataclass(frozen=True, slots=True)
class _Likeness:
    """A way to be alike: by the labels that both have, other than those in `changed`."""

    old: frozenset[str]
    new: frozenset[str]
    changed: frozenset[str]

    def names_of(self, key: SeriesKey, *, new: bool) -> SeriesKey | None:
        """What two keys must share; None for one with other labels."""
        if {name for name, _ in key} != (self.new if new else self.old):
            return None
        compared = (self.old & self.new) - self.changed
        return tuple(pair for pair in key if pair[0] in compared)


def _likeness(ended: Iterable[SeriesKey], begun: Iterable[SeriesKey]) -> Iterator[_Likeness]:
    """The ways to be alike, those with the fewest differences first."""
    olds = {frozenset(name for name, _ in key) for key in ended}
    news = {frozenset(name for name, _ in key) for key in begun}
    ways = [
        (len(old ^ new) + count, _Likeness(old, new, frozenset(changed)))
        for old in olds
        for new in news
        for count in range(MOST_CHANGED + 1)
        for changed in combinations(sorted(old & new), count)
    ]
    return (way for _, way in sorted(ways, key=lambda of: (of[0], sorted(of[1].changed))))


def _renamed(old: SeriesKey, new: SeriesKey) -> bool:
    """Whether labels came or went, or the metric has another name: no process does that."""
    names, others = dict(old), dict(new)
    return names.keys() != others.keys() or names.get("__name__") != others.get("__name__")


def continued(
    own: float, first: float, labels: SeriesKey, ended: Mapping[SeriesKey, float]
) -> float:
    """The value that a counter goes on from when it comes back after a pause.

    It is its own last one, unless it was continued under other names of labels meanwhile: when a
    relabeling is taken back.
    """
    for key, last in ended.items():
        if own < last <= first and _renamed(key, labels):
            shared = dict(key).keys() & dict(labels).keys() - {"__name__"}
            if all(dict(key)[name] == dict(labels)[name] for name in shared):
                own = last
    return own
