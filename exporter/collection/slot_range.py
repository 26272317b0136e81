"""Spans of slots, and what was counted in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exporter.slo.types import Floats, Group


@dataclass(frozen=True, slots=True)
class SlotRange:
    """The slots of `slot` seconds that lie in (start, end]; both are slot boundaries."""

    start: int
    end: int
    slot: int

    @property
    def count(self) -> int:
        """How many slots there are."""
        return (self.end - self.start) // self.slot

    def at(self, slot: int) -> SlotRange:
        """The same span of time in slots of another length."""
        return SlotRange(self.start, self.end, slot)

    def one(self, i: int) -> SlotRange:
        """The i-th slot alone."""
        start = self.start + i * self.slot
        return SlotRange(start, start + self.slot, self.slot)

    def halves(self) -> tuple[SlotRange, SlotRange]:
        """The older and the newer half."""
        middle = self.start + self.count // 2 * self.slot
        return SlotRange(self.start, middle, self.slot), SlotRange(middle, self.end, self.slot)


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of one group in each slot of a span; `total` is NaN where nothing is known."""

    bad: Floats
    total: Floats

    @classmethod
    def absent(cls, slots: int) -> Counts:
        """Nothing known of any slot."""
        return cls(np.zeros(slots), np.full(slots, np.nan))


def joined(
    older: dict[Group, Counts], newer: dict[Group, Counts], spans: tuple[SlotRange, SlotRange]
) -> dict[Group, Counts]:
    """The counts of two neighbouring spans as one."""
    absent = [Counts.absent(span.count) for span in spans]
    both = {}
    for group in older.keys() | newer.keys():
        first, second = older.get(group, absent[0]), newer.get(group, absent[1])
        both[group] = Counts(
            bad=np.concatenate((first.bad, second.bad)),
            total=np.concatenate((first.total, second.total)),
        )
    return both
