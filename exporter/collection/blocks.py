"""Counts of many SLOs at once, where nothing about them is out of the ordinary. Pure.

What is, `exporter.collection.decoding` counts, SLO by SLO; where both can, they say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.collection.arranged import Alike, Manner
from exporter.collection.plausible_shares import most_apart
from exporter.collection.rows import SEVERAL, Rows
from exporter.prometheus.indicators import Counters, Histogram
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
class LongSlots:
    """The same of slots that are to stand in for shorter ones: the `odd` ones of them cannot.

    These would be counted from raw samples, of which they hold many, or they are not of use.
    """

    slo_indices: list[SloIndex]
    bad: Floats
    total: Floats
    odd: Bools


def blocks(alike: Sequence[Alike], rows: Rows) -> list[Block]:
    """Count the SLOs that can be counted together.

    Those are left out of which some slots are to be counted from raw samples, cannot be, or are
    measured in another way.
    """
    counted = []
    for found in long_slots(alike, rows):
        fine = ~found.odd.any(axis=1)
        if fine.all():
            counted.append(Block(found.slo_indices, found.bad, found.total))
        elif fine.any():
            own = [found.slo_indices[i] for i in np.flatnonzero(fine).tolist()]
            counted.append(Block(own, found.bad[fine], found.total[fine]))
    return counted


def long_slots(alike: Sequence[Alike], rows: Rows) -> list[LongSlots]:
    """Count the slots of SLOs that can be counted together, and tell which are odd.

    SLOs that have to be read one by one are left out.
    """
    counted = []
    for each in alike:
        numbers, slo_indices, manner = rows.numbers[each.at], each.slo_indices, each.manner
        single = (numbers != SEVERAL).all(axis=1)
        if not single.all():
            numbers = numbers[single]
            slo_indices = [slo_indices[i] for i in np.flatnonzero(single).tolist()]
        bad, total, odd = _count(manner, [rows.grid[column] for column in numbers.T])
        if manner.slack is not None:
            odd |= impossible(bad, total, manner.context.slot, manner.slack)
        if manner.others:
            odd |= np.isnan(total).all(axis=1, keepdims=True)
            if isinstance(manner.way, Counters):  # it may have what this way does not count
                odd |= numbers[:, -1:] != rows.nothing
        counted.append(LongSlots(slo_indices, bad, total, odd))
    return counted


def _count(manner: Manner, values: list[Floats]) -> tuple[Floats, Floats, Bools]:
    """Bad and total of SLOs that are measured alike, and which of their slots are odd."""
    way = manner.way
    odd = np.zeros(values[0].shape, dtype=np.bool_)
    for i, (selector, each) in enumerate(zip(way.selectors, values, strict=True)):
        infinite = np.isinf(each)
        if selector is not None or isinstance(way, Histogram):
            odd |= infinite
        values[i] = np.where(infinite, np.nan, each)
    bad, total = way.combine(values, manner.context)
    most = most_apart(way)
    if most is not None:
        with np.errstate(invalid="ignore"):
            odd |= (bad < -most * total) | (bad - total > most * total)
        bad = possible_each(bad, total)
    return bad, total, odd
