"""Counts of many SLOs at once, where nothing about them is out of the ordinary. Pure.

What is, `exporter.collection.decoding` counts, SLO by SLO; where both can, they say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
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


def blocks(askers: Sequence[Asker], rows: Rows) -> tuple[list[Block], set[SloIndex]]:
    """Count the SLOs that can be counted together.

    Returns:
        Their counts, and the SLOs that are left: some of their slots are to be counted from raw
        samples, cannot be, or are measured in another way.
    """
    alike: dict[Hashable, list[tuple[Asker, list[int]]]] = defaultdict(list)
    left = set()
    for asker in askers:
        numbers = [rows.only(place) for place in asker.places]
        found = [number for number in numbers if number is not None]
        if len(found) < len(numbers):
            left.add(asker.slo_index)
            continue
        key = asker.way.formula, asker.context.interval, asker.others, asker.slack
        alike[key].append((asker, found))
    counted = []
    for those in alike.values():
        first = those[0][0]
        values = [rows.grid[list(each)] for each in zip(*(n for _, n in those), strict=True)]
        bad, total, odd = _count(first, values)
        slot = first.context.slot
        if first.slack is not None:
            odd |= impossible(bad, total, slot, first.slack).any(axis=1)
        if first.others:
            odd |= np.isnan(total).all(axis=1)
            if isinstance(first.way, Counters):  # it may have what this way does not count
                nothing = len(rows.labels)
                odd |= np.array([numbers[-1] != nothing for _, numbers in those])
        slo_indices = [asker.slo_index for asker, _ in those]
        left |= {slo_indices[i] for i in np.flatnonzero(odd).tolist()}
        fine = np.flatnonzero(~odd)
        if fine.size:
            block = Block([slo_indices[i] for i in fine.tolist()], bad[fine], total[fine])
            counted.append(block)
    return counted, left


def _count(asker: Asker, values: list[Floats]) -> tuple[Floats, Floats, Bools]:
    """Bad and total of SLOs that are measured alike, and which of them have odd slots."""
    way = asker.way
    odd = np.zeros(len(values[0]), dtype=np.bool_)
    for i, (selector, each) in enumerate(zip(way.selectors, values, strict=True)):
        infinite = np.isinf(each)
        if selector is not None or isinstance(way, Histogram):
            odd |= infinite.any(axis=1)
        values[i] = np.where(infinite, np.nan, each)
    bad, total = way.combine(values, asker.context)
    most = most_apart(way)
    if most is not None:
        with np.errstate(invalid="ignore"):
            outside = (bad < -most * total) | (bad - total > most * total)
        odd |= outside.any(axis=1)
        bad = possible_each(bad, total)
    return bad, total, odd
