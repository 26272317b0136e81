"""Counts of slots: by themselves, and as the ledger holds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.count_array import CountArray

STANDS_IN = 1.5
"""A known share above this is that of several slots: see `exporter.ledger.stand_ins`."""


@dataclass(slots=True)
class Slots:
    """Counts of series x slots; `known` is the share of each slot that is known, 0 to 1.

    One that stands in for several has all of their counts, and their shares added up.
    """

    bad: NDArray[np.floating]
    total: NDArray[np.floating]
    known: NDArray[np.floating]

    def arrays(self) -> Iterator[NDArray[np.floating]]:
        """Bad, total and known, in this order."""
        return iter((self.bad, self.total, self.known))

    def part(self, slots: slice) -> Slots:
        """Some of the slots, of all series."""
        return Slots(*(array[:, slots] for array in self.arrays()))

    def rows(self, chosen: NDArray[np.bool_]) -> Slots:
        """Some of the series."""
        return Slots(*(array[chosen] for array in self.arrays()))

    @classmethod
    def none(cls, series: int, slots: int) -> Slots:
        """Nothing known. The known shares are kept short: they need few digits."""
        shape = (series, slots)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.float32))


def stacked(parts: Sequence[Slots]) -> Slots:
    """Several series as one block."""
    if len(parts) == 1:
        return parts[0]
    return Slots(
        *(np.concatenate(arrays) for arrays in zip(*(part.arrays() for part in parts), strict=True))
    )


class HeldSlots:
    """Counts of series x slots in a ring, as `Slots` otherwise.

    Counts of events are whole numbers, and few reach 2^24 in a slot; known shares are 0 or 1, or
    so many slots that one stands in for: that is what the narrow types hold exactly.
    """

    def __init__(self, series: int, slots: int, *, by_slot: bool = False) -> None:
        self.bad = CountArray(series, slots, np.float32, np.float64, by_slot=by_slot)
        self.total = CountArray(series, slots, np.float32, np.float64, by_slot=by_slot)
        self.known = CountArray(series, slots, np.uint8, np.float32, by_slot=by_slot)

    def __len__(self) -> int:
        return len(self.bad)

    def arrays(self) -> Iterator[CountArray]:
        """Bad, total and known, in this order."""
        return iter((self.bad, self.total, self.known))

    def get(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Slots:
        """The counts in some cells, which are given as numpy indexes an array."""
        return Slots(*(array.get(rows, columns) for array in self.arrays()))

    def set(self, rows: NDArray[np.intp], columns: NDArray[np.intp], slots: Slots) -> None:
        """Put counts into some cells."""
        for array, new in zip(self.arrays(), slots.arrays(), strict=True):
            array.set(rows, columns, new)

    def clear(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        """Have nothing known in some cells."""
        for array in self.arrays():
            array.set(rows, columns, np.zeros(np.broadcast_shapes(rows.shape, columns.shape)))

    def narrow(self) -> None:
        """Take no more memory than what is held by now needs."""
        for array in self.arrays():
            array.narrow()

    def put(
        self,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        slots: Slots,
        keep: NDArray[np.bool_],
    ) -> None:
        """Put counts into some cells, but for those to `keep`."""
        if keep.any():
            held = self.get(rows, columns)
            pairs = zip(held.arrays(), slots.arrays(), strict=True)
            slots = Slots(*(np.where(keep, old, new) for old, new in pairs))
        self.set(rows, columns, slots)
