"""Counts of many SLOs at once, where nothing about them is out of the ordinary. Pure.

What is, `exporter.collection.decoding` counts, SLO by SLO; where both can, they say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.collection.planner import Place
from exporter.collection.plausible_shares import most_apart
from exporter.collection.rows import Rows
from exporter.prometheus.indicators import Counters, Histogram, Indicator
from exporter.prometheus.promql import QueryContext
from exporter.slo.plausible import impossible, possible_each
from exporter.slo.types import Bools, Floats, SloIndex


@dataclass(frozen=True, slots=True)
class Block:
    """Bad and all events of SLOs without groups: SLOs x slots; `total` is NaN where not known."""

    slo_indices: list[SloIndex]
    bad: Floats
    total: Floats

    def parts(self, most: int) -> Iterator[Block]:
        """The same in blocks of so many SLOs at the most."""
        for i in range(0, len(self.slo_indices), most):
            some = slice(i, i + most)
            yield Block(self.slo_indices[some], self.bad[some], self.total[some])


@dataclass(frozen=True, slots=True)
class Asker:
    """An SLO without groups, time slices and maintenance windows, and how it was measured.

    `others` tells whether there are other ways to measure it; `slack` is that of
    `exporter.slo.plausible.impossible`, None where it is for others to judge.
    """

    slo_index: SloIndex
    way: Indicator
    context: QueryContext
    places: Sequence[Place]
    others: bool
    slack: float | None


@dataclass(frozen=True, slots=True)
class LongSlots:
    """The same of slots that are to stand in for shorter ones: the `odd` ones of them cannot.

    These would be counted from raw samples, of which they hold many, or they are not of use.
    """

    slo_indices: list[SloIndex]
    bad: Floats
    total: Floats
    odd: Bools


def blocks(askers: Sequence[Asker], rows: Rows) -> tuple[list[Block], set[SloIndex]]:
    """Count the SLOs that can be counted together.

    Returns:
        Their counts, and the SLOs that are left: some of their slots are to be counted from raw
        samples, cannot be, or are measured in another way.
    """
    counted, left = [], {asker.slo_index for asker in askers}
    for found in long_slots(askers, rows):
        fine = np.flatnonzero(~found.odd.any(axis=1))
        if fine.size:
            own = [found.slo_indices[i] for i in fine.tolist()]
            counted.append(Block(own, found.bad[fine], found.total[fine]))
            left.difference_update(own)
    return counted, left


def long_slots(askers: Sequence[Asker], rows: Rows) -> list[LongSlots]:
    """Count the slots of SLOs that can be counted together, and tell which are odd.

    SLOs that have to be read one by one are left out.
    """
    alike: dict[Hashable, list[tuple[Asker, list[int]]]] = defaultdict(list)
    for asker in askers:
        numbers = [rows.only(place) for place in asker.places]
        found = [number for number in numbers if number is not None]
        if len(found) == len(numbers):
            key = asker.way.formula, asker.context.interval, asker.others, asker.slack
            alike[key].append((asker, found))
    counted = []
    for those in alike.values():
        first = those[0][0]
        values = [rows.grid[list(each)] for each in zip(*(n for _, n in those), strict=True)]
        bad, total, odd = _count(first, values)
        if first.slack is not None:
            odd |= impossible(bad, total, first.context.slot, first.slack)
        if first.others:
            odd |= np.isnan(total).all(axis=1, keepdims=True)
            if isinstance(first.way, Counters):  # it may have what this way does not count
                nothing = len(rows.labels)
                odd |= np.array([[numbers[-1] != nothing] for _, numbers in those])
        counted.append(LongSlots([asker.slo_index for asker, _ in those], bad, total, odd))
    return counted


def _count(asker: Asker, values: list[Floats]) -> tuple[Floats, Floats, Bools]:
    """Bad and total of SLOs that are measured alike, and which of their slots are odd."""
    way = asker.way
    odd = np.zeros(values[0].shape, dtype=np.bool_)
    for i, (selector, each) in enumerate(zip(way.selectors, values, strict=True)):
        infinite = np.isinf(each)
        if selector is not None or isinstance(way, Histogram):
            odd |= infinite
        values[i] = np.where(infinite, np.nan, each)
    bad, total = way.combine(values, asker.context)
    most = most_apart(way)
    if most is not None:
        with np.errstate(invalid="ignore"):
            odd |= (bad < -most * total) | (bad - total > most * total)
        bad = possible_each(bad, total)
    return bad, total, odd
