"""Numbers of series x slots in as little memory as holds them exactly."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exporter.slo.types import Floats, SeriesIndex

Rows = NDArray[np.intp] | slice
"""Series: by their indices, or so many in a row."""


def in_a_row(indices: NDArray[np.intp]) -> Rows:
    """The same series as a slice if they are consecutive, which is read without copying."""
    if not len(indices) or int(indices[-1]) - int(indices[0]) + 1 != len(indices):
        return indices
    consecutive = bool((indices[1:] - indices[:-1] == 1).all())
    return slice(int(indices[0]), int(indices[-1]) + 1) if consecutive else indices


class CountArray:
    """Numbers of series x slots, all 0 at first.

    They are held in a `narrow` type. A series that has a number which this does not hold exactly
    is held in a `wide` one, so that what is read is always what was written.

    The numbers of a series are neighbours in memory, or with `by_slot` those of a slot, for whom
    asks about few slots of all series.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        narrow: type[Any],
        wide: type[Any],
        *,
        by_slot: bool = False,
    ) -> None:
        self._order: Literal["C", "F"] = "F" if by_slot else "C"
        self._narrow: NDArray[Any] = np.zeros((rows, columns), dtype=narrow, order=self._order)
        self._wide: NDArray[Any] = np.zeros((0, columns), dtype=wide)
        self._widened = 0
        # Where each series is among the wide ones; -1 where it is not.
        self._places = np.full(rows, -1, dtype=np.intp)

    def __len__(self) -> int:
        return len(self._narrow)

    @property
    def bytes(self) -> int:
        """The memory that the numbers take."""
        return self._narrow.nbytes + self._wide.nbytes

    def get(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
        """The numbers in some cells, which are given as numpy indexes an array."""
        found = self._narrow[rows, columns].astype(self._wide.dtype)
        if self._widened:
            places, at = np.broadcast_arrays(self._places[rows], columns)
            wide = places >= 0
            found[wide] = self._wide[places[wide], at[wide]]
        return found

    def part(self, rows: Rows, low: int, until: int) -> NDArray[Any]:
        """The numbers of some series in the slots from `low` up to `until`; not to be changed."""
        # By a slice: picking cells one by one takes ten times as long and more.
        found = self._narrow[rows, low:until].astype(self._wide.dtype)
        for at, places in self._wide_of(rows):
            found[at] = self._wide[places, low:until]
        return found

    def column(self, rows: Rows, column: int) -> NDArray[Any]:
        """The numbers of some series in one slot."""
        found = self._narrow[rows, column].astype(self._wide.dtype)
        for at, places in self._wide_of(rows):
            found[at] = self._wide[places, column]
        return found

    def sum(self, rows: Rows, low: int, until: int) -> Floats:
        """The sums of some series over the columns from `low` up to `until`."""
        sums: Floats = self._narrow[rows, low:until].sum(axis=1, dtype=np.float64)
        for at, places in self._wide_of(rows):
            sums[at] = self._wide[places, low:until].sum(axis=1, dtype=np.float64)
        return sums

    def _wide_of(self, rows: Rows) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Which of some series are wide, and where; nothing if none is."""
        if not self._widened:
            return []
        places = self._places[rows]
        at = np.flatnonzero(places >= 0)
        return [(at, places[at])] if at.size else []

    def set(self, rows: NDArray[np.intp], columns: NDArray[np.intp], values: NDArray[Any]) -> None:
        """Put numbers into some cells, which are given as numpy indexes an array."""
        values = np.asarray(values).astype(self._wide.dtype, copy=False)
        with np.errstate(invalid="ignore", over="ignore"):
            narrow = values.astype(self._narrow.dtype)
            fits = narrow == values
        if not fits.all():
            self._widen(np.unique(np.broadcast_to(rows, values.shape)[~fits]))
        self._narrow[rows, columns] = narrow
        if self._widened:
            places, at = np.broadcast_arrays(self._places[rows], columns)
            wide = places >= 0
            self._wide[places[wide], at[wide]] = np.broadcast_to(values, wide.shape)[wide]

    def _widen(self, rows: NDArray[np.intp]) -> None:
        rows = rows[self._places[rows] < 0]
        needed = self._widened + len(rows)
        if needed > len(self._wide):
            room = min(len(self), max(needed, 2 * len(self._wide)))
            self._wide = _grown(self._wide, room)
        self._places[rows] = np.arange(self._widened, needed)
        self._wide[self._widened : needed] = self._narrow[rows]
        self._widened = needed

    def narrow(self) -> None:
        """Hold series in the narrow type again whose large numbers are gone."""
        rows = np.flatnonzero(self._places >= 0)
        held = self._wide[self._places[rows]]
        with np.errstate(invalid="ignore", over="ignore"):
            stay = (held.astype(self._narrow.dtype) != held).any(axis=1)
        self._wide = held[stay]
        self._widened = len(self._wide)
        self._places[rows] = -1
        self._places[rows[stay]] = np.arange(self._widened)

    def clear_columns(self, columns: NDArray[np.intp]) -> None:
        """Set some slots of all series to 0."""
        self._narrow[:, columns] = 0
        self._wide[:, columns] = 0

    def clear_row(self, row: SeriesIndex, columns: NDArray[np.intp] | slice = slice(None)) -> None:
        """Set slots of a series to 0; all of them if none are given."""
        self._narrow[row, columns] = 0
        if self._places[row] >= 0:
            self._wide[self._places[row], columns] = 0

    def grow(self, rows: int) -> None:
        """Make room for so many series."""
        added = np.full(rows - len(self), -1, dtype=np.intp)
        self._narrow = _grown(self._narrow, rows, self._order)
        self._places = np.concatenate([self._places, added])


def _grown(array: NDArray[Any], rows: int, order: Literal["C", "F"] = "C") -> NDArray[Any]:
    grown = np.zeros((rows, array.shape[1]), dtype=array.dtype, order=order)
    grown[: len(array)] = array
    return grown
