"""A ledger as one would write it without a thought for speed: a dictionary of slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.ledger.levels import Level


@dataclass(frozen=True)
class Slot:
    """One slot of one row, or the part of it that lies in maintenance windows."""

    bad: float
    total: float
    known: float


UNKNOWN = Slot(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Both:
    """A slot whole, and what of it is excluded."""

    whole: Slot = UNKNOWN
    excluded: Slot = UNKNOWN


NOTHING = Both()


class NaiveLedger:
    """One row; per level a dictionary from a slot's end to what is known of it.

    A coarse slot is made of the finer ones in it as soon as all of it is older than the finer
    level's horizon. What has been merged is never taken apart again.
    """

    def __init__(self, levels: Sequence[Level], end: int) -> None:
        self.levels = levels
        self.end = end
        self.slots: list[dict[int, Both]] = [{} for _ in levels]
        self.fences = [self._oldest(level) for level in range(len(levels))]

    def _oldest(self, level: int) -> int:
        unit = self.levels[min(level + 1, len(self.levels) - 1)].slot
        return (self.end - self.levels[level].horizon) // unit * unit

    def cover(self, level: int) -> tuple[int, int]:
        return self.fences[level], self.end if level == 0 else self.fences[level - 1]

    def write(self, level: int, end: int, whole: Slot, excluded: Slot = UNKNOWN) -> None:
        """Put one slot in where the level covers it, unless less is known of it than before."""
        low, high = self.cover(level)
        before = self.slots[level].get(end, NOTHING).whole
        if low < end <= high and (whole.known or not before.known):
            self.slots[level][end] = Both(whole, excluded)

    def advance(self, end: int) -> None:
        while self.end < end:
            self.end += self.levels[0].slot
            for level in range(len(self.levels)):
                self._age(level)

    def _age(self, level: int) -> None:
        old, new = self.fences[level], max(self.fences[level], self._oldest(level))
        self.fences[level] = new
        leaving = {end: slot for end, slot in self.slots[level].items() if end <= new}
        for end in leaving:
            del self.slots[level][end]
        if level + 1 == len(self.levels):
            return
        fine, coarse = self.levels[level].slot, self.levels[level + 1].slot
        for coarse_end in range(old + coarse, new + 1, coarse):
            inside = [
                leaving.get(end, NOTHING)
                for end in range(coarse_end - coarse + fine, coarse_end + 1, fine)
            ]
            self.slots[level + 1][coarse_end] = Both(
                _merged([slot.whole for slot in inside]),
                _merged([slot.excluded for slot in inside]),
            )

    def retreat(self, end: int) -> None:
        self.end = max(min(end, self.end), self.fences[0])
        self.slots[0] = {at: slot for at, slot in self.slots[0].items() if at <= self.end}

    def window(self, length: int, *, excluded: bool = False) -> tuple[float, float, float]:
        """Bad, total and the known share of the last `length` seconds."""
        start = self.end - length
        bad = total = known = 0.0
        for level, slots in enumerate(self.slots):
            size = self.levels[level].slot
            for end, both in slots.items():
                slot = both.excluded if excluded else both.whole
                seconds = max(0, min(size, end - start))
                bad += slot.bad * seconds / size
                total += slot.total * seconds / size
                known += slot.known * seconds
        return bad, total, known / length


def _merged(slots: Sequence[Slot]) -> Slot:
    return Slot(
        sum(slot.bad for slot in slots),
        sum(slot.total for slot in slots),
        sum(slot.known for slot in slots) / len(slots),
    )
